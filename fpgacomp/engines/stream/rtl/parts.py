"""The instances of a streaming design in SystemVerilog, by themselves, before anything is emitted.

What an instance becomes in synthesis follows from its module, its parameters and its tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fpgacomp.devices.device import Device
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.operators.operator import Operator
from fpgacomp.engines.stream.rtl.instance import Parameter, styled
from fpgacomp.engines.stream.storage import fifo_in_block
from fpgacomp.engines.stream.streams import Stream

FIFO, CONTROL = "fpgacomp_fifo", "fpgacomp_control"
LEAST_DEPTH = 2  # words of the module fpgacomp_fifo


@dataclass(frozen=True)
class RtlPart:
    """An operator or a FIFO as its module is instantiated.

    Args:
        layer: that it works for; "" for what no layer owns.
        module: of hls_templates/rtl/lib, or of `modules`.
        parameters: by name; a str is the name of a file.
        files: file name -> content of the tables that the parameters name.
        modules: name -> source of modules that are this instance's alone.
        counted: "lut" and "ff" that these take as Yosys maps them, where somebody counts them.
    """

    layer: str
    module: str
    parameters: Mapping[str, Parameter]
    files: Mapping[str, bytes] = field(default_factory=dict)
    modules: Mapping[str, bytes] = field(default_factory=dict)
    counted: Mapping[str, float] = field(default_factory=dict)


def parts_of(dataflow: Dataflow, device: Device) -> Iterator[RtlPart]:
    """The operators of a dataflow, each with the FIFOs that it writes to behind it.

    A FIFO belongs to the layer of the operator that writes to it.
    """
    for index, operator in enumerate(dataflow.operators):
        yield operator_part(operator, f"t{index}", device)
        for stream in operator.outputs:
            yield fifo_part(stream, operator.layer, device)


def operator_part(operator: Operator, tables: str, device: Device) -> RtlPart:
    """An operator; its tables' files have names that begin with `tables`."""
    made = operator.instance(tables, device.wide_port_bits)
    parameters = styled(made.parameters, device)
    return RtlPart(operator.layer, made.module, parameters, made.files, made.modules, made.counted)


def fifo_part(stream: Stream, layer: str, device: Device) -> RtlPart:
    """The FIFO of a stream."""
    depth = max(stream.depth, LEAST_DEPTH)
    block = int(fifo_in_block(stream.bits, depth, device))
    return RtlPart(layer, FIFO, {"BITS": stream.bits, "DEPTH": depth, "BLOCK": block})
