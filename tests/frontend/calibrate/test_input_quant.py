"""Quantizers in front of an otherwise quantized network."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from fpgacomp.errors import InputDataError, UsageError
from fpgacomp.frontend.calibrate import quantize_input, unquantized_inputs


def network(front: str) -> onnx.ModelProto:
    """`front` makes h from x; a quantized 4x3 dense layer follows."""
    text = f"""
    <ir_version: 8, opset_import: ["" : 18, "qonnx.custom_op.general" : 2]>
    dense (float[1,4] x) => (float[1,3] y)
    <float[4,3] w, float scale = {{0.25}}, float zero = {{0.0}}, float bits = {{4.0}},
     float two = {{2.0}}>
    {{
      {front}
      q = qonnx.custom_op.general.Quant
          <signed: int = 1, narrow: int = 1, rounding_mode: string = "ROUND">
          (w, scale, zero, bits)
      y = MatMul (h, q)
    }}
    """
    model = parser.parse_model(text)
    weights = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weights, "w"))
    return model


QUANT = """qonnx.custom_op.general.Quant
           <signed: int = 1, narrow: int = 0, rounding_mode: string = "ROUND">"""
BARE = network("h = Identity (x)")
QUANTIZED = network(f"h = {QUANT} (x, scale, zero, bits)")
QUANTIZED_LATER = network(f"a = Mul (x, two) h = {QUANT} (a, scale, zero, bits)")


def parameters(model: onnx.ModelProto) -> tuple[float, int, int]:
    """Scale, bits and sign of the input's Quant."""
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    node = next(n for n in model.graph.node if n.input[0] == "x")
    assert node.op_type == "Quant"
    signed = next(a.i for a in node.attribute if a.name == "signed")
    return float(values[node.input[1]]), int(values[node.input[3]]), signed


def test_which_inputs_need_one() -> None:
    assert unquantized_inputs(BARE) == ("x",)
    assert unquantized_inputs(QUANTIZED) == ()
    assert unquantized_inputs(QUANTIZED_LATER) == ()


def test_quantized_inputs_stay_as_they_are() -> None:
    model, warnings = quantize_input(QUANTIZED, bits=8)
    assert warnings == ()
    assert len(model.graph.node) == len(QUANTIZED.graph.node)


def test_bits_before_the_point_as_in_ap_fixed() -> None:
    model, warnings = quantize_input(BARE, bits=16, integer_bits=6)
    assert parameters(model) == (2.0**-10, 16, 1)
    assert warnings == (
        "input x: taken as 16 bits signed, steps of 2^-10 (-32 to 31.999), from the bits given.",
    )
    model, _ = quantize_input(BARE, bits=8, integer_bits=0, signed=False)
    assert parameters(model) == (2.0**-8, 8, 0)


def test_range_and_sign_from_calibration_data() -> None:
    x = np.random.default_rng(0).uniform(0, 0.99, size=(50, 4))
    model, _ = quantize_input(BARE, bits=8, calibration={"x": x})
    assert parameters(model) == (2.0**-8, 8, 0)
    model, _ = quantize_input(BARE, bits=8, calibration={"x": x * 8 - 4})
    assert parameters(model) == (2.0**-5, 8, 1)


def test_saturation_is_told() -> None:
    x = np.array([[0.0, 1.0, 2.0, 40.0]])
    _, warnings = quantize_input(BARE, bits=8, integer_bits=4, calibration={"x": x})
    assert "25 % of the calibration values saturate" in warnings[0]


def test_unknown_range_is_refused_with_both_remedies() -> None:
    with pytest.raises(InputDataError, match=r"--calibration X\.npy.*--input-bits TOTAL,INTEGER"):
        quantize_input(BARE, bits=8)


@pytest.mark.parametrize(("bits", "message"), [(0, "0 bits"), (64, "64 bits"), (1, "one signed")])
def test_impossible_bits(bits: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        quantize_input(BARE, bits=bits, integer_bits=1)
