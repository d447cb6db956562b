"""libFuzzer on the C driver: software sides with packing and unpacking, and the serial link.

    python -m tests.deploy.c.fuzz --seconds 60

A finding ends it with the fuzzer's report and the input, in the folder that is printed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from fpgacomp.runtime.program import TensorSpec
from tests.support import c_drivers, host_programs
from tests.support.c_drivers import PROGRAMS, WARNINGS

TARGETS = {
    "fuzz_sides": ("fpgacomp",),
    "fuzz_framing": ("fpgacomp", "fpgacomp_framing"),
    "fuzz_link": ("fpgacomp", "fpgacomp_link", "fpgacomp_framing"),
}
FLAGS = ("-O1", "-g", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
LONGEST = 1024  # bytes of an input, which is more than a sample and a frame of the design


@cache
def available() -> bool:
    """Whether clang is here, with its fuzzer's library."""
    if shutil.which("clang") is None:
        return False
    source = b"int LLVMFuzzerTestOneInput(const char *d, long n) { return d == 0 && n < 0; }"
    with tempfile.TemporaryDirectory() as folder:
        command = ["clang", "-fsanitize=fuzzer", "-x", "c", "-", "-o", f"{folder}/out"]
        return subprocess.run(command, input=source, capture_output=True).returncode == 0


def write_driver(folder: Path) -> Path:
    """A design whose software sides have every type and most operators."""
    rng = np.random.default_rng(5)
    ports = [
        c_drivers.port("a", 12, 64, signed=True), c_drivers.port("b", 6, 16, highest=1000),
        c_drivers.port("c", 5, 8, signed=True, lowest=-8, highest=7),
    ]  # fmt: skip
    specs = {port.integers: TensorSpec("int64", port.shape) for port in ports}
    before, _, _ = host_programs.random_before(rng, specs)
    after, _, _ = host_programs.random_after(rng, specs, inexact=True)
    return c_drivers.write_driver(
        c_drivers.deployment(ports, ports, before, after, name="side"), folder
    )


def fuzz(target: str, driver: Path, *options: str) -> str:
    """Run one target; what it prints.

    Raises:
        AssertionError: it found something; the message is its report.
    """
    program = c_drivers.compiled(
        driver, "side", PROGRAMS / f"{target}.c", compiler="clang", flags=FLAGS,
        core=TARGETS[target],
    )  # fmt: skip
    command = [program, f"-max_len={LONGEST}", "-print_final_stats=1", *options]
    done = subprocess.run(command, cwd=driver, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="Time for each target (60).")
    seconds = parser.parse_args(arguments).seconds
    if not available():
        print("clang with libFuzzer is not installed: apt-get install clang libclang-rt-dev")
        return 3
    driver = write_driver(Path(tempfile.mkdtemp(prefix="fpgacomp-fuzz-")))
    print(f"in {driver}, with {' '.join(WARNINGS)}")
    for target in TARGETS:
        report = fuzz(target, driver, f"-max_total_time={seconds}")
        runs = [line for line in report.splitlines() if "number_of_executed_units" in line]
        print(f"{target}: {seconds} s, {runs[0].split()[-1]} inputs, nothing found")
    shutil.rmtree(driver.parents[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
