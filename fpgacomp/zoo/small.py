"""Small networks of shapes that the published ones do not have."""

from __future__ import annotations

from fpgacomp.zoo.net import Net, NetTensor

BITS = 4
INPUT_BITS = 8


def digits(net: Net) -> NetTensor:
    """8x8 grey levels -> 8 and 16 filters -> 10 classes; 1,864 weights."""
    x = net.input.quant(bits=BITS, signed=False, scale=1 / 15)
    for filters in (8, 16):
        x = x.conv(filters, 3, bits=BITS).batch_norm().relu(bits=BITS).max_pool()
    return x.flatten().dense(10, bits=BITS).bias()


def conv1d(net: Net) -> NetTensor:
    """Activity recognition, 128 steps of 6 sensors -> 32, 64, 64 filters -> 6 activities."""
    x = net.input.quant(bits=INPUT_BITS)
    x = x.conv(32, 5, bits=BITS).batch_norm().relu(bits=BITS).max_pool()
    x = x.conv(64, 5, bits=BITS).batch_norm().relu(bits=BITS).max_pool()
    x = x.conv(64, 3, bits=BITS, stride=2).batch_norm().relu(bits=BITS)
    x = x.global_average_pool().quant(bits=BITS, signed=False)
    return x.flatten().dense(6, bits=BITS).bias()


def unet(net: Net) -> NetTensor:
    """U-Net (Ronneberger et al. 2015) of three levels: 32x32 RGB -> 4 classes per pixel."""
    x = net.input.quant(bits=INPUT_BITS, signed=False, scale=1 / 255)
    skips = []
    for filters in (16, 32):
        skips.append(_twice(x, filters))
        x = skips[-1].max_pool()
    x = _twice(x, 64, scale=skips[-1].scale)
    while skips:
        skip = skips.pop()
        # What is joined later shares one step, so that a convolution can sum over all of it.
        scale = skips[-1].scale if skips else None
        x = _twice(x.upsample().concat(skip), skip.codes.shape[1], scale=scale)
    return x.conv(4, 1, bits=BITS).bias()


def _twice(x: NetTensor, filters: int, *, scale: float | None = None) -> NetTensor:
    """Two 3x3 convolutions; `scale` is the second one's quantizer's."""
    x = x.conv(filters, 3, bits=BITS).batch_norm().relu(bits=BITS)
    return x.conv(filters, 3, bits=BITS).batch_norm().relu(bits=BITS, scale=scale)
