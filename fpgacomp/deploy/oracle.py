"""A device that computes as the integer graph does: an application is tried out without a board."""

from __future__ import annotations

from collections.abc import Sequence

from fpgacomp.errors import FpgacompError
from fpgacomp.ir import codec, interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import AnyArray
from fpgacomp.runtime.accelerator import from_containers
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.errors import DescriptionError, TransferError


class OracleTransport:
    """Answers frames with the integer graph's integers; see `Transport` for the methods.

    Args:
        deployment: the description of the design.
        graph: what it computes.
    """

    def __init__(self, deployment: Deployment, graph: Graph) -> None:
        self.deployment, self.graph = deployment, graph
        self.closed = False
        self._started: dict[int, list[AnyArray]] = {}
        self._tokens = self._frames = 0

    def identity(self) -> str:
        return codec.identity(self.graph)

    def start(self, frames: Sequence[AnyArray]) -> int:
        ports = self.deployment.inputs
        for port, array in zip(ports, frames, strict=True):
            if array.dtype != port.dtype or array.shape[1:] != (port.size,):
                raise TransferError(port.port, f"got frames {array.dtype}{list(array.shape)}.",
                                    f"send {port.dtype}[N, {port.size}].")  # fmt: skip
        inputs = {p.tensor: from_containers(p, a) for p, a in zip(ports, frames, strict=True)}
        found = interpreter.run(self.graph, inputs)
        self._tokens += 1
        self._frames += len(frames[0])
        self._started[self._tokens] = [
            found[port.tensor].reshape(len(frames[0]), -1).astype(port.dtype)
            for port in self.deployment.outputs
        ]
        return self._tokens

    def finish(self, token: int, timeout_s: float) -> list[AnyArray]:
        if token not in self._started:
            why = "these frames were answered already, or lost in a reset."
            raise TransferError("the accelerator", why, "send the frames again.")
        return self._started.pop(token)

    def reset(self) -> None:
        self._started.clear()

    def close(self) -> None:
        self.closed = True

    def statistics(self) -> dict[str, float]:
        return {"frames": float(self._frames)}


def open_transport(deployment: Deployment) -> OracleTransport:
    """The integer graph of a build as a device.

    Args:
        deployment: of the folder software/ of a build, beside which graph.json lies.

    Raises:
        DescriptionError: there is no readable graph.json.
    """
    path = deployment.folder.resolve().parent / "graph.json"
    try:
        graph = codec.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, FpgacompError) as problem:
        told = problem.why if isinstance(problem, FpgacompError) else f"{problem}."
        why = f"holds no integer graph: {told[:300]}"
        remedy = "name the folder of a build that `compile` wrote."
        raise DescriptionError(str(path), why, remedy) from None
    return OracleTransport(deployment, graph)
