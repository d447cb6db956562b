"""Text to integer graph: read line by line, then held against the rules of the IR."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import get_args

from fpgacomp.errors import ModelError
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import (
    Add,
    Concat,
    Conv,
    Dense,
    Input,
    Layer,
    Lookup,
    MaxPool,
    Parameterless,
    Requantize,
    SumPool,
    Tensor,
    Thresholds,
    Upsample,
    kind,
)
from fpgacomp.ir.text.fields import Fields
from fpgacomp.ir.text.line import Line, Value
from fpgacomp.ir.types import Ints
from fpgacomp.ir.verify import problems

MOST_CHARACTERS = 1 << 24
_MOST_INPUTS = 1 << 10


def parse_graph(
    text: str, arrays: Mapping[str, Ints] = MappingProxyType({}), *, source: str = "graph text"
) -> Graph:
    """The graph that a text spells.

    Args:
        text: as `print_graph` writes it, or written by hand.
        arrays: the companion arrays by their digest.
        source: what errors call the text, a file's name for instance.

    Returns:
        A graph that `verify` accepts.

    Raises:
        ModelError: the first line that is wrong, with its number, what is wrong and a remedy.
    """
    if len(text) > MOST_CHARACTERS:
        raise ModelError(source, f"has {len(text):,} characters, more than {MOST_CHARACTERS:,}.",
                         "keep large arrays in the companion file.")  # fmt: skip
    for digest, values in arrays.items():
        if values.digest != digest:
            why = f"comes with an array {digest[:12]} whose digest is {values.digest[:12]}."
            raise ModelError(source, why, "name each array by its own `digest`.")
    lines = [Line(source, number, line) for number, line in enumerate(text.splitlines(), 1)]
    return _Document(source, arrays).read([line for line in lines if not line.is_empty])


class _Document:
    """What is known while the lines are read one after the other."""

    def __init__(self, source: str, arrays: Mapping[str, Ints]) -> None:
        self.source = source
        self.arrays = arrays
        self.layers: list[Layer] = []
        self.tensors: dict[str, Tensor] = {}
        self.lines: dict[str, Line] = {}  # layer or tensor name -> where it stands

    def read(self, lines: list[Line]) -> Graph:
        if len(lines) < 2:
            raise ModelError(self.source, "holds no graph.",
                             "begin with `graph NAME` and end with `return %tensor`.")  # fmt: skip
        head, *body, last = lines
        _after(head, "graph", "the first line")
        title = head.name()
        head.end()
        for line in body:
            self._layer(line)
        outputs = self._outputs(last)
        graph = Graph(title, tuple(self.layers), outputs)
        self._check(graph, last)
        return graph

    def _outputs(self, line: Line) -> tuple[Tensor, ...]:
        _after(line, "return", "the last line")
        outputs = self._read_tensors(line)
        line.end()
        return outputs

    def _layer(self, line: Line) -> None:
        output = line.tensor()
        if output in self.tensors:
            line.fail(f"writes %{output} a second time.", "give every tensor a name of its own.")
        line.take_mark("=")
        kind = line.take("word", "a kind of layer")
        reader = READERS.get(kind)
        if reader is None:
            line.fail(f"has a layer of kind {kind!r}.", f"write one of {', '.join(READERS)}.")
        inputs = self._read_tensors(line)
        values = _values(line)
        line.take_mark(":")
        tensor = Tensor(output, line.shape(), line.type())
        line.end()
        rank = len(inputs[0].shape) - 1 if inputs else 0
        fields = Fields(line, values, self.arrays, rank)
        name = fields.word("layer", output)
        if name in self.lines:
            line.fail(f"is the second layer {name}.", "give every layer a name of its own.")
        layer = reader(name, tensor, inputs, fields)
        fields.finish()
        self.layers.append(layer)
        self.tensors[output] = tensor
        self.lines[name] = line

    def _read_tensors(self, line: Line) -> tuple[Tensor, ...]:
        found = []
        while line.peek().kind == "tensor":
            name = line.tensor()
            if name not in self.tensors:
                line.fail(f"reads %{name}, which no earlier line writes.",
                          "write the line that makes it above this one.")  # fmt: skip
            found.append(self.tensors[name])
        if len(found) > _MOST_INPUTS:
            line.fail(f"names {len(found)} tensors.", f"name at most {_MOST_INPUTS}.")
        return tuple(found)

    def _check(self, graph: Graph, last: Line) -> None:
        """Hold the graph against the rules of the IR and name the line that breaks one."""
        try:
            broken = next(iter(problems(graph)), None)
        except (ValueError, ArithmeticError, LookupError, TypeError) as error:
            raise ModelError(
                self.source,
                f"spells no possible graph ({error}).",
                "compare sizes and ranges with what `fpgacomp show` prints.",
            ) from error
        if broken is not None:
            name, why = broken
            self.lines.get(name, last).fail(f"{name} {why}.", "make the line agree with itself.")


def _after(line: Line, word: str, place: str) -> None:
    """Step over the line's keyword."""
    if line.peek() != ("word", word):
        line.fail(f"has {line.peek().text!r} where `{word}` should stand.",
                  f"begin {place} with `{word}`.")  # fmt: skip
    line.take("word", word)


def _values(line: Line) -> dict[str, Value]:
    """The fields of a line, each once."""
    values: dict[str, Value] = {}
    while line.peek().kind == "word":
        name = line.take("word", "a field")
        if name in values:
            line.fail(f"gives {name} twice.", "give it once.")
        line.take_mark("=")
        values[name] = line.value()
    return values


