"""The C++ of an hls4ml design as a device: in both io types, on native and on open types."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.engines.hls4ml import emulate
from fpgacomp.engines.hls4ml.design import IoType
from fpgacomp.engines.hls4ml.engine import HLS4ML
from fpgacomp.host.toolchain import find_compiler
from fpgacomp.ir import codec, interpreter
from fpgacomp.runtime.axi import AxiTransport
from tests.support import builders
from tests.support import stream_designs as sd
from tests.support.depth import deep
from tests.support.emulators import MAP, SYSTEM, device

pytestmark = pytest.mark.slow

SLOW = replace(SYSTEM, interval_cycles=500, latency_cycles=1000)


@pytest.mark.parametrize(("io_type", "native"), [("io_parallel", True), deep("io_stream", False)])
def test_answers_are_the_oracles(
    io_type: IoType, native: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulate, "native_headers_carry", lambda _: native)
    monkeypatch.chdir(tmp_path)  # weights are found wherever the process runs
    graph = sd.merged(builders.mlp(), builders.labels()) if native else builders.mlp()
    values = interpreter.run(graph, builders.inputs(graph, 20))
    emitted = HLS4ML.emit(builders.design(graph, io_type), {n: v[:2] for n, v in values.items()})
    library = HLS4ML.emulator(emitted, SLOW, compiler=find_compiler())
    inputs, outputs = emitted.interface.for_software(graph)
    frames = {
        port.tensor: np.ascontiguousarray(values[port.tensor].reshape(20, -1).astype(port.dtype))
        for port in (*inputs, *outputs)
    }
    with device(library, read_cycles=1, write_cycles=1) as platform:
        transport = AxiTransport(platform, inputs, outputs, MAP)
        assert transport.identity() == codec.identity(graph)
        found = transport.finish(transport.start([frames[port.tensor] for port in inputs]), 0.1)
        for port, array in zip(outputs, found, strict=True):
            assert (array == frames[port.tensor]).all(), port.tensor
        # The pace is the estimate's, where the system around the design is faster.
        seconds = transport.statistics()["seconds"]
        least = 19 * SLOW.interval_cycles + SLOW.latency_cycles
        assert least <= seconds * SLOW.clock_hz <= 1.1 * least
