"""The software side as a list of steps: scaling and rounding in front, scores and labels behind.

A step is one ONNX operator (opset 17) on arrays whose axis 0 is the batch. Whatever IEEE 754 rounds
correctly is computed as ONNX Runtime does to the bit; exponentials and the like may differ from it
in the last bit, as they do between any two processors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

import numpy as np

from .errors import DeviceError, SampleError

if TYPE_CHECKING:  # neither is known to the versions of Python and numpy that a device may have
    Array = np.ndarray[Any, Any]
    _Operator = Callable[[Sequence[Array], Mapping[str, Any], "TensorSpec"], Any]
TYPES = ("float32", "float64", "int64", "int32", "bool", "uint8", "int8")
# Elements of all constants of one side, and steps: far above any network's.
_MAX_ELEMENTS = 1 << 24
_MAX_STEPS = 10_000
# A batch that no constant has as its length: what mixes samples shows in the shapes.
_BATCH = 1_000_003
# Operands of operators that have more than one; as many as there are for those named below.
_OPERANDS = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Gather"), 2),
    **dict.fromkeys(("GreaterOrEqual", "Greater", "LessOrEqual", "Less"), 2),
    **dict.fromkeys(("Clip", "Where"), 3),
}
_ANY_OPERANDS = ("Concat", "Max", "Min")
_LONGEST_NUMBER = 40  # characters of a number that JSON has none for
# Operators along an axis, and the axis where the step names none.
_WITH_AXIS = {"Gather": 0, "Concat": 0, "ArgMax": 0, "Softmax": -1, "LogSoftmax": -1}


@dataclass(frozen=True)
class TensorSpec:
    """Type and shape of a tensor, without its batch axis."""

    type: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class HostStep:
    """One operator.

    Args:
        op: its ONNX name.
        inputs: names of what it reads, in ONNX's order.
        output: name of what it writes.
        attributes: ONNX's attributes, and those of its inputs that state axes.
        spec: type and shape of its output.
    """

    op: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any]
    spec: TensorSpec


@dataclass(frozen=True)
class HostProgram:
    """The steps of one side.

    Args:
        inputs, outputs: by name, in order.
        constants: by name; no axis of theirs is the batch, unless it has length 1.
        steps: in the order of computation.
    """

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    constants: Mapping[str, Array]
    steps: tuple[HostStep, ...]

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Array]:
        """Compute the outputs.

        Args:
            inputs: name -> array [N, *shape], of any real type that casts to the input's.

        Raises:
            SampleError: an input is missing, has another shape, or holds no finite numbers.
        """
        values: dict[str, Array] = dict(self.constants)
        batch = None
        for name, spec in self.inputs.items():
            if name not in inputs:
                raise SampleError(name, "no values were given for this input.",
                                  "give arrays for {}.".format(", ".join(self.inputs)))  # fmt: skip
            array = sample_array(name, inputs[name])
            if array.ndim != len(spec.shape) + 1 or array.shape[1:] != spec.shape:
                shape = ", ".join(map(str, ("N", *spec.shape)))
                raise SampleError(name, f"got shape {list(array.shape)}, expected [{shape}].",
                                  "give samples along the first axis.")  # fmt: skip
            if batch not in (None, len(array)):
                raise SampleError(name, f"has {len(array)} samples, another input {batch}.",
                                  "give as many samples for each input.")  # fmt: skip
            batch = len(array)
            if batch == 0:
                raise SampleError(name, "there are no samples.", "give one or more.")
            values[name] = cast_samples(name, array, spec.type)
        for step in self.steps:
            given = [values[name] for name in step.inputs]
            with np.errstate(all="ignore"):  # as ONNX Runtime: infinities are values
                result = OPERATORS[step.op](given, step.attributes, step.spec)
            values[step.output] = np.asarray(result).astype(step.spec.type, copy=False)
        return {name: values[name] for name in self.outputs}


def sample_array(name: str, values: Any) -> Array:
    """What was given for an input, as an array of numbers.

    Raises:
        SampleError: it is none: lists of different lengths, texts, or masked values.
    """
    try:
        array = np.asarray(values)
    except Exception as problem:  # of whatever gives arrays: a tensor with a gradient, for one
        raise SampleError(name, f"the values are no array: {str(problem)[:200]}.",
                          "give an array of numbers.") from None  # fmt: skip
    if array.dtype.kind not in "fiub":
        raise SampleError(name, f"the values are {array.dtype}, not numbers.",
                          "give an array of numbers.")  # fmt: skip
    if np.ma.isMaskedArray(values) and np.ma.getmaskarray(values).any():
        raise SampleError(name, "the values are masked in part, and have no numbers there.",
                          "fill them first.")  # fmt: skip
    return array


def cast_samples(name: str, array: Array, kind: str) -> Array:
    """Samples in the type of their input.

    Raises:
        SampleError: a value is NaN or infinite, or none of the type's.
    """
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise SampleError(name, "the values hold NaN or infinity.", "give finite numbers.")
    with np.errstate(over="ignore", invalid="ignore"):
        found = array.astype(kind, copy=False)
    if found.dtype.kind == "f":
        # What is finite in float64 may not be in float32.
        whole = bool(np.isfinite(found).all())
    else:  # a cast would wrap, or cut off
        whole = found.dtype == array.dtype or bool((found == array).all())
    if not whole:
        raise SampleError(name, f"the values hold what is beyond {kind}.",
                          f"give numbers that {kind} has.")  # fmt: skip
    return found


def _on_numbers(function: Callable[..., Any]) -> _Operator:
    """An operator whose result depends on its inputs alone, place by place."""
    return lambda given, _, spec: function(*given)


def _axis(attributes: Mapping[str, Any], given: Array, default: int) -> int:
    return int(attributes.get("axis", default)) % given.ndim


def _softmax(given: Sequence[Array], attributes: Mapping[str, Any], spec: TensorSpec) -> Array:
    axis = _axis(attributes, given[0], -1)
    powers = np.exp(given[0] - given[0].max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def _log_softmax(given: Sequence[Array], attributes: Mapping[str, Any], spec: TensorSpec) -> Array:
    axis = _axis(attributes, given[0], -1)
    below = given[0] - given[0].max(axis=axis, keepdims=True)
    return np.asarray(below - np.log(np.exp(below).sum(axis=axis, keepdims=True)))


def _arg_max(given: Sequence[Array], attributes: Mapping[str, Any], spec: TensorSpec) -> Array:
    axis = _axis(attributes, given[0], 0)
    values = given[0]
    if attributes.get("select_last_index", 0):
        found = values.shape[axis] - 1 - np.flip(values, axis).argmax(axis=axis)
    else:
        found = values.argmax(axis=axis)
    return np.expand_dims(found, axis) if attributes.get("keepdims", 1) else found


def _clip(given: Sequence[Array], attributes: Mapping[str, Any], spec: TensorSpec) -> Array:
    # numpy takes the upper limit where the two cross, as ONNX does.
    return np.minimum(np.maximum(given[0], given[1]), given[2])


def _erf(x: Array) -> Array:
    return np.array([math.erf(value) for value in x.ravel().tolist()]).reshape(x.shape)


def _sigmoid(x: Array) -> Array:
    # Each half uses the power that does not overflow.
    powers = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + powers), powers / (1 + powers))


def _reshape(given: Sequence[Array], attributes: Mapping[str, Any], spec: TensorSpec) -> Array:
    return given[0].reshape((len(given[0]), *spec.shape))


def _gather(given: Sequence[Array], attributes: Mapping[str, Any], spec: TensorSpec) -> Array:
    return np.take(given[0], given[1], axis=_axis(attributes, given[0], 0))


OPERATORS = {
    "Cast": lambda given, _, spec: given[0].astype(spec.type),
    "Reshape": _reshape,
    "Transpose": lambda given, attributes, _: given[0].transpose(attributes["perm"]),
    "Gather": _gather,
    "Concat": lambda given, attributes, _: np.concatenate(given, axis=attributes["axis"]),
    "Add": _on_numbers(np.add),
    "Sub": _on_numbers(np.subtract),
    "Mul": _on_numbers(np.multiply),
    "Div": _on_numbers(np.divide),
    "Max": _on_numbers(lambda *given: np.maximum.reduce(np.broadcast_arrays(*given))),
    "Min": _on_numbers(lambda *given: np.minimum.reduce(np.broadcast_arrays(*given))),
    "Clip": _clip,
    "Relu": _on_numbers(lambda x: np.maximum(x, np.zeros(1, x.dtype))),
    "Abs": _on_numbers(np.abs),
    "Neg": _on_numbers(np.negative),
    "Sign": _on_numbers(np.sign),
    "Floor": _on_numbers(np.floor),
    "Ceil": _on_numbers(np.ceil),
    "Round": _on_numbers(np.rint),
    "Sqrt": _on_numbers(np.sqrt),
    "Exp": _on_numbers(np.exp),
    "Log": _on_numbers(np.log),
    "Tanh": _on_numbers(np.tanh),
    "Sigmoid": _on_numbers(_sigmoid),
    "Erf": _on_numbers(_erf),
    "GreaterOrEqual": _on_numbers(np.greater_equal),
    "Greater": _on_numbers(np.greater),
    "LessOrEqual": _on_numbers(np.less_equal),
    "Less": _on_numbers(np.less),
    "Where": _on_numbers(np.where),
    "Softmax": _softmax,
    "LogSoftmax": _log_softmax,
    "ArgMax": _arg_max,
}  # type: Mapping[str, _Operator]
"""The operators that a program may have; any other stays with ONNX Runtime."""


def parse_program(value: Any, side: str) -> HostProgram:
    """Read one side of deployment.json.

    Raises:
        ValueError: a step reads what is not there, or has an operator or shape that is none.
    """
    where = "software." + side
    if not isinstance(value, dict):
        raise ValueError(f"{where} is no object")
    try:
        inputs = {str(v["name"]): _spec(v, where) for v in value["inputs"]}
        constants = {str(v["name"]): _constant(v, where) for v in value["constants"]}
        steps = tuple(_step(v, where) for v in value["steps"])
        outputs = {str(v["name"]): _spec(v, where) for v in value["outputs"]}
    except (KeyError, TypeError, OverflowError) as problem:
        raise ValueError(f"{where}: {problem} is missing or malformed") from None
    if len(steps) > _MAX_STEPS or sum(a.size for a in constants.values()) > _MAX_ELEMENTS:
        raise ValueError(f"{where} is too large")
    program = HostProgram(inputs, outputs, constants, steps)
    _check(program, where)
    return program


def _check(program: HostProgram, where: str) -> None:
    """Every step reads what is there, writes something new, and gives what it says.

    Shapes are held against each other before anything is computed: a small file could ask for an
    array of any size.
    """
    lengths = [spec.shape for spec in program.inputs.values()]
    lengths += [step.spec.shape for step in program.steps]
    lengths += [array.shape for array in program.constants.values()]
    if any(_BATCH in shape for shape in lengths):
        raise ValueError(f"{where}: an axis of length {_BATCH} is not one of this version's")
    shapes = {name: (_BATCH, *spec.shape) for name, spec in program.inputs.items()}
    shapes.update({name: array.shape for name, array in program.constants.items()})
    known = {**program.inputs}
    room = _MAX_ELEMENTS
    for step in program.steps:
        missing = [name for name in step.inputs if name not in shapes]
        if missing or step.output in shapes:
            raise ValueError(f"{where}: step {step.output!r} reads {missing} or writes twice")
        given = [shapes[name] for name in step.inputs]
        shape = _shape(step, given, program.constants)
        room -= math.prod(step.spec.shape)
        if shape != (_BATCH, *step.spec.shape) or room < 0:
            raise ValueError(f"{where}: step {step.output!r} does not give {step.spec!r}")
        shapes[step.output], known[step.output] = shape, step.spec
    for name, spec in program.outputs.items():
        if known.get(name) != spec:
            raise ValueError(f"{where}: output {name!r} is not what a step gives")
    zeros = {name: np.zeros((1, *spec.shape), spec.type) for name, spec in program.inputs.items()}
    try:
        program.run(zeros)
    except (DeviceError, ValueError, TypeError, IndexError) as problem:
        raise ValueError(f"{where}: {problem}") from None


def _shape(
    step: HostStep, given: Sequence[tuple[int, ...]], constants: Mapping[str, Array]
) -> tuple[int, ...]:
    """Shape of a step's output in a batch of `_BATCH`; () where it is none or mixes samples."""
    first, last = given[0], len(given[0]) - 1
    # An operand too many would be where numpy writes its result.
    if len(given) != _OPERANDS.get(step.op, 1) and step.op not in _ANY_OPERANDS:
        return ()
    if step.op in _WITH_AXIS:
        axis = step.attributes.get("axis", _WITH_AXIS[step.op])
        if type(axis) is not int or not -last <= axis <= last or axis == 0:
            return ()
        axis %= len(first)
        if step.op == "Gather":
            index = constants.get(step.inputs[-1])
            if index is None or index.dtype.kind not in "iu" or len(given) != 2:
                return ()
            inside = index.size == 0 or 0 <= index.min() <= index.max() < first[axis]
            return (*first[:axis], *index.shape, *first[axis + 1 :]) if inside else ()
        if step.op == "Concat":
            rest = {(len(shape), shape[:axis], shape[axis + 1 :]) for shape in given}
            whole = sum(shape[axis] for shape in given) if len(rest) == 1 else 0
            return (*first[:axis], whole, *first[axis + 1 :]) if len(rest) == 1 else ()
        if step.op == "ArgMax":
            kept = (1,) if step.attributes.get("keepdims", 1) else ()
            return (*first[:axis], *kept, *first[axis + 1 :])
        return first
    if step.op == "Transpose":
        order = step.attributes.get("perm")
        if not isinstance(order, list) or sorted(order) != list(range(last + 1)) or order[0] != 0:
            return ()
        return tuple(first[axis] for axis in order)
    if step.op == "Reshape":
        wanted = (_BATCH, *step.spec.shape)
        return wanted if first[0] == _BATCH and math.prod(first) == math.prod(wanted) else ()
    try:  # all others go place by place; nothing is allocated here
        return np.broadcast(*(np.broadcast_to(np.empty(()), shape) for shape in given)).shape
    except ValueError:
        return ()


