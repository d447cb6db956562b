from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from fpgacomp.compress.evaluate import EvaluateOptions
from fpgacomp.data.labelled import load_data
from fpgacomp.errors import InputDataError, Problems, UsageError
from fpgacomp.flows.evaluate import evaluate
from fpgacomp.report.comparison import to_json
from fpgacomp.results.comparison import Candidate, Comparison
from tests.support.evaluate_networks import Builder, corners, linear, quantized_linear
from tests.support.paths import EXAMPLES

pytestmark = pytest.mark.slow  # loading the framework takes seconds

EYE = np.eye(3)
NO_ATTACK = EvaluateOptions(epsilons=())


def only(comparison: Comparison) -> Candidate:
    (candidate,) = comparison.candidates
    return candidate


def shares(candidate: Candidate) -> dict[tuple[str, float], float | None]:
    assert candidate.scores is not None
    return {(item.attack, item.strength): item.score for item in candidate.scores.disturbed}


def test_known_shares() -> None:
    turned = np.roll(EYE, 1, axis=1)
    biased = [[1.0, 0, 0], [0, 1, 0], [0, 0, 0]]  # never names class 2
    data = corners()
    found = evaluate({"right": linear(EYE), "wrong": linear(turned), "two": linear(biased)}, data,
                     evaluation=NO_ATTACK)  # fmt: skip
    right, wrong, two = (candidate.scores for candidate in found.candidates)
    assert right is not None and wrong is not None and two is not None
    assert (right.score, right.figure("macro_f1")) == (1.0, 1.0)
    assert (wrong.score, wrong.figure("macro_f1")) == (0.0, 0.0)
    assert two.score == np.mean(data.test.y != 2)
    assert found.test.samples == len(data.test) and found.test.classes == 3


def test_the_test_split_alone_is_answered() -> None:
    data = corners()
    data.train.y[:] = (data.train.y + 1) % 3
    data.validation.y[:] = (data.validation.y + 1) % 3
    found = only(evaluate([linear(EYE)], data, evaluation=NO_ATTACK))
    assert found.scores is not None and found.scores.score == 1.0


def test_attacks_by_hand() -> None:
    pytest.importorskip("torch")
    # a step moves the right score down and the others up: those whose lead is small fall
    data = corners(samples=600)
    options = EvaluateOptions(noise=(), brightness=(), epsilons=(0.25,))
    found = evaluate([linear(EYE)], data, evaluation=options)
    inside = np.float32(found.test.low), np.float32(found.test.high)
    step = np.float32(0.25 * float(inside[1] - inside[0]))
    sign = np.where(np.arange(3) == data.test.y[:, None], -1, 1).astype(np.float32)
    moved = np.clip(data.test.x + step * sign, *inside)
    expected = np.mean(moved.argmax(axis=1) == data.test.y)
    assert 0.1 < expected < 0.9
    assert shares(only(found)) == {("gradient", 0.25): expected}


def test_the_digits_of_the_examples() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    models = [
        EXAMPLES / "compression" / "float_cnn.onnx",
        EXAMPLES / "digits_cnn" / "model.onnx",
        EXAMPLES / "digits_mlp" / "model.onnx",
    ]
    data = f"{EXAMPLES}/compression/digits.py:images"
    found = evaluate(models, data, board="pynq-z2")
    full, cnn, mlp = found.candidates
    assert (full.name, cnn.name, mlp.name) == (
        "float_cnn", "digits_cnn/model.onnx", "digits_mlp/model.onnx",
    )  # fmt: skip
    assert found.transfer_from == "float_cnn" and full.board is None
    for candidate in found.candidates:
        assert candidate.scores is not None and candidate.scores.score > 0.95
        measured = shares(candidate)
        assert set(measured) == {
            ("noise", 0.1), ("noise", 0.2), ("brightness", -0.2), ("brightness", 0.2),
            ("gradient", 0.05), ("transfer", 0.05),
        }  # fmt: skip
        assert measured["gradient", 0.05] < candidate.scores.score - 0.05
    assert shares(full)["gradient", 0.05] == shares(full)["transfer", 0.05]
    assert shares(cnn)["gradient", 0.05] < shares(cnn)["transfer", 0.05]
    assert cnn.board is not None and cnn.board.fits
    assert cnn.board.latency_us.low <= cnn.board.latency_us.value <= cnn.board.latency_us.high
    assert any("quantize first" in note for note in full.notes)
    assert to_json(found) == to_json(evaluate(models, data, board="pynq-z2"))


