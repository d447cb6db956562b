"""What an engine is: it folds a graph for a goal, emits a design, simulates what it emitted.

    outlook(graph, goal)              -> Outlook | None  of a design that takes long to find
    fold(graph, goal)                 -> FoldingResult   the best legal design, or the nearest miss
    emit(design, vectors)             -> Emitted         its project, and the graph it must equal
    simulate(emitted, batches, level) -> CsimResult...   every integer that the project computes
    levels                            -> what of a project can be run: its C++, its RTL
    emulator(emitted, system)         -> a library that answers a driver as the device does
    further(design, frames)           -> what a full check runs beyond C-simulation, at what cost
    remarks(design), choices(design)  -> sentences and settings for the report
    fifos(design)                     -> words of the FIFO behind each tensor
    structure(design)                 -> what `fpgacomp show` prints below the layers
    parts(graph, project)             -> the layer that a name in the hardware works for
    units(emitted)                    -> the instances of its SystemVerilog

An engine is one folder of this package with an `engine.py` that implements `Engine`, and one
line in `registry.py`. A companion adds evidence to another engine's designs, as FINN does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

if TYPE_CHECKING:  # annotations alone name these, and a check or an estimate needs few of them
    from _typeshed import DataclassInstance

    from fpgacomp.devices.board import Board
    from fpgacomp.engines.shared.csim import CsimResult, Progress
    from fpgacomp.engines.shared.emulation import EmulatedSystem
    from fpgacomp.engines.shared.interface import Interface
    from fpgacomp.engines.shared.result import FoldingResult
    from fpgacomp.errors import FpgacompError
    from fpgacomp.host.toolchain import Compiler
    from fpgacomp.ir.graph import Graph
    from fpgacomp.ir.types import IntArray
    from fpgacomp.results.estimate import PredictedFigures
    from fpgacomp.results.project import Project
    from fpgacomp.results.target import Target

# What of an emitted project is run: c is its C++, compiled for speed on native integers; hls the
# same C++ as a vendor's tool reads it, loop by loop on the open arbitrary-precision types; rtl its
# SystemVerilog, cycle by cycle; gate the netlist that Yosys makes of that for the board's family.
Level = Literal["c", "hls", "rtl", "gate"]
# Levels that compute the outputs alone: synthesis leaves no other tensor as it was.
OUTPUTS_ONLY: frozenset[Level] = frozenset({"gate"})
IoType = Literal["io_parallel", "io_stream"]
# Formats of the waveforms that a run of the RTL can write: compressed, and text that needs nothing.
TRACE_ENDINGS = (".fst", ".vcd")


class Design(Protocol):
    """What every engine's design has: one graph on one board, and a folding for its layers."""

    @property
    def graph(self) -> Graph: ...

    @property
    def board(self) -> Board: ...

    @property
    def clock_mhz(self) -> float: ...

    @property
    def folding(self) -> Mapping[str, DataclassInstance]: ...


