"""Writes the C driver of a build: the folder software/c."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2

from fpgacomp.deploy.c.operators import INEXACT, REALS
from fpgacomp.deploy.c.ranges import CRange, ranges_in_c
from fpgacomp.deploy.c.side import CArray, CConstant, CSide, SideWriter
from fpgacomp.deploy.c.spelling import hexadecimal, identifier, identifiers, plain, string, whole
from fpgacomp.deploy.c.workspace import WorkArray, Workspace
from fpgacomp.errors import UnsupportedLayer
from fpgacomp.host.resources import data_folder
from fpgacomp.results.project import Project
from fpgacomp.runtime.accelerator import SELF_TEST
from fpgacomp.runtime.address_map import MAPS, AddressMap
from fpgacomp.runtime.deployment import FILE, Deployment, FramePort
from fpgacomp.runtime.errors import DeviceError
from fpgacomp.runtime.input_range import input_bounds
from fpgacomp.runtime.program import HostProgram

FOLDER = "software/c"
TEMPLATES = data_folder("hls_templates") / "drivers" / "c"
# Bytes of stored frames that go into the driver, as text of five times the size.
_SELF_TEST_BYTES = 64 << 10
_PAGE = 4096
# Of driver/fpgacomp_link.c: room for an answer to IDENTIFY, and what a packet has besides its body.
_ABOUT_BYTES, _PACKET_OVERHEAD = 256, 6
# Memory in which a DMA's addresses must lie: the device tree's cells for one number.
_CELLS = {"zynq-7000": 1, "zynq-ultrascale+": 2}


@dataclass(frozen=True)
class PortCode:
    """A port of the accelerator, in C.

    Args:
        container: ending of the functions that read and write its containers.
        place: its integers on the software side.
        vectors: lines of its stored frames.
    """

    port: FramePort
    container: str
    place: CArray
    vectors: Sequence[str]

    @property
    def name(self) -> str:
        """Its name as a literal."""
        return string(self.port.port)

    @property
    def lowest(self) -> str:
        """The least integer that the design was compiled for, in C."""
        return whole(self.port.lowest)

    @property
    def highest(self) -> str:
        """The greatest, which the software side's 64 bits may not reach."""
        return whole(min(self.port.highest, 2**63 - 1))


@dataclass(frozen=True)
class ArrayCode:
    """An input or output of the network, in C.

    Args:
        identifier: what parameters call it.
        literal: its name.
        place: where its numbers lie.
        read: whether the software side reads it.
    """

    identifier: str
    literal: str
    place: CArray
    read: bool

    @property
    def checked(self) -> bool:
        """Whether its type has values that no sample may hold."""
        return self.place.type in (*REALS, "bool")


@dataclass(frozen=True, kw_only=True)
class CDesign:
    """What the templates of hls_templates/drivers/c need to know.

    Args:
        name: prefix of identifiers and files.
        inexact: operators whose last bits are the C library's.
        frames: how many are stored for the self-test.
        address: where the hardware lies; None where the board has no AXI.
        cells: of an address in the device tree.
        buffer_bytes: of the memory that the DMAs need.
        ranges: of the network's inputs, where they are known.
    """

    name: str
    deployment: Deployment
    before: CSide
    after: CSide
    inputs: Sequence[PortCode]
    outputs: Sequence[PortCode]
    network_inputs: Sequence[ArrayCode]
    network_outputs: Sequence[ArrayCode]
    ranges: Sequence[CRange]
    constants: Sequence[CConstant]
    work: Sequence[WorkArray]
    inexact: Sequence[str]
    frames: int
    address: AddressMap | None
    cells: int
    buffer_bytes: int

    @property
    def literal(self) -> str:
        """The network's name as a literal."""
        return string(self.deployment.name)

    @property
    def version(self) -> str:
        """The version of fpgacomp as a literal."""
        return string(self.deployment.version)

    @property
    def identity(self) -> str:
        """The four words of the identity."""
        digits = self.deployment.identity
        return ", ".join(f"0x{digits[8 * k : 8 * k + 8]}u" for k in range(4))

    @property
    def arrays(self) -> Sequence[ArrayCode]:
        """The network's inputs, then its outputs."""
        return [*self.network_inputs, *self.network_outputs]

    @property
    def board(self) -> str:
        """The board's name for comments and pages."""
        return plain(self.deployment.board)

    @property
    def packet_bytes(self) -> int:
        """Memory for the longest packet of the serial link, as driver/fpgacomp_link.c counts it."""
        longest = max(code.port.frame_bytes for code in self.outputs)
        return max(longest, _ABOUT_BYTES) + _PACKET_OVERHEAD

    @property
    def slot_bytes(self) -> int:
        """Memory for one frame of every port."""
        return sum(code.port.frame_bytes for code in (*self.inputs, *self.outputs))

    @property
    def dmas(self) -> int:
        """How many DMAs the block design has."""
        return max(len(self.inputs), len(self.outputs))

    @property
    def most(self) -> int:
        """The most inputs or outputs of design or network."""
        return max(self.dmas, len(self.network_inputs), len(self.network_outputs))


def c_driver(deployment: Deployment, frames: Mapping[str, bytes], *, family: str) -> Project:
    """The files below software/c.

    Args:
        deployment: the design; nothing of it is taken as C.
        frames: port -> its stored frames, as in software/selftest.
        family: of the board's device, which has an address map or none.

    Raises:
        UnsupportedLayer: the software side has what C does not compute.
    """
    design = _design(deployment, frames, family)
    files = dict(_fixed_files())
    for template, path in _generated(design).items():
        text = _environment().get_template(f"{template}.j2").render(design=design)
        files[path] = text.encode()
    return Project(files).under(FOLDER)


