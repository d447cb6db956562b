"""C drivers in tests: designs by hand, compilers, and programs that use a driver."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from fpgacomp.deploy.c.project import FOLDER, c_driver
from fpgacomp.runtime.deployment import Deployment, FramePort
from fpgacomp.runtime.program import HostProgram, HostStep, TensorSpec
from tests.support.paths import REPOSITORY

PROGRAMS = REPOSITORY / "tests" / "deploy" / "c"
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wpedantic", "-Wshadow",
            "-Wstrict-prototypes", "-ffp-contract=off")  # fmt: skip
SANITIZERS = ("-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
CORE = ("fpgacomp", "fpgacomp_axi", "fpgacomp_dma", "fpgacomp_regs", "hal_emulator")
COMPILERS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"no {name}"))
    for name in ("gcc", "clang")
]
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


def port(name: str, size: int, bits: int = 8, *, signed: bool = False, **other: int) -> FramePort:
    """A port of one element a beat, which takes all that its container holds."""
    low = -(1 << bits - 1) if signed else 0
    high = low + (1 << bits) - 1
    return FramePort(name, name, (size,), bits, signed, False, bits, 1, size,
                     other.get("lowest", low), other.get("highest", high))  # fmt: skip


def integers(ports: Sequence[FramePort]) -> dict[str, TensorSpec]:
    """What the software side has of ports."""
    return {p.integers: TensorSpec("int64", p.shape) for p in ports}


def casts(ports: Sequence[FramePort], *, to_ports: bool, kind: str = "uint8") -> HostProgram:
    """A software side that hands a network's whole numbers on, one tensor a port."""
    own = {p.tensor: TensorSpec(kind, p.shape) for p in ports}
    pairs = list(zip(own.items(), integers(ports).items()))
    if not to_ports:
        pairs = [(behind, front) for front, behind in pairs]
    steps = tuple(HostStep("Cast", (a,), b, {}, spec) for (a, _), (b, spec) in pairs)
    given = dict(a for a, _ in pairs)
    return HostProgram(given, dict(b for _, b in pairs), {}, steps)


def deployment(
    inputs: Sequence[FramePort], outputs: Sequence[FramePort], before: HostProgram | None = None,
    after: HostProgram | None = None, *, name: str = "design", identity: str = "0" * 32,
) -> Deployment:  # fmt: skip
    """A design by hand; where no side is given, it hands whole numbers on."""
    before = casts(inputs, to_ports=True) if before is None else before
    after = casts(outputs, to_ports=False) if after is None else after
    return Deployment(name, identity, "1.2.3", "stream", "pynq-z2", 100.0, tuple(inputs),
                      tuple(outputs), before, after, Path())  # fmt: skip


def write_driver(
    design: Deployment, folder: Path, frames: Mapping[str, bytes] | None = None,
    *, family: str = "zynq-7000",
) -> Path:  # fmt: skip
    """The folder software/c of a design; its stored frames are zeros where none are given."""
    if frames is None:
        frames = {p.port: bytes(p.frame_bytes) for p in (*design.inputs, *design.outputs)}
    c_driver(design, frames, family=family).write(folder)
    return folder / FOLDER


def compiled(
    folder: Path, name: str, program: Path, *, compiler: str = "gcc", flags: Sequence[str] = (),
    core: Sequence[str] = CORE,
) -> Path:  # fmt: skip
    """A program around the driver of design `name` in `folder`."""
    # Programs of one source that differ in their flags stand beside each other.
    which = crc32("\0".join((*flags, *core)).encode())
    target = folder / f"{program.stem}_{compiler}_{which:08x}"
    sources = [program, folder / f"{name}_deployment.c", folder / f"{name}_vectors.c",
               *(folder / "driver" / f"{part}.c" for part in core)]  # fmt: skip
    command = [
        compiler, *WARNINGS, *flags, "-I.", f'-DHEADER="{name}_deployment.h"',
        f"-DDESIGN={name}_design", f"-DBUFFER={name.upper()}_BUFFER", "-o", str(target),
        *map(str, sources), "-lm", "-ldl",
    ]  # fmt: skip
    run(command, folder)
    return target


def run(command: Sequence[str], folder: Path, *, given: bytes = b"", code: int = 0) -> str:
    """What a command prints; its exit code must be `code`."""
    done = subprocess.run(
        command, cwd=folder, input=given, capture_output=True, check=False, timeout=300
    )
    printed = done.stdout.decode(errors="replace")
    assert done.returncode == code, printed + done.stderr.decode(errors="replace")
    return printed


def to_frames(
    program: Path, design: Deployment, samples: Mapping[str, Any]
) -> list[np.ndarray[Any, Any]]:
    """What the software side in front makes of samples, with sides.c: [N, size] for each port."""
    assert design.before is not None
    count = len(next(iter(samples.values())))
    given = b"".join(
        np.ascontiguousarray(samples[name][k], spec.type).tobytes()
        for k in range(count)
        for name, spec in design.before.inputs.items()
    )
    found = _piped(program, "before", given)
    parts = _split(found, [p.frame_bytes for p in design.inputs], count)
    return [
        np.frombuffer(part, p.dtype).reshape(count, -1) for p, part in zip(design.inputs, parts)
    ]


def from_frames(
    program: Path, design: Deployment, frames: Sequence[np.ndarray[Any, Any]]
) -> dict[str, np.ndarray[Any, Any]]:
    """What the software side behind makes of frames [N, size] of each port."""
    assert design.after is not None
    count = len(frames[0])
    given = b"".join(array[k].tobytes() for k in range(count) for array in frames)
    specs = design.after.outputs
    sizes = [int(np.prod(s.shape)) * np.dtype(s.type).itemsize for s in specs.values()]
    parts = _split(_piped(program, "after", given), sizes, count)
    return {
        name: np.frombuffer(part, spec.type).reshape(count, *spec.shape)
        for (name, spec), part in zip(specs.items(), parts)
    }


def _piped(program: Path, side: str, given: bytes) -> bytes:
    done = subprocess.run([program, side], input=given, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def _split(content: bytes, sizes: Sequence[int], count: int) -> list[bytes]:
    """Records of `sizes` bytes each, one behind the other, as one text for each field."""
    assert len(content) == sum(sizes) * count
    starts = np.cumsum([0, *sizes])
    whole = np.frombuffer(content, np.uint8).reshape(count, -1)
    return [whole[:, a:b].tobytes() for a, b in pairwise(starts)]
