"""FPGA hardware/software co-design compiler: neural network in, verified accelerator out.

    import fpgacomp

    report = fpgacomp.compile("model.onnx", board="pynq-z2", out="build")

Each verb of the command line is a function here. Importing the package loads none of the
libraries that the functions need: a function is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fpgacomp.data.tasks import TaskRequest as TaskRequest
    from fpgacomp.engines.layer_price import estimate_layer as estimate_layer
    from fpgacomp.errors import FpgacompError as FpgacompError
    from fpgacomp.flows.bench_estimates import bench_estimates as bench_estimates
    from fpgacomp.flows.bring import bring_bitstream as bring_bitstream
    from fpgacomp.flows.build import build as build
    from fpgacomp.flows.calibrate import calibrate as calibrate
    from fpgacomp.flows.check import check as check
    from fpgacomp.flows.compare import compare as compare
    from fpgacomp.flows.compile import compile as compile
    from fpgacomp.flows.compress import distill as distill
    from fpgacomp.flows.compress import factorize as factorize
    from fpgacomp.flows.compress import prune as prune
    from fpgacomp.flows.compress import quantize as quantize
    from fpgacomp.flows.compress import share as share
    from fpgacomp.flows.emulate import emulate as emulate
    from fpgacomp.flows.engine_rates import engine_rates as engine_rates
    from fpgacomp.flows.estimate import estimate as estimate
    from fpgacomp.flows.evaluate import evaluate as evaluate
    from fpgacomp.flows.export import export as export
    from fpgacomp.flows.import_report import import_report as import_report
    from fpgacomp.flows.options import Options as Options
    from fpgacomp.flows.package import install as install
    from fpgacomp.flows.package import new_key as new_key
    from fpgacomp.flows.package import package as package
    from fpgacomp.flows.package import verify as verify
    from fpgacomp.flows.serve import serve as serve
    from fpgacomp.flows.simulate import simulate as simulate
    from fpgacomp.flows.split import split as split
    from fpgacomp.flows.tflite import export_tflite as export_tflite
    from fpgacomp.results.report import Report as Report
    from fpgacomp.results.target import Target as Target

__version__ = "0.2.0.dev0"

_HOMES = {
    "FpgacompError": "errors",
    "Options": "flows.options",
    "Report": "results.report",
    "Target": "results.target",
    "TaskRequest": "data.tasks",
    "bench_estimates": "flows.bench_estimates",
    "bring_bitstream": "flows.bring",
    "build": "flows.build",
    "calibrate": "flows.calibrate",
    "check": "flows.check",
    "compare": "flows.compare",
    "compile": "flows.compile",
    "distill": "flows.compress",
    "emulate": "flows.emulate",
    "engine_rates": "flows.engine_rates",
    "estimate": "flows.estimate",
    "estimate_layer": "engines.layer_price",
    "evaluate": "flows.evaluate",
    "export": "flows.export",
    "export_tflite": "flows.tflite",
    "factorize": "flows.compress",
    "install": "flows.package",
    "new_key": "flows.package",
    "package": "flows.package",
    "import_report": "flows.import_report",
    "prune": "flows.compress",
    "quantize": "flows.compress",
    "serve": "flows.serve",
    "share": "flows.compress",
    "simulate": "flows.simulate",
    "split": "flows.split",
    "verify": "flows.package",
}
__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> object:
    """Load a public name from the module that defines it, when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'fpgacomp' has no attribute {name!r}")
    found: object = getattr(import_module(f"fpgacomp.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
