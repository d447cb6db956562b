"""Waveforms of a simulated design: what is in the file, and what is told where it cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.engines.engine import TRACE_ENDINGS
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.fold.fifos import with_fifos
from fpgacomp.engines.stream.rtl.interface import RtlInterface
from fpgacomp.engines.stream.rtl.simulate import simulate_batches
from fpgacomp.engines.stream.rtl.trace import FORMATS, check_libraries, check_whole, format_of
from fpgacomp.errors import FileSystemError, ToolError, UsageError
from fpgacomp.host.toolchain import find_compiler, find_verilator
from fpgacomp.ir import interpreter
from fpgacomp.results.project import Project
from tests.engines.stream.rtl.test_emit import emitted
from tests.engines.stream.rtl.test_simulation import random_inputs
from tests.support import builders
from tests.support import stream_designs as sd
from tests.support.depth import deep

FST = FORMATS[".fst"]
# An FST file of a header and two blocks.
BLOCKS = (
    b"\0" + (329).to_bytes(8, "big") + bytes(321)
    + b"\5" + (20).to_bytes(8, "big") + bytes(12)
    + b"\4" + (9).to_bytes(8, "big") + bytes(1)
)  # fmt: skip


def test_every_ending_that_is_offered_has_a_format() -> None:
    assert tuple(FORMATS) == TRACE_ENDINGS


def test_an_fst_file_that_ends_within_a_block_is_told(tmp_path: Path) -> None:
    path = tmp_path / "w.fst"
    path.write_bytes(BLOCKS)
    check_whole(path)
    for broken in (b"", BLOCKS[:5], BLOCKS[:-1], b"\xff" + BLOCKS[1:], BLOCKS + b"\0"):
        path.write_bytes(broken)
        with pytest.raises(FileSystemError, match=r"was not written whole; .* MB are free there"):
            check_whole(path)


def test_a_build_of_an_earlier_version_has_no_waveforms() -> None:
    project = emitted(builders.mlp())
    assert format_of(Path("w.FST"), project) is FST
    older = Project({"rtl/sim_main.cpp": b"int main() {}\n"})
    with pytest.raises(UsageError, match=r"an earlier fpgacomp made this build.*compile the netw"):
        format_of(Path("w.fst"), older)


def test_a_missing_library_is_named_with_what_installs_it() -> None:
    absent = replace(FST, uses="#include <a_header_that_nobody_has.h>\nint main() {}\n")
    with pytest.raises(
        ToolError, match=r"lz4 and zlib.* not installed.*liblz4-dev.*or name a \.vcd"
    ):
        check_libraries(absent, find_compiler())
    check_libraries(FORMATS[".vcd"], find_compiler())


@pytest.mark.slow  # g++ takes some ten seconds for each format
@pytest.mark.parametrize("ending", [".fst", deep(".vcd")])
def test_the_waveforms_show_every_beat(ending: str, tmp_path: Path) -> None:
    try:
        verilator = find_verilator()
        check_libraries(FORMATS[ending], find_compiler())
    except ToolError as missing:
        pytest.skip(str(missing))
    graph = builders.mlp()
    given = random_inputs(graph)
    values = interpreter.run(graph, given)
    made = with_fifos(sd.design(graph, 0, most=2))
    project = STREAM.emit(made, {name: array[:1] for name, array in values.items()}).project
    path = tmp_path / f"w{ending}"
    (workdir := tmp_path / "work").mkdir()
    runs = simulate_batches(
        project, graph, [given, given], verilator=verilator, compiler=find_compiler(),
        workdir=workdir, trace=path,
    )  # fmt: skip
    first = next(runs)
    size = path.stat().st_size
    next(runs)
    assert path.stat().st_size == size  # the second batch does not write over the first one
    assert first.measured is not None
    frames, interval = len(next(iter(given.values()))), first.measured.interval_cycles or 0
    least = first.measured.latency_cycles + (frames - 1) * interval
    if ending == ".fst":
        # Picoseconds of the last change, in the header.
        assert int.from_bytes(path.read_bytes()[17:25], "big") / 1000 > least
        return
    (port,) = RtlInterface.of(project).outputs
    beats, end = taken(path, port.port)
    assert end / 1000 > least
    lanes = [int(beat, 2) >> (n * port.container_bits) for beat in beats for n in range(port.lanes)]
    wrapped = np.array(lanes) & ((1 << port.container_bits) - 1)
    expected = values[port.tensor].reshape(-1) & ((1 << port.container_bits) - 1)
    assert np.array_equal(wrapped, expected)


def taken(path: Path, port: str) -> tuple[list[str], int]:
    """What a port had on its data lines at each rising edge that took it, and the last time."""
    names: dict[str, str] = {}
    state: dict[str, str] = {}
    found, at = [], 0
    for line in path.read_text("ascii").splitlines():
        words = line.split()
        if words[:1] == ["$var"]:
            names.setdefault(words[4], words[3])  # the top's own come first
        elif line.startswith("#"):
            at = int(line[1:])
        elif line[:1] in ("0", "1"):
            moves = (state.get(names[f"{port}_t{what}"]) == "1" for what in ("valid", "ready"))
            if line == f"1{names['aclk']}" and all(moves):
                found.append(state[names[f"{port}_tdata"]])
            state[line[1:]] = line[0]
        elif line[:1] == "b":
            state[words[1]] = words[0][1:]
    return found, at
