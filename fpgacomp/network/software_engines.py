"""Engines in software that take ONNX, all by way of ONNX Runtime: CPU, CUDA, TensorRT, OpenVINO."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import onnx

from fpgacomp.errors import ToolError, UsageError

if TYPE_CHECKING:
    import onnxruntime


@dataclass(frozen=True)
class SoftwareEngine:
    """An engine that ONNX Runtime hands a network to.

    Args:
        name: what options call it.
        provider: ONNX Runtime's name of it.
        install: the command that adds it.
    """

    name: str
    provider: str
    install: str

    @property
    def threads(self) -> tuple[int, ...]:
        """Numbers of threads that are worth a trial: small networks run best on one."""
        if self.provider == "CPUExecutionProvider":
            return tuple(dict.fromkeys((1, os.cpu_count() or 1)))
        return (0,)

    def device(self, threads: int) -> str:
        """What it runs on, in words."""
        if not threads:
            return f"this machine's device for {self.name}"
        return f"CPU, {threads} thread{'' if threads == 1 else 's'}"


ENGINES = (
    SoftwareEngine("onnxruntime", "CPUExecutionProvider", "pip install onnxruntime"),
    SoftwareEngine("cuda", "CUDAExecutionProvider",
                   "pip install onnxruntime-gpu, where there is an NVIDIA GPU and CUDA"),
    SoftwareEngine("tensorrt", "TensorrtExecutionProvider",
                   "pip install onnxruntime-gpu tensorrt, where there is an NVIDIA GPU and CUDA"),
    SoftwareEngine("openvino", "OpenVINOExecutionProvider", "pip install onnxruntime-openvino"),
)  # fmt: skip


def engine_of(name: str) -> SoftwareEngine:
    """The engine of a name, which is installed.

    Raises:
        UsageError: no engine has this name.
        ToolError: it is not installed.
    """
    found = next((one for one in ENGINES if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in ENGINES)
        raise UsageError(f"--engines {name}", "is no engine that is known.", f"use {known}.")
    import onnxruntime  # late: most verbs do without it

    if found.provider not in onnxruntime.get_available_providers():
        why = f"is not installed: ONNX Runtime has no {found.provider} here."
        raise ToolError(f"--engines {name}", why, f"run: {found.install}")
    return found


def open_on(
    engine: SoftwareEngine, model: onnx.ModelProto, threads: int
) -> onnxruntime.InferenceSession:
    """A session on that engine and no other: what it cannot run is refused, not moved to the CPU.

    Args:
        threads: of the processor; 0 leaves it to the engine.

    Raises:
        ToolError: the engine does not take the network.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    if engine.provider != "CPUExecutionProvider":
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=[engine.provider]
        )
    except Exception as error:
        why = f"does not take the network: {' '.join(str(error).split())[:300]}"
        raise ToolError(f"--engines {engine.name}", why, "leave the engine out.") from error