def test_one_that_fails_loses_no_other(tmp_path: Path) -> None:
    data = corners()
    (tmp_path / "cut.onnx").write_bytes(b"\x08\x07garbage")
    found = evaluate(
        {
            "good": linear(EYE),
            "absent": tmp_path / "no.onnx",
            "cut": tmp_path / "cut.onnx",
            "two": linear([[1.0, 0], [0, 1], [0, 0]]),
            "wide": linear(np.ones((4, 3))),
        },
        data,
        evaluation=NO_ATTACK,
    )
    by_name = {candidate.name: candidate for candidate in found.candidates}
    assert by_name["good"].scores is not None and not by_name["good"].notes
    for name, text in {
        "absent": "does not exist",
        "cut": "not an ONNX file",
        "two": "has one of 2 for the output t0 of 3 values",
        "wide": "holds samples of shape [3], the network takes [4]",
    }.items():
        assert by_name[name].scores is None
        (note,) = by_name[name].notes
        assert note.startswith("not scored: ") and text in note
    assert by_name["two"].footprint is not None and by_name["absent"].footprint is None


def test_where_all_fail_every_reason_is_raised() -> None:
    models = {"a": "no.onnx", "b": linear([[1.0, 0], [0, 1], [0, 0]])}
    with pytest.raises(Problems) as caught:
        evaluate(models, corners())
    assert "no.onnx: does not exist" in str(caught.value)
    assert "is 2, the network has 2 classes" in str(caught.value)
    with pytest.raises(InputDataError, match="is 2, the network has 2 classes"):
        evaluate([models["b"]], corners())


def test_wrong_requests() -> None:
    with pytest.raises(UsageError, match="models: there is none"):
        evaluate([], corners())
    with pytest.raises(UsageError, match="no network is called nobody"):
        evaluate([linear(EYE)], corners(), evaluation=EvaluateOptions(transfer_from="nobody"))


def test_a_board_asks_for_quantized_networks() -> None:
    models = {"float": linear(EYE), "whole": quantized_linear(EYE, bits=6, scale=1 / 32)}
    found = evaluate(models, corners(), board="pynq-z2", evaluation=NO_ATTACK)
    floating, whole = found.candidates
    assert (found.board, found.board_title) == ("pynq-z2", "TUL PYNQ-Z2")
    assert floating.board is None and "quantize first" in floating.notes[0]
    assert whole.board is not None and whole.board.fits and whole.board.lut.value > 0


def test_what_a_board_refuses_is_told() -> None:
    build = Builder()
    kernel = build.quant(build.constant(EYE), 2, narrow=True)
    raw = build.model(build.node("MatMul", "x", kernel), [3])
    models = {"raw": raw, "whole": quantized_linear(EYE)}
    candidate = evaluate(models, corners(), board="pynq-z2", evaluation=NO_ATTACK).candidates[0]
    assert candidate.scores is not None and candidate.board is None
    assert candidate.notes[0].startswith("not estimated for pynq-z2: ")


def test_names_are_the_networks_own(tmp_path: Path) -> None:
    places = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        places.append(tmp_path / folder / "model.onnx")
        onnx.save(linear(EYE), places[-1])
    found = evaluate([*places, linear(EYE), linear(EYE)], corners(), evaluation=NO_ATTACK)
    assert [candidate.name for candidate in found.candidates] == [
        "a/model.onnx", "b/model.onnx", "small", "small (2)",
    ]  # fmt: skip
    first, _, memory, _ = (candidate.footprint for candidate in found.candidates)
    assert first is not None and memory is not None
    assert first.file_bytes == places[0].stat().st_size == memory.file_bytes
    assert evaluate(places[0], corners(), evaluation=NO_ATTACK).candidates[0].name == "model"