def _spec(value: Any, where: str) -> TensorSpec:
    shape = tuple(value["shape"])
    if not all(type(n) is int and 0 <= n < 1 << 31 for n in shape) or len(shape) > 8:
        raise ValueError(f"{where}: {shape!r} is no shape")
    if math.prod(shape) > _MAX_ELEMENTS:
        raise ValueError(f"{where}: a tensor of shape {shape!r} is too large")
    if value["type"] not in TYPES:
        raise ValueError("{}: {!r} is no type".format(where, value["type"]))
    return TensorSpec(value["type"], shape)


def _constant(value: Any, where: str) -> Array:
    spec = _spec(value, where)
    given = value["values"]
    # A text among the values would give all of them its length, which may be any.
    plain = isinstance(given, list) and (
        all(type(v) in (int, float, bool) for v in given)
        or all(type(v) is str and len(v) <= _LONGEST_NUMBER for v in given)
    )
    if not plain:
        raise ValueError(f"{where}: constant {value['name']!r} holds no numbers")
    found = np.array(given)
    if found.dtype.kind == "U":  # JSON has no infinity
        found = np.array([float(v) for v in value["values"]])
    if (found.ndim != 1 and found.size) or found.size != math.prod(spec.shape):
        raise ValueError(
            "{}: constant {!r} has not the values of its shape".format(where, value["name"])
        )
    if found.dtype.kind not in "fiub" or (found.dtype.kind == "f" and np.isnan(found).any()):
        raise ValueError("{}: constant {!r} holds no numbers".format(where, value["name"]))
    with np.errstate(invalid="ignore", over="ignore"):
        stored = found.astype(spec.type)
    if not (stored == found).all():
        raise ValueError(f"{where}: constant {value['name']!r} holds what no {spec.type} is")
    return stored.reshape(spec.shape)


def _step(value: Any, where: str) -> HostStep:
    if value["op"] not in OPERATORS:
        raise ValueError("{}: {!r} is no operator of this version".format(where, value["op"]))
    attributes = value["attributes"]
    if not isinstance(attributes, dict):
        raise ValueError(f"{where}: attributes are no object")
    names = tuple(value["inputs"])
    if not 1 <= len(names) <= 1000 or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{where}: inputs are no names")
    return HostStep(value["op"], names, str(value["output"]), attributes, _spec(value, where))
