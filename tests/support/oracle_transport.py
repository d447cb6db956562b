"""A device that computes as the integer graph does: for tests of what calls one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fpgacomp.ir import codec, interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.runtime.accelerator import from_containers
from fpgacomp.runtime.deployment import Deployment


class OracleTransport:
    """Answers frames with the integer graph's integers."""

    def __init__(self, deployment: Deployment, graph: Graph) -> None:
        self.deployment, self.graph = deployment, graph
        self.started: dict[int, list[np.ndarray[Any, Any]]] = {}
        self.closed = False

    def identity(self) -> str:
        return codec.identity(self.graph)

    def start(self, frames: Sequence[np.ndarray[Any, Any]]) -> int:
        ports = self.deployment.inputs
        for port, array in zip(ports, frames, strict=True):
            assert array.dtype == port.dtype and array.shape[1:] == (port.size,)
        inputs = {p.tensor: from_containers(p, a) for p, a in zip(ports, frames)}
        found = interpreter.run(self.graph, inputs)
        token = len(self.started)
        self.started[token] = [
            found[port.tensor].reshape(len(frames[0]), -1).astype(port.dtype)
            for port in self.deployment.outputs
        ]
        return token

    def finish(self, token: int, timeout_s: float) -> list[np.ndarray[Any, Any]]:
        return self.started[token]

    def reset(self) -> None:
        self.started.clear()

    def close(self) -> None:
        self.closed = True

    def statistics(self) -> dict[str, float]:
        return {"frames": len(self.started)}