def test_external_weights_count_to_the_file(tmp_path: Path) -> None:
    onnx.save(linear(EYE), tmp_path / "m.onnx", save_as_external_data=True, size_threshold=0,
              location="weights.bin")  # fmt: skip
    found = only(evaluate([tmp_path / "m.onnx"], corners(), evaluation=NO_ATTACK))
    sizes = [(tmp_path / name).stat().st_size for name in ("m.onnx", "weights.bin")]
    assert found.footprint is not None and found.footprint.file_bytes == sum(sizes)


def test_transfer_from_a_named_network() -> None:
    pytest.importorskip("torch")
    models = {"float": linear(EYE), "whole": quantized_linear(EYE, bits=6, scale=1 / 32)}
    options = EvaluateOptions(noise=(), brightness=(), epsilons=(0.2,), transfer_from="whole")
    found = evaluate(models, corners(), evaluation=options)
    floating, whole = found.candidates
    assert found.transfer_from == "whole"
    assert shares(whole)["transfer", 0.2] == shares(whole)["gradient", 0.2]
    none = evaluate(models, corners(), evaluation=EvaluateOptions(transfer_from=None))
    assert none.transfer_from is None
    assert all(kind != "transfer" for kind, _ in shares(none.candidates[0]))
    alone = evaluate([linear(EYE)], corners())
    assert alone.transfer_from is None
    assert floating.scores is not None
    assert "gradient of whole" in floating.scores.disturbed[-1].note


def test_networks_that_name_the_class_and_take_pictures_of_whole_numbers() -> None:
    build = Builder()
    scores = build.node("MatMul", build.node("Cast", "x", to=TensorProto.FLOAT),
                        build.constant(EYE))  # fmt: skip
    best = build.node("ArgMax", scores, axis=1, keepdims=0)
    model = build.model(best, [3], TensorProto.UINT8)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 100, (240, 3))
    y = np.arange(240) % 3
    x[np.arange(240), y] += 155
    data = load_data((x.astype(np.uint8), y))
    found = only(evaluate([model], data))
    assert found.scores is not None and found.scores.score == 1.0
    assert shares(found)["gradient", 0.05] is None
    assert found.scores.disturbed[-1].note.startswith("no gradient: ")
    assert shares(found)["noise", 0.1] is not None


def test_rows_and_pictures_of_the_same_values() -> None:
    build = Builder()
    flat = build.node("Flatten", "x")
    picture = build.model(build.node("MatMul", flat, build.constant(EYE)), [1, 1, 3])
    found = evaluate({"rows": linear(EYE), "pictures": picture}, corners())
    rows, pictures = (candidate.scores for candidate in found.candidates)
    assert rows is not None and pictures is not None
    assert (rows.score, rows.disturbed) == (pictures.score, pictures.disturbed)


def test_json_holds_everything_and_no_infinity() -> None:
    document = json.loads(to_json(evaluate([quantized_linear(EYE)], corners(), board="pynq-z2")))
    assert document["models"][0]["estimate"]["resources"]["lut"]["value"] > 0
    assert document["models"][0]["cost"]["layers"][0]["macs"] == 9


def test_a_bug_in_one_network_is_told_and_loses_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("fpgacomp.flows.evaluate.stage.gradient_of", broken)
    found = only(evaluate([linear(EYE)], corners()))
    assert found.scores is not None and found.scores.score == 1.0
    assert found.notes == (
        "no gradient attack: small: failed with ZeroDivisionError: by nothing. "
        "Fix: report this as a bug, with the model.",
    )


def test_samples_are_transferred_from_the_most_accurate_float_network() -> None:
    pytest.importorskip("torch")
    models = {
        "turned": linear(np.roll(EYE, 1, axis=1)),
        "right": linear(EYE),
        "whole": quantized_linear(EYE),
    }
    assert evaluate(models, corners()).transfer_from == "right"


def test_batches_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    models = {"float": linear(EYE), "whole": quantized_linear(EYE)}
    whole = evaluate(models, corners(), evaluation=NO_ATTACK)
    monkeypatch.setattr("fpgacomp.flows.executor.BATCH", 7)
    assert evaluate(models, corners(), evaluation=NO_ATTACK) == whole
