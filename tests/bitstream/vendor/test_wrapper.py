"""The AXI4-Stream ports around an hls4ml design: bit-exact, whatever length a frame has."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.bitstream.vendor.project import wrapper
from fpgacomp.engines.hls4ml.csim_headers import flags
from fpgacomp.engines.hls4ml.design import IoType
from fpgacomp.host.resources import data_folder
from fpgacomp.host.toolchain import find_compiler
from fpgacomp.ir import interpreter
from tests.support import builders
from tests.support.depth import deep
from tests.support.vendor_designs import design_of, unrolled

# Frames as a DMA sends them: whole, cut short, one beat too long, whole again.
LENGTHS = (6, 6, 4, 6, 8, 6)
HARNESS = r"""
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include "mlp_axis.h"
namespace nnet {
bool trace_enabled = false;
std::map<std::string, void *> *trace_outputs = NULL;
size_t trace_type_size = sizeof(double);
} // namespace nnet
int main() {
    const int lengths[] = {%s};
    for (int length : lengths) {
        hls::stream<fpgacomp_axis::Beat<8> > in("in");
        hls::stream<fpgacomp_axis::Beat<%d> > out("out");
        for (int i = 0; i < length; ++i) {
            int value;
            if (scanf("%%d", &value) != 1) return 2;
            fpgacomp_axis::Beat<8> beat;
            beat.data = value;
            beat.last = i == length - 1;
            in.write(beat);
        }
        mlp_axis(in, out);
        if (!in.empty()) return 3;
        while (!out.empty()) {
            const fpgacomp_axis::Beat<%d> beat = out.read();
            printf("%%lld %%d %%d\n", (long long)ap_int<%d>(beat.data).to_int64(), int(beat.last),
                   int(beat.keep));
        }
    }
    return 0;
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("io_type", ["io_stream", deep("io_parallel")])
def test_the_wrapper_is_bit_exact_and_recovers_from_wrong_frames(
    io_type: IoType, tmp_path: Path
) -> None:
    build = unrolled(io_type)
    design = design_of(build)
    (given,), (taken,) = design.accelerator.inputs, design.accelerator.outputs
    assert (given.name, given.tdata_bits, given.beats) == ("in0", 8, 6)
    build.write(tmp_path)
    hls = tmp_path / "hls"
    for path, content in wrapper(design).items():
        (hls / path).write_bytes(content)
    bits = taken.tdata_bits
    harness = HARNESS % (", ".join(map(str, LENGTHS)), bits, bits, bits)
    (hls / "harness.cpp").write_text(harness)
    program = tmp_path / "harness"
    streams = f"-I{data_folder('hls_templates') / 'stream/csim_include'}"
    subprocess.run(
        [str(find_compiler().path), *flags(hls, native=False), streams, "-Wall", "-Wextra",
         "harness.cpp", "mlp_axis.cpp", "firmware/mlp.cpp", "-o", str(program)],
        cwd=hls, check=True,
    )  # fmt: skip
    graph = builders.mlp()
    frames = builders.inputs(graph, len(LENGTHS))["x"]
    sent = [(*frame, *frame)[:length] for frame, length in zip(frames, LENGTHS, strict=True)]
    ran = subprocess.run(
        [str(program)], input=" ".join(str(value) for frame in sent for value in frame),
        cwd=hls / "firmware", capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = np.array([line.split() for line in ran.stdout.splitlines()], dtype=np.int64)
    answers, last, keep = found.reshape(len(LENGTHS), taken.size, 3).transpose(2, 0, 1)
    expected = interpreter.run(graph, {"x": frames})[taken.tensor]
    whole = [number for number, length in enumerate(LENGTHS) if length >= 6]
    assert np.array_equal(answers[whole], expected[whole])
    ends = np.arange(taken.size) == taken.size - 1
    assert np.array_equal(last, np.broadcast_to(ends, last.shape))
    assert set(keep.flat) == {(1 << bits // 8) - 1}


def test_the_wrapper_is_the_same_every_time() -> None:
    assert wrapper(design_of(unrolled())) == wrapper(design_of(unrolled()))
