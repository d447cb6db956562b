"""The interface of an hls4ml project: arrays or streams, and the layers that it traces."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.engines.hls4ml.design import IoType
from fpgacomp.engines.shared.interface import EXACTLY, Interface, Port


@dataclass(frozen=True, kw_only=True)
class VariablePort(Port):
    """A port that is an argument of the top function.

    Args:
        variable: the argument's name in C++.
        type: C++ type of an element (io_parallel) or of a stream's word (io_stream).
    """

    variable: str
    type: str


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A tensor that hls4ml's trace writes in C-simulation.

    Args:
        node: name of hls4ml's layer.
        tensor: name of the graph's tensor that the layer writes.
        size: elements of one frame.
    """

    __pydantic_config__ = EXACTLY

    node: str
    tensor: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Hls4mlInterface(Interface):
    """Ports and traces of an hls4ml project.

    Args:
        traces: in the order in which the layers are called.
    """

    io_type: IoType
    inputs: tuple[VariablePort, ...]
    outputs: tuple[VariablePort, ...]
    traces: tuple[Trace, ...]
