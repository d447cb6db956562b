"""What can be asked of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Literal, TypeGuard, cast, get_args

import numpy as np

from fpgacomp.data.tasks import TaskRequest
from fpgacomp.engines.engine import IoType
from fpgacomp.errors import UsageError
from fpgacomp.frontend.calibrate import PtqOptions
from fpgacomp.host.toolchain import wanted_checks
from fpgacomp.ir.types import AnyArray, NamedArrays
from fpgacomp.results.target import Target

Checks = Literal["quick", "full"]
Area = Literal["estimate", "yosys"]
DEFAULT_VECTORS = 1000
# A .npy or .npz file, labelled data as the compression verbs take them, or arrays in memory.
SampleSource = str | Path | AnyArray | NamedArrays


# Whoever calls from Python need not heed the types of fields, and a wrong one would be misread.
_TYPES: tuple[tuple[str, tuple[type, ...], str], ...] = (
    ("backend", (str,), "give the name of a backend."),
    ("target", (Target,), "give a fpgacomp.Target."),
    ("quantization", (PtqOptions,), "give a fpgacomp.PtqOptions."),
    ("argmax", (bool, np.bool_), "give True or False."),
    ("csim", (bool, np.bool_), "give True or False."),
    ("dump_stages", (Path, type(None)), "give Path('folder'), or None."),
    ("tool_calibration", (str, Path, type(None)), "give the path of a file, or None."),
)


def _default_checks() -> Checks:
    said = wanted_checks() or "full"
    return cast(Checks, said)  # `Options` refuses what is none


@dataclass(frozen=True, kw_only=True)
class Options:
    """What can be asked of a run; the command line has an option for each.

    Args:
        backend: name of an engine, or of a companion whose files and execution are wanted too
            (see `fpgacomp.engines.registry`); auto takes the engine that suits target and board.
        target: latency, throughput or area, with bounds.
        clock_mhz: None: the board's default.
        io_type: None: whichever suits target and board.
        input_bits: type of a network input that nothing quantizes: total and integer bits.
        calibration: samples for the ranges of a float network or an input.
        quantization: how a float network is quantized.
        inputs: samples to check with; None: a seeded set that hits the extremes.
        labels: of the inputs, which they need, for the accuracy: of the first output, or a .npz
            file by output name.
        task: kind of what the network is asked to tell (see `fpgacomp.data.tasks.KINDS`), for all
            outputs or by output name; None finds it from outputs and labels.
        vectors: how many samples are compared; of `inputs`, the first so many.
        argmax: end the hardware in an ArgMax, so that it delivers labels.
        csim: compile and run the emitted C++.
        checks: quick is C-simulation on all vectors; full adds, on a few of them and where it is
            predicted to take under a minute each, the C++ as a vendor's tool reads it and the RTL
            simulation. Left out, it is what the environment variable FPGACOMP_CHECKS says, or full.
        seed: of everything random.
        memory_gb: gigabytes that the integers of the vectors may take at once; more vectors than
            fit are run in batches, and more generated ones than fit are refused.
        dump_stages: Folder that receives what each stage produced, also when a stage fails; None
            writes nothing.
        tool_calibration: file of `fpgacomp.calibrate`, by which estimates are corrected for the
            tools that somebody uses; None takes them as they come with the package.
        area: yosys has Yosys map each distinct instance of the emitted SystemVerilog to the board's
            family, and the report states the sum beside the estimate, which alone decides what is
            built. It is read by `compile`.

    Raises:
        UsageError: a value that is not possible; labels without the inputs that they are of.
    """

    backend: str = "auto"
    target: Target = field(default_factory=Target)
    clock_mhz: float | None = None
    io_type: IoType | None = None
    input_bits: tuple[int, int | None] | None = None
    calibration: SampleSource | None = None
    quantization: PtqOptions = field(default_factory=PtqOptions)
    inputs: SampleSource | None = None
    labels: SampleSource | None = None
    task: str | Mapping[str, str] | None = None
    vectors: int = DEFAULT_VECTORS
    argmax: bool = False
    csim: bool = True
    checks: Checks = field(default_factory=_default_checks)
    seed: int = 0
    memory_gb: float = 4.0
    dump_stages: Path | None = None
    tool_calibration: str | Path | None = None
    area: Area = "estimate"

    def __post_init__(self) -> None:
        for where, why, fix in self._impossible():
            raise UsageError(where, why, fix)
        TaskRequest(kind=self.task)
        if self.labels is not None and self.inputs is None:
            raise UsageError(
                "--labels",
                "are of the samples in --inputs, which are not given.",
                "add --inputs, or leave --labels out.",
            )

    def _impossible(self) -> Iterator[tuple[str, str, str]]:
        """What the types of the fields do not keep out: (where, why, fix)."""
        for name, kind, fix in _TYPES:
            value: object = getattr(self, name)
            if not isinstance(value, kind):
                yield name, f"is a {type(value).__name__}.", fix
        for name in ("calibration", "inputs", "labels"):
            if why := _no_samples(getattr(self, name)):
                yield name, why, "give a path, an array, or a dict of arrays by input name."
        bits: object = self.input_bits
        if bits is not None and not _is_fixed_point(bits):
            fix = "give (8, None), or (8, 3) with 3 integer bits."
            yield f"input_bits {bits!r}", "is no pair of total and integer bits.", fix
        for option, number in (("clock_mhz", self.clock_mhz), ("memory_gb", self.memory_gb)):
            if number is None and option == "clock_mhz":
                continue
            if not (_is_number(number) and isfinite(number) and number > 0):
                yield f"{option} {number!r}", "is not possible.", "give a number above 0."
        for option, count, least in (("vectors", self.vectors, 1), ("seed", self.seed, 0)):
            if not isinstance(count, int) or isinstance(count, bool) or count < least:
                yield (
                    f"{option} {count!r}",
                    "is not possible.",
                    f"give a whole number from {least}.",
                )
        from fpgacomp.engines.registry import BACKENDS

        if self.backend not in BACKENDS:
            yield f"backend {self.backend!r}", "is not known.", f"use {', '.join(BACKENDS)}."
        if self.checks not in get_args(Checks):
            yield (
                f"checks {self.checks!r}",
                "is not known.",
                f"use {' or '.join(get_args(Checks))}.",
            )
        if self.area not in get_args(Area):
            yield f"area {self.area!r}", "is not known.", f"use {' or '.join(get_args(Area))}."
        if self.io_type is not None and self.io_type not in get_args(IoType):
            known = " or ".join(get_args(IoType))
            yield f"io_type {self.io_type!r}", "is not known.", f"use {known}, or None."

    def summary(self) -> dict[str, Any]:
        """What was asked, as plain values for report and manifest."""
        plain = asdict(self)
        # Where a user looks at stages, and on how large a machine, changes nothing of a build.
        del plain["dump_stages"], plain["memory_gb"]
        if self.tool_calibration is None:
            del plain["tool_calibration"]
        else:
            plain["tool_calibration"] = str(self.tool_calibration)
        if self.area == "estimate":  # what every report has
            del plain["area"]
        for name in ("calibration", "inputs", "labels"):
            given = getattr(self, name)
            plain[name] = str(given) if isinstance(given, str | Path) else given is not None
        return plain


def checked(options: object) -> Options:
    """Return the options, or the default ones for None.

    Raises:
        UsageError: they are something else.
    """
    if options is None:
        return Options()
    require_type("options", options, Options)
    assert isinstance(options, Options)
    return options


def require_type(where: str, value: object, *kinds: type) -> None:
    """Refuse a value, unless it is None, that is of none of these types.

    Raises:
        UsageError: it is of another type.
    """
    if value is not None and not isinstance(value, kinds):
        names = " or ".join(f"fpgacomp.{kind.__name__}" for kind in kinds)
        raise UsageError(where, f"is a {type(value).__name__}.", f"give a {names}, or None.")


def checked_path(where: str, path: object) -> Path:
    """Return a path that a caller gave.

    Raises:
        UsageError: it is neither text nor a path, or it is empty.
    """
    if path == "":
        raise UsageError(where, "is empty.", "name a file or folder; the current one is `.`.")
    if not isinstance(path, str | Path):
        raise UsageError(where, f"is a {type(path).__name__}.", "give a str or a pathlib.Path.")
    return Path(path)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_fixed_point(bits: object) -> bool:
    if not isinstance(bits, tuple) or len(bits) != 2:
        return False
    total, integer = bits
    return type(total) is int and (integer is None or type(integer) is int)


def _no_samples(source: object) -> str:
    """Why something cannot be samples: "" or a part of a sentence."""
    if source is None or isinstance(source, str | Path | np.ndarray):
        return ""
    if not isinstance(source, Mapping):
        return f"is a {type(source).__name__}."
    wrong = (v for n, v in source.items() if not (isinstance(n, str) and isinstance(v, np.ndarray)))
    first = next(wrong, None)
    return "" if first is None else f"holds a {type(first).__name__} where an array belongs."