Inputs = tuple[Tensor, ...]
Reader = Callable[[str, Tensor, Inputs, Fields], Layer]


def _reads(inputs: Inputs, fields: Fields, count: int) -> Inputs:
    """The inputs, of which the layer needs so many."""
    if len(inputs) != count:
        fields.line.fail(f"reads {len(inputs)} tensors.", f"its layer reads {count}.")
    return inputs


def _input(name: str, output: Tensor, inputs: Inputs, fields: Fields) -> Layer:
    _reads(inputs, fields, 0)
    return Input(name=name, output=output)


def _dense(name: str, output: Tensor, inputs: Inputs, fields: Fields) -> Layer:
    (x,) = _reads(inputs, fields, 1)
    return Dense(name=name, output=output, input=x, weight=fields.ints("weight", dimensions=2))


def _conv(name: str, output: Tensor, inputs: Inputs, fields: Fields) -> Layer:
    (x,) = _reads(inputs, fields, 1)
    return Conv(
        name=name,
        output=output,
        input=x,
        strides=fields.sizes("strides", 1),
        dilations=fields.sizes("dilations", 1),
        pads=fields.pads(),
        groups=fields.integer("groups", 1),
        weight=fields.ints("weight", dimensions=len(x.shape) + 1),
    )


def _maxpool(name: str, output: Tensor, inputs: Inputs, fields: Fields) -> Layer:
    (x,) = _reads(inputs, fields, 1)
    kernel, strides = fields.sizes("kernel"), fields.sizes("strides", 1)
    pads = fields.pads()
    return MaxPool(name=name, output=output, input=x, kernel=kernel, strides=strides, pads=pads)


def _sumpool(name: str, output: Tensor, inputs: Inputs, fields: Fields) -> Layer:
    (x,) = _reads(inputs, fields, 1)
    dimensions = len(x.shape) - 1
    return SumPool(
        name=name,
        output=output,
        input=x,
        kernel=fields.sizes("kernel"),
        strides=fields.sizes("strides", 1),
        pads=fields.pads(),
        multiplier=(
            fields.ints("multiplier", dimensions=dimensions) if fields.has("multiplier") else None
        ),
    )


def _add(name: str, output: Tensor, inputs: Inputs, fields: Fields) -> Layer:
    a, b = _reads(inputs, fields, 2)
    return Add(
        name=name,
        output=output,
        a=a,
        b=b,
        multiplier_a=fields.ints("multiplier_a", dimensions=1, default=1),
        multiplier_b=fields.ints("multiplier_b", dimensions=1, default=1),
    )


def _concat(name: str, output: Tensor, inputs: Inputs, fields: Fields) -> Layer:
    if not inputs:
        fields.line.fail("joins nothing.", "name the tensors to join.")
    return Concat(name=name, output=output, parts=inputs)


def _upsample(name: str, output: Tensor, inputs: Inputs, fields: Fields) -> Layer:
    (x,) = _reads(inputs, fields, 1)
    return Upsample(name=name, output=output, input=x, factors=fields.sizes("factors"))


def _requantize(name: str, output: Tensor, inputs: Inputs, fields: Fields) -> Layer:
    (x,) = _reads(inputs, fields, 1)
    clip = fields.span("clip")
    return Requantize(
        name=name,
        output=output,
        input=x,
        multiplier=fields.ints("multiplier", dimensions=1),
        offset=fields.ints("offset", dimensions=1),
        shift=fields.integer("shift"),
        lo=clip.lo,
        hi=clip.hi,
        zero_point=fields.integer("zero_point", 0),
        rounding=fields.rounding(),
    )


def _thresholds(name: str, output: Tensor, inputs: Inputs, fields: Fields) -> Layer:
    (x,) = _reads(inputs, fields, 1)
    return Thresholds(
        name=name,
        output=output,
        input=x,
        base=fields.ints("base", dimensions=1, default=0),
        step=fields.ints("step", dimensions=1, default=1),
        thresholds=fields.ints("thresholds", dimensions=2),
    )


def _lookup(name: str, output: Tensor, inputs: Inputs, fields: Fields) -> Layer:
    (x,) = _reads(inputs, fields, 1)
    return Lookup(name=name, output=output, input=x, table=fields.ints("table", dimensions=2))


def _parameterless(cls: Callable[..., Layer]) -> Reader:
    """How the line of a layer without fields becomes one."""

    def read(name: str, output: Tensor, inputs: Inputs, fields: Fields) -> Layer:
        (x,) = _reads(inputs, fields, 1)
        return cls(name=name, output=output, input=x)

    return read


_WITH_FIELDS: Mapping[type[Layer], Reader] = {
    Input: _input,
    Dense: _dense,
    Conv: _conv,
    MaxPool: _maxpool,
    SumPool: _sumpool,
    Add: _add,
    Concat: _concat,
    Upsample: _upsample,
    Requantize: _requantize,
    Thresholds: _thresholds,
    Lookup: _lookup,
}


def _reader(cls: type[Layer]) -> Reader:
    return _parameterless(cls) if issubclass(cls, Parameterless) else _WITH_FIELDS[cls]


# Kind of layer -> how its line becomes one.
READERS: Mapping[str, Reader] = {kind(cls): _reader(cls) for cls in get_args(Layer)}