DesignT = TypeVar("DesignT", bound=Design)


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a design is wanted for.

    Args:
        board: the board whose budget must hold the design.
        clock_mhz: the clock that the design will run at.
        target: what to aim at, and the bounds that must hold.
        io_type: how layers hand over their data, for engines that leave a choice; None lets
            the engine choose.
        other_boards: boards to name as a remedy where this one is too small.
        bits_are_options: whether fpgacomp quantizes the network itself, so that fewer bits are
            options of the same command.
        for_companion: whether a companion is to build the same design, which then has nothing but
            what it has operators of.
    """

    board: Board
    clock_mhz: float
    target: Target
    io_type: IoType | None = None
    other_boards: Sequence[Board] = ()
    bits_are_options: bool = False
    for_companion: bool = False


@dataclass(frozen=True)
class Outlook:
    """What is known of a design that takes long to find, before anyone looks for it.

    Args:
        least_lut: LUTs that it takes at least.
        effort: why it is not looked for unasked, as a clause with figures; "" where it is.
        missing: the command that installs what finding it needs; "" where that is there.
        refused: why it is refused where it is asked for, likewise; "" where it is not.
    """

    least_lut: float
    effort: str = ""
    missing: str = ""
    refused: str = ""


@dataclass(frozen=True)
class Emitted:
    """A project, with the graph whose integers it must compute.

    Args:
        graph: the design's graph; of a build directory, the graph stored beside the project.
        project: the files below `hls/`; hls/interface.json is the interface's serialization.
        interface: how the project's top function is called: its ports, their types and files.
    """

    graph: Graph
    project: Project
    interface: Interface


@dataclass(frozen=True)
class FurtherCheck:
    """A simulation of an emitted project beyond its C-simulation.

    Args:
        level: what it runs.
        title: how sentences call it.
        cpu_s: seconds of processor time that it is predicted to take.
        frame_s: how many of them each frame takes.
        missing: the command that installs what it needs; "" where that is there.
    """

    level: Level
    title: str
    cpu_s: float
    frame_s: float
    missing: str = ""


@dataclass(frozen=True)
class HardwareUnit:
    """An instance in the top module of emitted SystemVerilog.

    Args:
        name: of the instance.
        module: of what it is an instance, in a file below rtl/.
        parameters: names and values as SystemVerilog has them, without those that only a
            simulation reads; a table is named as a file below rtl/, in quotes.
        layer: name of the layer that it works for; "" where it is no layer's.
        alike: (module, path of the first instance) of equal circuits inside, between registers, of
            which a synthesis tool may map one for all; None where there are none.
    """

    name: str
    module: str
    parameters: tuple[tuple[str, str], ...]
    layer: str = ""
    alike: tuple[str, str] | None = None


class Engine(Protocol[DesignT]):
    """A code generator with its folding, its estimate and its simulation."""

    @property
    def name(self) -> str:
        """What options and reports call the engine."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """What of its projects can be run."""

    def refusals(self, graph: Graph) -> tuple[FpgacompError, ...]:
        """What keeps the engine from building the graph on any board; () where it can."""

    def outlook(self, graph: Graph, goal: Goal) -> Outlook | None:
        """What is known of the design before it is looked for; None where that takes no time.

        An engine with an outlook is folded beside others only where it can be the best of them.
        """

    def fold(self, graph: Graph, goal: Goal) -> FoldingResult[DesignT]:
        """The best legal design for the goal, or the nearest miss with the ways out.

        Raises:
            FpgacompError, Problems: the engine cannot build the graph, or not in this io type.
        """

    def emit(self, design: DesignT, vectors: Mapping[str, IntArray]) -> Emitted:
        """The project of a design, with `vectors` (tensor name -> integers) for its testbench.

        Raises:
            UnsupportedLayer, Problems: the design is not legal.
            InputDataError: the vectors do not go with the graph.
        """

    def read_back(self, graph: Graph, project: Project) -> Emitted:
        """What `emit` gave, from the files of a build directory.

        Raises:
            InputDataError: the interface description is missing or is none of this version.
        """

    def simulate(
        self,
        emitted: Emitted,
        batches: Iterable[Mapping[str, IntArray]],
        level: Level,
        *,
        compiler: Compiler,
        workdir: Path,
        progress: Progress | None = None,
        trace: Path | None = None,
    ) -> Iterator[CsimResult]:
        """Run the emitted project on batches of integer inputs; every tensor's integers of each.

        At a level of `OUTPUTS_ONLY`, those of the outputs.

        `level` is one of `levels`. The project is compiled for the first batch, and may be again
        where the frames become many. A batch (input tensor name -> integers [N, *shape]) is taken
        when the result of the one before has been read, so that few frames are in memory at once.
        Level rtl writes the values of every signal to the file `trace`, which ends in one of
        `TRACE_ENDINGS`, while the first batch runs.

        Raises:
            InputDataError: an input is missing, of the wrong shape, or out of range.
            ToolError: a tool is missing or failed, or the program did.
        """

    def emulator(self, emitted: Emitted, system: EmulatedSystem, *, compiler: Compiler) -> Path:
        """A shared library in which the emitted project runs behind a model of AXI DMA.

        Its C interface is hls_templates/emulation/fcemu.h. It is kept in the user's cache folder,
        under the digest of what it is made from.

        Raises:
            ToolError: a tool is missing or failed.
        """

    def further(self, design: DesignT, frames: int) -> tuple[FurtherCheck, ...]:
        """The simulations that a full check adds to C-simulation on so many frames."""

    def remarks(self, design: DesignT) -> tuple[str, ...]:
        """What a user must know of the design beyond its figures, one sentence each."""

    def choices(self, design: DesignT) -> Mapping[str, str]:
        """What the engine chose for the design as a whole, by name, for the report's options."""

    def fifos(self, design: DesignT) -> Mapping[str, int]:
        """Words of the FIFO behind each tensor, by tensor name; tensors without one are absent."""

    def structure(self, design: DesignT) -> str:
        """What the design consists of below its layers, as lines for a reader.

        "" where the layers and their foldings say all there is.
        """

    def parts(self, graph: Graph, project: Project) -> Mapping[str, str]:
        """Of a build directory: names in its hardware -> the layer that each works for.

        What a synthesis tool reports under a name that holds one of these is that layer's; "" says
        that it works for no layer. Of several names the longest counts.

        Raises:
            InputDataError: the project is none of this engine.
        """

    def units(self, emitted: Emitted) -> tuple[HardwareUnit, ...]:
        """Every instance of the top module of the emitted SystemVerilog; () where there is none.

        FIFOs and registers are among them. Two of one module, with equal parameters and tables of
        equal content, are the same hardware.
        """

    def predictions(self, design: DesignT) -> tuple[PredictedFigures, ...]:
        """Figures of the design beside its estimate: of its other source, or by other tools."""


# Each engine's designs are its own; whoever holds several engines cannot name them all.
AnyEngine = Engine[Any]


@dataclass(frozen=True)
class Corroboration:
    """What a companion says of a design.

    Args:
        project: its own files; empty where it cannot express a layer.
        frames: how many frames it executed.
        mismatches: integers that differ from the oracle's; None where it executed nothing.
        notes: what could not be had and why, one sentence each.
    """

    project: Project
    frames: int = 0
    mismatches: int | None = None
    notes: tuple[str, ...] = ()


class Companion(Protocol):
    """Another toolchain that writes and executes the designs of one of our engines."""

    @property
    def name(self) -> str:
        """What options and reports call it."""

    @property
    def title(self) -> str:
        """How sentences call it."""

    @property
    def engine(self) -> str:
        """Name of the engine whose designs it takes."""

    def install(self) -> str | None:
        """The command that adds it to this machine, or None where it is installed."""

    def corroborate(
        self, design: Any, values: Mapping[str, IntArray], *, required: bool
    ) -> Corroboration:
        """Write the companion's files and let it execute the first frames.

        Args:
            design: a design of `engine`.
            values: tensor name -> the oracle's integers [N, *shape], every tensor.
            required: refuse what the companion cannot express instead of noting it.

        Raises:
            UnsupportedLayer, Problems: it cannot express a layer, where `required`.
        """

    def parts(self, graph: Graph, project: Project) -> Mapping[str, str]:
        """Of a build directory: names in its own hardware -> the layer that each works for."""
