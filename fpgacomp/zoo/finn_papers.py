"""The networks of the FINN papers: TFC, LFC and CNV (Umuroglu et al. 2017, Blott et al. 2018)."""

from __future__ import annotations

from fpgacomp.zoo.net import Net, NetTensor

INPUT_BITS = 8


def tfc(net: Net, *, weight_bits: int, act_bits: int) -> NetTensor:
    """28x28 grey levels -> 3 x 64 -> 10 classes; 59,008 weights."""
    return _dense_layers(net, (64, 64, 64), weight_bits, act_bits)


def lfc(net: Net, *, weight_bits: int, act_bits: int) -> NetTensor:
    """28x28 grey levels -> 3 x 1024 -> 10 classes; 2,910,208 weights."""
    return _dense_layers(net, (1024, 1024, 1024), weight_bits, act_bits)


def cnv(net: Net, *, weight_bits: int, act_bits: int) -> NetTensor:
    """32x32 RGB -> 2 x 64, pool, 2 x 128, pool, 2 x 256, 512, 512 -> 10; 1,542,848 weights."""
    x = net.input.scaled(2, -1).quant(bits=INPUT_BITS, scale=2.0 ** (1 - INPUT_BITS))
    for filters in (64, 128, 256):
        for _ in range(2):
            x = x.conv(filters, 3, bits=weight_bits, same=False).batch_norm()
            x = _activation(x, act_bits)
        if filters < 256:
            x = x.max_pool()
    x = x.flatten()
    for units in (512, 512):
        x = _activation(x.dense(units, bits=weight_bits).batch_norm(), act_bits)
    return x.dense(10, bits=weight_bits).scaled(0.25, 0.5)


def _dense_layers(net: Net, hidden: tuple[int, ...], weight_bits: int, act_bits: int) -> NetTensor:
    x = _activation(net.input.flatten().scaled(2, -1), act_bits)
    for units in hidden:
        x = _activation(x.dense(units, bits=weight_bits).batch_norm(), act_bits)
    return x.dense(10, bits=weight_bits).scaled(0.25, 0.5)


def _activation(x: NetTensor, bits: int) -> NetTensor:
    """Signs, or signed levels without the lowest: two bits are -1, 0, +1."""
    return x.bipolar() if bits == 1 else x.quant(bits=bits, narrow=True)
