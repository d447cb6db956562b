"""Networks with several outputs: joined for training, apart in the files."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from fpgacomp.compress.trainable import from_module, from_onnx, to_onnx  # noqa: E402
from fpgacomp.compress.trainable.outputs import output_forms  # noqa: E402
from tests.support.task_networks import task_case  # noqa: E402

pytestmark = pytest.mark.slow  # loading the framework takes seconds


class Heads(nn.Module):
    """A body with a softmax, a sigmoid, the body itself and the input as outputs."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.a, self.b = nn.Linear(5, 8), nn.Linear(8, 3), nn.Linear(8, 1)
        self.soft, self.yes = nn.Softmax(1), nn.Sigmoid()

    def forward(self, x):
        hidden = torch.relu(self.body(x))
        return self.soft(self.a(hidden)), self.yes(self.b(hidden)), hidden, hidden, x


def executed(model, x):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {session.get_inputs()[0].name: x})


def test_a_module_of_several_outputs_is_written_with_all_of_them():
    module, x = Heads().eval(), torch.rand(4, 5)
    network = from_module(module, x)
    forms = output_forms(network, x.numpy())
    assert [(f.name, f.shape, f.ending) for f in forms] == [
        ("output_0", (3,), "softmax"), ("output_1", (1,), "sigmoid"),
        ("output_2", (8,), "scores"), ("output_3", (8,), "scores"), ("output_4", (5,), "scores"),
    ]  # fmt: skip
    model = to_onnx(network, (5,))
    assert [output.name for output in model.graph.output] == [form.name for form in forms]
    with torch.no_grad():
        wanted = module(x)
        joined = network(x)
    assert torch.allclose(joined, torch.cat([part.flatten(1) for part in wanted], 1))
    for found, part in zip(executed(model, x.numpy()), wanted, strict=True):
        np.testing.assert_allclose(found, part.numpy(), rtol=1e-5, atol=1e-6)


def test_names_survive_a_file():
    case = task_case("several")
    network = from_onnx(case.model)
    again = to_onnx(network, (6,), input_name="x")
    assert [output.name for output in again.graph.output] == ["label", "energy"]
    x = case.test[0]
    for found, wanted in zip(executed(again, x), executed(case.model, x), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-4)


def test_quantized_outputs_keep_their_names():
    pytest.importorskip("brevitas")
    from fpgacomp.compress.quantize import QuantizeOptions, quantize_aware, to_qonnx
    from fpgacomp.compress.recipe import Recipe
    from fpgacomp.data.labelled import load_data
    from fpgacomp.evidence.reference.network import execute

    case = task_case("several")
    network = from_onnx(case.model)
    data = load_data(case.train, test=case.test)
    quantized = quantize_aware(network, data, QuantizeOptions(), Recipe(epochs=0)).network
    model = to_qonnx(quantized)
    onnx.checker.check_model(model)
    x = case.test[0][:20]
    found = execute(model, {model.graph.input[0].name: x})
    with torch.no_grad():
        wanted = quantized(torch.from_numpy(x)).numpy()
    assert list(found) and set(found) == {"label", "energy"}
    np.testing.assert_allclose(found["label"], wanted[:, :3], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(found["energy"], wanted[:, 3:], rtol=1e-3, atol=0.1)
