"""The canonical network: what every front end produces and lowering starts from.

A canonical network is QONNX (float32, opset 13 or later) in which

* every graph input has a static shape whose axis 0 is the batch, 1; every tensor
  has a known static shape; no initializer is listed as a graph input;
* constants are folded: whatever does not depend on a graph input is an
  initializer, except a weight's Quant / BipolarQuant node, which stays in front of
  the operator that uses it (its scale, zero point and bit width are initializers);
* Conv has explicit `pads` (auto_pad NOTSET), `strides`, `dilations`, `group`,
  `kernel_shape` attributes, no bias input (a bias is an Add of [1, C, 1, 1]) and no
  Pad in front that it can absorb; pooling has the same attributes, ceil_mode 0;
* Gemm is MatMul (+ Add); Sub of a constant is Add, Div by a constant is Mul;
  QuantizeLinear/(Clip)/DequantizeLinear on activations and weights is Quant;
  Flatten, Squeeze and Unsqueeze are Reshape with a constant target whose first
  entry is 1;
* BatchNormalization stays one node in inference form (its folding into a float32
  Mul and Add would move rounding borders by 1e-7);
* Identity, Dropout, no-op Cast, Pad, Reshape and Transpose are gone;
* GlobalAveragePool and ReduceMean over all spatial axes are GlobalAveragePool.

The operators that remain:
    Quant BipolarQuant Trunc MultiThreshold           (quantizers, qonnx.custom_op.general)
    MatMul Conv MaxPool AveragePool GlobalAveragePool Add Mul Concat Upsample* (Resize
    nearest, integer factors) Reshape Transpose BatchNormalization
    Relu LeakyRelu PRelu Clip HardSigmoid HardSwish Sigmoid Tanh Selu Elu Gelu
    (SiLU and exact GELU patterns are recognised: x * Sigmoid(x) is the function Silu,
    domain fpgacomp; x * 0.5 * (1 + Erf(x / sqrt 2)) is Gelu, domain fpgacomp)
    Softmax LogSoftmax ArgMax TopK                          (software side only)
Anything else is reported by `frontend.check` as unsupported with a remedy.
"""

from __future__ import annotations

from dataclasses import dataclass

import onnx

QONNX_DOMAIN = "qonnx.custom_op.general"
FPGACOMP_DOMAIN = "fpgacomp"
QUANTIZERS = ("Quant", "BipolarQuant", "Trunc", "MultiThreshold")


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
    """

    name: str
    model: onnx.ModelProto
    original: onnx.ModelProto
    format: str
    file: str
    sha256: str
    warnings: tuple[str, ...] = ()
