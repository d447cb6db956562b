"""Small MLPs, such as are unrolled completely: every weight a piece of logic of its own."""

from __future__ import annotations

from fpgacomp.zoo.net import Net, NetTensor

JET_BITS = 6


def jet(net: Net) -> NetTensor:
    """Jet tagging (Duarte et al. 2018), 16 observables -> 64, 32, 32 -> 5 kinds; 4,256 weights."""
    x = net.input.quant(bits=JET_BITS)
    for units in (64, 32, 32):
        x = x.dense(units, bits=JET_BITS).batch_norm().relu(bits=JET_BITS)
    return x.dense(5, bits=JET_BITS).bias()


def picture_mlp(net: Net, *, hidden: tuple[int, ...], bits: int) -> NetTensor:
    """Grey levels of a square picture -> hidden layers -> 10 classes."""
    x = net.input.quant(bits=bits, signed=False, scale=1 / ((1 << bits) - 1)).flatten()
    for units in hidden:
        x = x.dense(units, bits=bits).batch_norm().relu(bits=bits)
    return x.dense(10, bits=bits).bias()
