"""The integer graph as text that a hardware engineer reads, and back without loss.

One line per layer, in topological order; `//` begins a comment. The digits network's first
layers, for instance, are

    graph digits

    %image    = input                                             : [8, 8, 1] u4
    %conv1    = conv %image pads=1 weight=i4[3, 3, 1, 8]#b4c7f63a : [8, 8, 8] i10(-375..300)
    %act1     = thresholds %conv1 thresholds=i10[8, 15]#95f9462f  : [8, 8, 8] u4
    %maxpool1 = maxpool %act1 kernel=2 strides=2                  : [4, 4, 8] u4

    return %maxpool1

The grammar (`*` any number of, `?` at most one, `|` or):

    graph    = "graph" NAME  layer*  "return" tensor*
    layer    = tensor "=" KIND tensor* field* ":" shape type
    tensor   = "%" IDENTIFIER
    field    = IDENTIFIER "=" value
    value    = INTEGER | list | INTEGER ".." INTEGER | WORD | stored
    list     = "[" (value ("," value)*)? "]"
    stored   = bits shape "#" DIGEST
    shape    = "[" (INTEGER ("," INTEGER)*)? "]"
    type     = bits ("(" INTEGER ".." INTEGER ")")?
    bits     = "u" INTEGER | "i" INTEGER | "bipolar"
    NAME     = IDENTIFIER, or any text between double quotes (escaped as in JSON)

* KIND is the layer's class in lower case, as reports spell it; what follows it is what the
  layer reads. Shapes are channels last, without a batch axis.
* `u4` is 0..15 and `i4` is -8..7; a range in parentheses is exact where it is narrower than
  the bits. `bipolar` is one bit that means -1 or +1.
* The tensor is called like its layer; where it is not, `layer=NAME` gives the layer's name.
* A field that is absent has its usual value: 1 for strides, dilations, groups, step and the
  multipliers of an add, 0 for pads, base and zero point, `floor` for rounding; an absent
  multiplier of a sumpool is none.
* One number stands for the same number along every axis (`strides=2`, `pads=1`); otherwise a
  list has one entry per spatial axis (`strides=[2, 1]`, `pads=[[1, 1], [0, 1]]`, before and
  after). In a field that is an array (weights, thresholds, multipliers), one number is an
  array of shape [1].
* Arrays of up to eight integers stand in the line. Larger ones are given as type, shape and
  the first digits of the SHA-256 of their type, shape and content (`Ints.digest`); the
  companion arrays, a .npz on disk, hold them under the whole digest.

The layers and their fields (see `fpgacomp.ir.layers` for what they compute):

    input                                     requantize  multiplier offset shift clip
    dense       weight                                    zero_point? rounding?
    conv        weight strides? dilations?    thresholds  thresholds base? step?
                pads? groups?                 lookup      table
    maxpool     kernel strides? pads?         add         multiplier_a? multiplier_b?
    sumpool     kernel strides? pads?         upsample    factors
                multiplier?                   concat, reshape, argmax
"""

from __future__ import annotations

from fpgacomp.ir.text.arrays import arrays_from_npz, arrays_to_npz
from fpgacomp.ir.text.parse import parse_graph
from fpgacomp.ir.text.print import GraphText, print_graph

__all__ = ["GraphText", "arrays_from_npz", "arrays_to_npz", "parse_graph", "print_graph"]
