"""The four networks of MLPerf Tiny (Banbury et al. 2021) at 4 bits."""

from __future__ import annotations

from fpgacomp.zoo.net import Net, NetTensor

BITS = 4
EDGE_BITS = 8  # of first and last layers, and of inputs
PIXEL = 1 / 255
BRANCH = 0.27  # step of what is added, in deviations: fine enough for the sum to fill ReLU's codes
SPARSE = -1.0  # shift of the last features: each is there in some pictures only


def resnet8(net: Net) -> NetTensor:
    """CIFAR-10 ResNet-8, 32x32 RGB -> 16, 32, 64 filters -> 10; 8-bit first and last layers."""
    x = net.input.quant(bits=EDGE_BITS, signed=False, scale=PIXEL)
    x = x.conv(16, 3, bits=EDGE_BITS).batch_norm().relu(bits=BITS)
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        main = x.conv(filters, 3, bits=BITS, stride=stride).batch_norm().relu(bits=BITS)
        main = main.conv(filters, 3, bits=BITS)
        main = main.batch_norm(shift=SPARSE if filters == 64 else 0.0)
        if stride == 1:
            # Twice the step: the sign costs the branch one bit of what ReLU's codes reach.
            main = main.quant(bits=BITS, scale=2 * x.scale)
        else:
            main = main.quant(bits=BITS, scale=BRANCH)
            x = x.conv(filters, 1, bits=BITS, stride=stride).batch_norm()
            x = x.quant(bits=BITS, scale=BRANCH)
        x = x.add(main).relu(bits=BITS)
    x = x.global_average_pool().quant(bits=EDGE_BITS, signed=False)
    return x.flatten().dense(10, bits=EDGE_BITS).bias()


def dscnn(net: Net) -> NetTensor:
    """Keyword spotting, 49 frames x 10 cepstra -> 64 filters -> 12 words."""
    x = net.input.quant(bits=EDGE_BITS)
    x = x.conv(64, (10, 4), bits=BITS, stride=2).batch_norm().relu(bits=BITS)
    for shift in (0.0, 0.0, 0.0, SPARSE):
        x = _separable(x, 64, 1, shift)
    x = x.global_average_pool().quant(bits=BITS, signed=False)
    return x.flatten().dense(12, bits=BITS).bias()


def autoencoder(net: Net) -> NetTensor:
    """Anomaly detection, 640 mel energies -> 4 x 128 -> 8 -> 4 x 128 -> 640."""
    x = net.input.scaled(1 / 8, 12 / 8).quant(bits=EDGE_BITS)
    for units in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        x = x.dense(units, bits=BITS).batch_norm().relu(bits=BITS)
    return x.dense(640, bits=BITS).bias()


def mobilenet025(net: Net) -> NetTensor:
    """Visual wake words, MobileNetV1 of width 0.25: 96x96 RGB -> person or none."""
    x = net.input.quant(bits=EDGE_BITS, signed=False, scale=PIXEL)
    x = x.conv(8, 3, bits=EDGE_BITS, stride=2).batch_norm().relu(bits=BITS)
    blocks = [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2)]
    blocks += [(128, 1)] * 5 + [(256, 2)]
    for filters, stride in blocks:
        x = _separable(x, filters, stride)
    x = _separable(x, 256, 1, SPARSE)
    x = x.global_average_pool().quant(bits=EDGE_BITS, signed=False)
    return x.flatten().dense(2, bits=EDGE_BITS).bias()


def _separable(x: NetTensor, filters: int, stride: int, shift: float = 0.0) -> NetTensor:
    """Depthwise 3x3, then pointwise with this shift of its normalisation."""
    x = x.depthwise(3, bits=BITS, stride=stride).batch_norm().relu(bits=BITS)
    return x.conv(filters, 1, bits=BITS).batch_norm(shift=shift).relu(bits=BITS)
