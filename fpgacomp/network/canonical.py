"""The canonical network: what every front end produces and lowering starts from.

A canonical network is QONNX (float32, opset 18) in which

* every graph input is float32 with a static shape whose axis 0 is the batch, 1; every
  tensor has a known static shape; no initializer is listed as a graph input. An integer
  input of the file (a uint8 picture) is float32 here, holding the same integers;
* constants are folded: whatever does not depend on a graph input is an
  initializer, except a weight's Quant / BipolarQuant node, which stays directly in
  front of the MatMul or Conv that uses it (all its inputs are initializers; a
  Transpose or Reshape behind it has moved into the weight and its parameters);
* Add and Mul with a constant have it as second input;
* Conv has explicit `pads` (auto_pad gone), `strides`, `dilations`, `group`,
  `kernel_shape` attributes, no bias input (a bias is an Add of [1, C, 1, 1], [1, C, 1]
  in one dimension) and no Pad in front that it can absorb; MaxPool has `kernel_shape`,
  `strides`, `pads`, `dilations` (all 1), AveragePool the first three and
  `count_include_pad`; `ceil_mode` is 0;
* Gemm is MatMul (+ Mul, + Add); Sub of a constant is Add, Div by powers of two is Mul; Div by
  any other constant stays, since its reciprocal would be rounded;
* QuantizeLinear/(Clip)/DequantizeLinear is Quant without zero point (its integers are
  q - z), on activations with a Clip in front where no bit width has that range;
* Quant has float32 parameters and its three attributes, rounding_mode in ROUND CEIL FLOOR
  UP DOWN HALF_UP HALF_DOWN, one whole bit width from 1 to 32, positive scales, finite zero
  points; Trunc is QONNX's version 2 (six inputs); MultiThreshold states data_layout,
  out_scale, out_bias; integer weights of FINN stand behind a Quant of scale 1, and so
  does an input that FINN declares an integer;
* Flatten, Squeeze and Unsqueeze are Reshape, whose target is constant, without 0 and
  -1; it begins with 1 (positions moved into the batch axis and back, as Keras exports do,
  are undone where only MatMul and elementwise operators lie between); Transpose states
  `perm`; Softmax and LogSoftmax state `axis`;
* Clip has two scalar limits; a Clip from 0 upwards is Relu;
* BatchNormalization stays one node in inference form (its folding into a float32
  Mul and Add would move rounding borders by 1e-7);
* Div, Mean, Max and Min of computed tensors are products, sums and Relus; Split, Slice and
  Gather are a Conv or MatMul with one-hot weights, a Pad with zeros that no layer absorbs is a
  Conv of size 1; all of these stay as they are behind the last integer, on the host. Operators
  on codes (QLinearConv and its kin) are the float ones between quantizers;
* Identity, Dropout, no-op Cast, Pad, Reshape and Transpose are gone; neighbouring
  Transposes, and neighbouring Reshapes, are one; equal quantizers of one tensor are one;
* GlobalAveragePool and ReduceMean over all spatial axes are GlobalAveragePool on
  channels first (with a Transpose in front for channels last); ReduceSum is that and a
  Mul; GlobalMaxPool and ReduceMax are MaxPool.

The operators that remain are listed in `fpgacomp.network.operators`. Silu and Gelu are those
of our own domain: x * Sigmoid(x), and the exact x * 0.5 * (1 + Erf(x / sqrt 2)).
Resize has inputs (x, "", scales), scales whole numbers, mode nearest, asymmetric, floor:
output i is input i // scale. Anything else is reported by `fpgacomp.frontend.check` as unsupported
with a remedy.
"""

from __future__ import annotations

from dataclasses import dataclass

import onnx


@dataclass(frozen=True)
class Network:
    """A network in canonical form, beside what came in.

    Args:
        name: a short identifier (letters, digits, underscores), from the file name.
        model: the canonical network.
        original: the network as read, batch made 1, for comparison in float32.
        format: qonnx, qcdq, finn, float (then quantized here), keras or qkeras.
        file: the path as the user gave it.
        sha256: of the file's bytes.
        warnings: what the reader assumed, each one sentence.
        quantized_here: whether `model` holds quantizers that fpgacomp put in (by --calibration or
            --input-bits), so that `original` computes other numbers than it.
    """

    name: str
    model: onnx.ModelProto
    original: onnx.ModelProto
    format: str
    file: str
    sha256: str
    warnings: tuple[str, ...] = ()
    quantized_here: bool = False


def unread_inputs(model: onnx.ModelProto) -> frozenset[str]:
    """Return the inputs that no node reads and no output passes on: any values do for them."""
    read = {name for node in model.graph.node for name in node.input}
    read.update(value.name for value in model.graph.output)
    return frozenset(value.name for value in model.graph.input if value.name not in read)


def input_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Return each input's shape by its name, without the batch axis; -1 where the file is open."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return {
        value.name: tuple(
            dim.dim_value if dim.HasField("dim_value") else -1
            for dim in value.type.tensor_type.shape.dim[1:]
        )
        for value in model.graph.input
        if value.name not in constants
    }
