"""From a float network to a smaller file: every verb, every kind of model, every clear error."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

import fpgacomp
from fpgacomp.cli.app import app
from fpgacomp.compress.quantize.options import MixedOptions, QuantizeOptions
from fpgacomp.errors import InputDataError, ModelError, UsageError
from fpgacomp.flows import compress as compression
from fpgacomp.flows.board_cost import Hardware, board_cost, paced_cost
from fpgacomp.flows.torch_networks import load_for_training
from fpgacomp.results.target import Target
from tests.support import paths
from tests.support.depth import deep_only

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")
pytestmark = pytest.mark.slow

EXAMPLES = paths.EXAMPLES / "compression"
CNN = str(EXAMPLES / "float_cnn.onnx")
DATA = f"{EXAMPLES}/digits.py:images"
QUICK = ["--epochs", "3", "--learning-rate", "0.003"]


def run(tmp_path, *arguments):
    out = tmp_path / "out.onnx"
    result = CliRunner().invoke(app, [*arguments, "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), onnx.load(out)


def ops(model):
    return [node.op_type for node in model.graph.node]


# A guide's command, which is run, quantizes by the first method.
@pytest.mark.parametrize("method", [pytest.param("ptq", marks=deep_only), "brevitas-ptq", "qat"])
def test_quantize_keeps_the_accuracy_in_the_bits_asked_for(tmp_path, method):
    epochs = QUICK if method == "qat" else []
    told, model = run(
        tmp_path, "quantize", CNN, "--data", DATA, "--method", method, "--weight-bits", "4",
        "--activation-bits", "6", "--first-last-bits", "same", *epochs,
    )  # fmt: skip
    assert told["quantized"]
    assert told["accuracy"] >= told["accuracy_before"] - 0.05
    widths = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    found = {float(widths[n.input[3]]) for n in model.graph.node if n.op_type == "Quant"}
    assert found == {4, 6, 8}, "weights, activations, input"
    assert fpgacomp.estimate(model, "pynq-z2").verdict.fits


@pytest.mark.parametrize(
    ("arguments", "floor"),
    [
        (["--share", "0.5"], 0.92),
        (["--method", "n:m", "--n-of-m", "2:4"], 0.92),
        (["--method", "channels", "--share", "0.25"], 0.85),
        (["--share", "0.5", "--weight-bits", "4", "--leave", "layer_0"], 0.9),
    ],
)
def test_prune_removes_what_was_asked_for(tmp_path, arguments, floor):
    told, model = run(tmp_path, "prune", CNN, "--data", DATA, *QUICK, *arguments)
    assert told["accuracy"] >= floor
    details = told["details"]
    if "channels" in arguments:
        assert details["weights"] < 0.65 * details["weights_before"]
    else:
        expected = 0.5 * (13584 - 144 * ("--leave" in arguments or "n:m" in arguments))
        assert details["zeros"] == pytest.approx(expected, abs=2)
    assert ("Quant" in ops(model)) == told["quantized"] == ("--weight-bits" in arguments)


def test_share_distill_and_factorize(tmp_path):
    told, model = run(tmp_path, "share", CNN, "--data", DATA, "--values", "16", *QUICK)
    assert ops(model).count("Gather") == 4
    assert told["accuracy"] >= told["accuracy_before"] - 0.04
    told, model = run(
        tmp_path, "distill", CNN, "--data", DATA, "--student", "0.5", "--epochs", "10",
        "--learning-rate", "0.01", "--hidden", "layer_4:layer_4", "--weight-bits", "4",
    )  # fmt: skip
    assert told["accuracy"] > 0.8
    assert "Quant" in ops(model)
    told, model = run(tmp_path, "factorize", CNN, "--data", DATA, "--energy", "0.9", *QUICK)
    assert told["details"]["weights"] < told["details"]["weights_before"]
    assert told["accuracy"] > 0.88


def test_evaluate_compares_them(tmp_path):
    run(tmp_path, "quantize", CNN, "--data", DATA, "--method", "ptq")
    page = tmp_path / "page.html"
    result = CliRunner().invoke(
        app,
        ["evaluate", CNN, str(tmp_path / "out.onnx"), "--data", DATA, "--board", "pynq-z2",
         "--fps", "10000", "--html", str(page), "--json"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    float_cnn, quantized = json.loads(result.stdout)["models"]
    assert float_cnn["name"] == "float_cnn"
    assert quantized["name"] == "out"
    assert "<svg" in page.read_text()


@deep_only  # tests/compress/prune prunes by other costs; test_budget.py judges by a board
def test_hardware_aware_pruning_saves_what_was_asked_for(digits):
    hardware = Hardware(
        board="pynq-z2",
        options=fpgacomp.Options(
            target=Target("area", 100_000), backend="hls4ml", io_type="io_stream"
        ),
        quantization=QuantizeOptions(weight_bits=4, activation_bits=4),
    )
    from fpgacomp.compress.prune.options import HardwareOptions
    from fpgacomp.compress.recipe import Recipe

    result = compression.prune(
        CNN, digits, options=HardwareOptions(saving=0.3), recipe=Recipe(epochs=4),
        hardware=hardware,
    )  # fmt: skip
    network, samples = load_for_training(CNN, digits)
    cost = board_cost(samples, hardware)
    assert result.details["units"] == "channels"
    assert cost(result.network)["lut"] <= 0.75 * cost(network)["lut"]
    assert result.after > 0.85


def test_hardware_aware_pruning_without_a_board_is_refused(digits):
    from fpgacomp.compress.prune.options import HardwareOptions

    with pytest.raises(UsageError, match="has no board to judge by"):
        compression.prune(CNN, digits, options=HardwareOptions())


@deep_only  # test_budget.py and tests/compress/prune judge by boards, too
@pytest.mark.parametrize("goal", ["latency", "throughput"])
def test_networks_are_judged_at_one_pace(digits, goal):
    """Where only speed is asked for, half the channels would make a faster design, as large."""
    from fpgacomp.compress.prune.options import ChannelOptions
    from fpgacomp.compress.prune.structured import prune_channels
    from fpgacomp.compress.recipe import Recipe

    network, samples = load_for_training(CNN, digits)
    half = prune_channels(network, samples, ChannelOptions(rounds=1), Recipe(epochs=0)).network
    hardware = Hardware(
        board="pynq-z2", options=fpgacomp.Options(target=Target(goal)),
        quantization=QuantizeOptions(weight_bits=4, activation_bits=4),
    )  # fmt: skip
    free = board_cost(samples, hardware)
    cost, (note,) = paced_cost(network, samples, hardware)
    before, after = cost(network), cost(half)
    assert note.startswith("judged at ") and "the pace of the network as it is" in note
    assert after["lut"] < 0.75 * before["lut"]
    assert after["lut"] < free(half)["lut"]
    if goal == "latency":
        assert max(after["latency_us"], before["latency_us"]) <= free(network)["latency_us"]
    asked = replace(hardware, options=fpgacomp.Options(target=Target("area", 1000)))
    assert paced_cost(network, samples, asked)[1] == ()


@deep_only  # test_mixed.py and test_budget.py hold budgets of bits and of a board
def test_a_budget_of_bits_is_kept(digits):
    from fpgacomp.compress.recipe import Recipe

    budget = 3 * 13584
    result = compression.quantize(
        CNN, digits, options=MixedOptions(budget=budget, measure="bits"), recipe=Recipe(epochs=4)
    )
    assert result.details["weight_storage_bits"] <= budget
    assert len(set(result.details["weight_bits"].values())) > 1
    assert result.after > 0.85


def test_a_torch_module_and_an_earlier_result_go_in_as_well(digits):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    from fpgacomp.compress.prune.options import MagnitudeOptions
    from fpgacomp.compress.recipe import Recipe

    recipe = Recipe(epochs=15, learning_rate=0.02)
    first = fpgacomp.prune(module, digits, options=MagnitudeOptions(sparsity=0.5), recipe=recipe)
    then = fpgacomp.quantize(first.network, digits, method="qat", recipe=recipe)
    layer = next(m for m in then.network.modules() if isinstance(m, torch.nn.Linear))
    assert int((layer.weight == 0).sum()) >= 320
    assert then.before == first.after > 0.75
    report = fpgacomp.compile(
        then.model, "pynq-z2", options=fpgacomp.Options(inputs=digits.test.x, vectors=50)
    )
    assert report.exactness.csim_mismatches == 0 == report.exactness.network_mismatches


def test_a_keras_model_takes_both_paths(tmp_path):
    if importlib.util.find_spec("qkeras") is None:  # importing it here would choose Keras 3
        pytest.skip("QKeras is not installed")
    model = str(EXAMPLES / "float_mlp.h5")
    pixels = f"{EXAMPLES}/digits.py:pixels"
    told, quantized = run(
        tmp_path, "quantize", model, "--data", pixels, "--weight-bits", "4",
        "--activation-bits", "4", "--epochs", "10",
    )  # fmt: skip
    assert told["accuracy"] >= told["accuracy_before"] - 0.05
    assert "Quant" in ops(quantized)
    told, shared = run(tmp_path, "share", model, "--data", pixels, "--values", "16", *QUICK)
    assert told["accuracy"] >= told["accuracy_before"] - 0.05
    assert "Gather" in ops(shared)


def failing(*arguments):
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output + (result.stderr or "")


def test_errors_name_what_is_wrong(tmp_path, digits):
    x, y = digits.test.x, digits.test.y
    np.savez(
        tmp_path / "labels.npz", x=np.concatenate([x + 1, x + 2]), y=np.concatenate([y, y + 5])
    )
    np.savez(tmp_path / "shape.npz", x=x[:, :, :5] + 1, y=y)
    cases = {
        "the network has 10 classes. Fix: number the classes 0 to 9": (
            "share", CNN, "-d", f"{tmp_path}/labels.npz",
        ),
        "holds samples of shape [1, 5, 8], the network takes [1, 8, 8]": (
            "share", CNN, "-d", f"{tmp_path}/shape.npz",
        ),
        "there is no such file": ("share", CNN, "-d", f"{tmp_path}/none.npz"),
        "does not exist": ("share", f"{tmp_path}/none.onnx", "-d", DATA),
        "has no layer fc9": ("share", CNN, "-d", DATA, "--values", "fc9=4"),
        "'four' is no number": ("quantize", CNN, "-d", DATA, "--weight-bits", "four"),
        "is not for the method ptq": (
            "quantize", CNN, "-d", DATA, "--method", "ptq", "--weight-bits", "ternary",
        ),
        "has no board to judge by": ("prune", CNN, "-d", DATA, "--method", "hardware"),
        "compares channels, not weights": ("prune", CNN, "-d", DATA, "--scope", "board"),
        "is one number for this method": (
            "prune", CNN, "-d", DATA, "--method", "hardware", "-b", "pynq-z2", "--share", "fc=0.5",
        ),
        "use 0 up to, but not 1": ("prune", CNN, "-d", DATA, "--share", "1.5"),
        "is no list of pairs": ("distill", CNN, "-d", DATA, "--hidden", "a"),
        "its folder does not exist": (
            "quantize", CNN, "-d", DATA, "--method", "ptq", "-o", f"{tmp_path}/no/out.onnx",
        ),
    }  # fmt: skip
    for text, arguments in cases.items():
        code, output = failing(*arguments)
        assert code in (1, 2), (text, output)
        assert text in " ".join(output.split()), (text, output)


def test_a_quantized_network_is_not_quantized_again(digits):
    first = compression.quantize(CNN, digits, method="ptq")
    with pytest.raises(ModelError, match="is quantized already"):
        compression.quantize(first.model, digits, method="ptq")
    with pytest.raises(InputDataError, match="there is no such file"):
        compression.quantize(CNN, "none.npz")