def c_files(software: Project, *, family: str) -> Project:
    """The C driver for what `software_side` wrote.

    Where C does not compute the software side, the folder holds a page that says why, and
    what then.

    Args:
        software: the files below software/.
        family: of the board's device.
    """
    try:
        # Read back as a device reads it: what it would refuse is said here.
        deployment = Deployment.parse(software.files[f"software/{FILE}"], Path())
        frames = {
            port.port: software.files[f"software/{SELF_TEST}/{port.port}.bin"]
            for port in (*deployment.inputs, *deployment.outputs)
        }
        return c_driver(deployment, frames, family=family)
    except UnsupportedLayer as problem:
        return _reason(problem.where, problem.why, problem.fix)
    except DeviceError as problem:
        return _reason(problem.where, problem.why, problem.remedy)


def _reason(where: str, why: str, fix: str) -> Project:
    """The page in place of a driver."""
    template = _environment().get_template("README.none.md.j2")
    text = template.render(where=plain(where), why=plain(why), fix=plain(fix))
    return Project({f"{FOLDER}/README.md": text.encode()})


def _generated(design: CDesign) -> dict[str, str]:
    """Template -> path of the file that it becomes."""
    name = design.name
    paths = {
        "deployment.h": f"{name}_deployment.h",
        "deployment.c": f"{name}_deployment.c",
        "vectors.c": f"{name}_vectors.c",
        "fpgacomp_config.h": "fpgacomp_config.h",
        "main.c": "main.c",
        "Makefile": "Makefile",
        "CMakeLists.txt": "CMakeLists.txt",
        "README.md": "README.md",
    }
    return paths if design.address is None else {**paths, "overlay.dts": f"{name}.dts"}


@cache
def _fixed_files() -> Mapping[str, bytes]:
    folder = TEMPLATES / "driver"
    return {f"driver/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.[ch]"))}


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    environment.filters["plain"] = plain
    return environment


def _design(deployment: Deployment, frames: Mapping[str, bytes], family: str) -> CDesign:
    workspace = Workspace()
    writer = SideWriter(workspace)
    before, after = (
        _program(side, name)
        for side, name in ((deployment.before, "before"), (deployment.after, "after"))
    )
    given = {name: f"in{number}" for number, name in enumerate(before.inputs)}
    front = writer.write(before, "before", given)
    behind = writer.write(after, "after", {})
    count = _stored_frames(deployment, frames)
    inputs = [
        _port(port, front.outputs[port.integers], frames, count) for port in deployment.inputs
    ]
    outputs = [
        _port(port, behind.inputs[port.integers], frames, count) for port in deployment.outputs
    ]
    _check_integers(inputs)
    address = MAPS.get(family)
    operators = {step.op for side in (before, after) for step in side.steps}
    ranges, tables = ranges_in_c(front.inputs, input_bounds(before))
    return CDesign(
        name=identifier(deployment.name),
        deployment=deployment,
        before=front,
        after=behind,
        inputs=inputs,
        outputs=outputs,
        network_inputs=[
            ArrayCode(spelled, string(name), front.inputs[name], name in front.read)
            for spelled, name in zip(identifiers("in", before.inputs), before.inputs)
        ],
        network_outputs=[
            ArrayCode(spelled, string(name), behind.outputs[name], True)
            for spelled, name in zip(identifiers("out", after.outputs), after.outputs)
        ],
        ranges=ranges,
        constants=[*writer.constants, *tables],
        work=list(workspace.arrays()),
        inexact=sorted(operators & INEXACT),
        frames=count,
        address=address,
        cells=_CELLS.get(family, 1),
        buffer_bytes=_buffer_bytes(deployment),
    )


def _program(program: HostProgram | None, side: str) -> HostProgram:
    if program is None:
        raise UnsupportedLayer(
            f"software.{side}", "has an operator that only ONNX Runtime computes.",
            "use the Python driver for this network, or end the network before this operator.",
        )  # fmt: skip
    return program


def _check_integers(inputs: Sequence[PortCode]) -> None:
    for code in inputs:
        if code.place.type in REALS:
            raise UnsupportedLayer("software.before", "gives numbers that are not whole.",
                                   "compile the network again.")  # fmt: skip


def _port(port: FramePort, place: CArray, frames: Mapping[str, bytes], count: int) -> PortCode:
    container = f"{'i' if port.signed else 'u'}{port.container_bits}"
    content = frames[port.port][: count * port.frame_bytes]
    return PortCode(port, container, place, hexadecimal(content))


def _stored_frames(deployment: Deployment, frames: Mapping[str, bytes]) -> int:
    """How many of the stored frames the driver takes along: one at least."""
    ports = (*deployment.inputs, *deployment.outputs)
    stored = min(len(frames[port.port]) // port.frame_bytes for port in ports)
    a_frame = sum(port.frame_bytes for port in ports)
    return min(stored, max(1, _SELF_TEST_BYTES // a_frame))


def _buffer_bytes(deployment: Deployment) -> int:
    """Whole pages for two frames of each port, as `fpgacomp_axi_bytes` counts them."""
    ports = (*deployment.inputs, *deployment.outputs)
    used = sum(2 * (-(-port.frame_bytes // 64) * 64) for port in ports)
    return -(-used // _PAGE) * _PAGE
