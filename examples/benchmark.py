"""Compile seconds, C-simulation speed and peak memory, beside plain hls4ml in one run.

    make bench            or: python -m examples.benchmark [NETWORK...]

Each measurement runs in a process of its own. "plain hls4ml" is hls4ml's own ONNX reader
and C-simulation (`convert_from_onnx_model`, `compile`, `predict`) on the same file; where
it cannot read a network, its error is the result. "prepare" is everything before the samples run,
"g++" the compilation of the C++ alone. Timings depend on the machine and on what else it does:
compare within one run, best by the seconds of processor time.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "models"
VECTORS = 1000
BOARD = "zcu104"  # large enough for all of them
NETWORKS = {
    "digits_cnn": (ROOT / "examples" / "digits_cnn" / "model.onnx", None),
    "digits_mlp": (ROOT / "examples" / "digits_mlp" / "model.onnx", None),
    "jet_tagging": (SHARED / "jet_tagging_qkeras.onnx", (16, 6)),
    "tfc_2w2a": (SHARED / "tfc_2w2a_brevitas.onnx", None),
    "kws_mlp_w3a3": (SHARED / "kws_mlp_w3a3.onnx", None),
}


def ours(name: str) -> dict[str, Any]:
    """fpgacomp: network file to compared C-simulation."""
    import fpgacomp

    model, input_bits = NETWORKS[name]
    options = fpgacomp.Options(vectors=VECTORS, input_bits=input_bits, checks="quick")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        report = fpgacomp.compile(model, BOARD, out=Path(folder) / "build", options=options)
    total = time.perf_counter() - start
    run_s = report.timings_s["csim run"]
    return {
        "total_s": total,
        "prepare_s": total - run_s,
        "compiler_s": report.timings_s["csim compile"],
        "run_s": run_s,
        "mismatches": report.exactness.csim_mismatches,
    }


def plain_hls4ml(name: str) -> dict[str, Any]:
    """hls4ml on its own: convert, compile, predict."""
    import hls4ml
    import numpy as np
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.channels_last import ConvertToChannelsLastAndClean
    from qonnx.transformation.gemm_to_matmul import GemmToMatMul
    from qonnx.util.cleanup import cleanup_model

    np.product = np.prod  # hls4ml 1.3.0 needs it under numpy 2
    model, _ = NETWORKS[name]
    start = time.perf_counter()
    wrapper = cleanup_model(ModelWrapper(str(model)))
    wrapper = wrapper.transform(ConvertToChannelsLastAndClean()).transform(GemmToMatMul())
    wrapper = cleanup_model(wrapper)
    config = hls4ml.utils.config_from_onnx_model(
        wrapper, granularity="name", backend="Vitis", default_precision="fixed<16,6>"
    )
    with tempfile.TemporaryDirectory() as folder:
        converted = hls4ml.converters.convert_from_onnx_model(
            wrapper, output_dir=folder, backend="Vitis", hls_config=config, io_type="io_parallel"
        )
        begin = time.perf_counter()
        converted.compile()
        compiler_s = time.perf_counter() - begin
        prepared = time.perf_counter() - start
        shape = [d.dim_value for d in wrapper.graph.input[0].type.tensor_type.shape.dim][1:]
        x = np.random.default_rng(0).uniform(-1, 1, (VECTORS, *shape)).astype(np.float32)
        begin = time.perf_counter()
        converted.predict(x)
        run_s = time.perf_counter() - begin
    return {
        "total_s": prepared + run_s,
        "prepare_s": prepared,
        "compiler_s": compiler_s,
        "run_s": run_s,
        "mismatches": None,
    }


def measure(tool: str, name: str) -> dict[str, Any]:
    """One tool on one network, in a process of its own; the largest memory of all it started."""
    command = [sys.executable, "-m", "examples.benchmark", "--measure", tool, name]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if run.returncode == 0:
        result: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
        return result
    lines = [line for line in run.stderr.splitlines() if line.strip()]
    return {"error": lines[-1] if lines else f"exit code {run.returncode}"}


def show(names: list[str]) -> None:
    """The table: two rows per network, and what ours is of hls4ml's."""
    table = Table(title=f"{VECTORS} vectors; prepare = read to compiled C-simulation")
    columns = ("network", "tool", "prepare s", "g++ s", "run s", "C-sim samples/s", "CPU s",
               "peak MB", "exact")  # fmt: skip
    for column in columns:
        table.add_column(column, justify="left" if column in columns[:2] else "right")
    for name in names:
        if not NETWORKS[name][0].is_file():
            table.add_row(name, "", "the file is not on this machine")
            continue
        mine, theirs = (measure(tool, name) for tool in ("fpgacomp", "hls4ml"))
        table.add_row(name, "fpgacomp", *_cells(mine))
        table.add_row("", "hls4ml", *_cells(theirs))
        if "error" not in mine and "error" not in theirs:
            table.add_row("", "ratio", *_ratios(mine, theirs), end_section=True)
    Console(width=120).print(table)
    print(
        "Goals: g++ and run of ours at most 0.25 of g++ of hls4ml's; prepare and run at most 0.35 "
        "of its prepare; 10 times its samples/s."
    )


def _cells(result: dict[str, Any]) -> list[str]:
    if "error" in result:
        return [result["error"][:60]]
    wrong = result["mismatches"]
    return [
        f"{result['prepare_s']:.2f}",
        f"{result['compiler_s']:.2f}",
        f"{result['run_s']:.3f}",
        f"{VECTORS / result['run_s']:,.0f}",
        f"{result['cpu_s']:.1f}",
        f"{result['peak_mb']:.0f}",
        "not checked" if wrong is None else f"{wrong} mismatches",
    ]


def _ratios(mine: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """What of hls4ml's time ours takes, by the goals' measures; and times its samples/s."""
    program = (mine["compiler_s"] + mine["run_s"]) / theirs["compiler_s"]
    return [
        f"{mine['total_s'] / theirs['prepare_s']:.2f}",
        f"{program:.2f}",
        "",
        f"{theirs['run_s'] / mine['run_s']:.1f} times",
        f"{mine['cpu_s'] / theirs['cpu_s']:.2f}",
    ]


def main(arguments: list[str]) -> None:
    """Measure one (child process), or show all or the named networks."""
    if arguments[:1] == ["--measure"]:
        tool, name = arguments[1:]
        result = ours(name) if tool == "fpgacomp" else plain_hls4ml(name)
        usage = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        used = [resource.getrusage(who) for who in usage]
        result["peak_mb"] = max(one.ru_maxrss for one in used) / 1024
        result["cpu_s"] = sum(one.ru_utime + one.ru_stime for one in used)
        sys.stdout.write("\n" + json.dumps(result) + "\n")
        return
    unknown = [name for name in arguments if name not in NETWORKS]
    if unknown:
        sys.exit(f"unknown networks {unknown}; known: {list(NETWORKS)}")
    show(arguments or list(NETWORKS))


if __name__ == "__main__":
    main(sys.argv[1:])
