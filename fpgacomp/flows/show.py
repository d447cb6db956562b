"""What `fpgacomp show` prints: an integer graph, and a design of it, as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fpgacomp.devices.read import load_board
from fpgacomp.engines import registry
from fpgacomp.engines.choose import EngineDesign
from fpgacomp.engines.shared.text import print_design, spell_folding
from fpgacomp.errors import UsageError
from fpgacomp.flows.integers import Model, fold, integer_graph
from fpgacomp.flows.options import Options, checked
from fpgacomp.flows.stages import Stages
from fpgacomp.host.paths import check_parent
from fpgacomp.host.progress import Observer, silent
from fpgacomp.host.strict_json import read_json
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import kind
from fpgacomp.ir.text import arrays_to_npz, print_graph
from fpgacomp.ir.text.spell import spell_type
from fpgacomp.ir.types import Ints
from fpgacomp.network.lowered import Lowered
from fpgacomp.report import folder


@dataclass(frozen=True)
class Shown:
    """An integer graph as text.

    Args:
        graph: the graph; a design's own where there is one.
        text: the text form, which `fpgacomp.ir.text.parse_graph` reads back with `arrays`.
        arrays: the arrays that the text names by digest.
        design: engine, board, clock and each layer's folding as plain values; empty where only
            the graph is shown.
    """

    graph: Graph
    text: str
    arrays: Mapping[str, Ints]
    design: Mapping[str, Any] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.graph.name,
            "layers": [
                {
                    "name": layer.name,
                    "kind": kind(layer),
                    "inputs": [tensor.name for tensor in layer.inputs],
                    "output": layer.output.name,
                    "shape": list(layer.output.shape),
                    "type": spell_type(layer.output.type),
                }
                for layer in self.graph.layers
            ],
            "outputs": [tensor.name for tensor in self.graph.outputs],
            "arrays": {digest: list(values.shape) for digest, values in self.arrays.items()},
            "design": dict(self.design) or None,
            "text": self.text,
        }

    def write_arrays(self, path: str | Path) -> None:
        """Write the companion arrays as a .npz.

        Raises:
            UsageError: the path is no .npz file in a folder that exists.
        """
        check_arrays(Path(path))
        Path(path).write_bytes(arrays_to_npz(self.arrays))


def check_arrays(path: Path) -> None:
    """Refuse, before any work is done, a file that the arrays cannot go to.

    Raises:
        UsageError: the path is no .npz file in a folder that exists.
    """
    if path.suffix != ".npz" or path.is_dir():
        raise UsageError(f"--arrays {path}", "is no .npz file.", "name a file that ends in .npz.")
    check_parent(f"--arrays {path}", path)


def show(
    source: Model,
    *,
    board: str | None = None,
    options: Options | None = None,
    observer: Observer = silent,
) -> Shown:
    """The integer graph of a network or of a build directory, and a design of it, as text.

    Args:
        source: a build directory, or a network as `compile` takes it.
        board: the board to design for, by name or file. None shows the graph alone; of a build
            directory, the design that it holds. A board folds a build directory's graph anew.
        options: what the front end and the folding are told; see `Options`.
        observer: told each stage.

    Raises:
        UsageError: the folder is no build directory, or an option does not go with it.
        FpgacompError: the network cannot be lowered, or no engine can build it.
    """
    options = checked(options)
    if board is None:
        _refuse_design_options(options)
    stages = Stages(observer)
    built = isinstance(source, str | Path) and Path(source).is_dir()
    if built:
        refuse_front_options(options)
    if built and board is None:
        return _built(folder.read_build(Path(source)))
    lowered = _lowered_again(Path(source)) if built else integer_graph(source, options, stages)[1]
    if board is None:
        return Shown(lowered.graph, *print_graph(lowered.graph))
    request = registry.request(options.backend)
    return _designed(fold(lowered, load_board(board), options, request, stages), anew=built)


def _refuse_design_options(options: Options) -> None:
    """Refuse options that say how a design is chosen where none is."""
    asked = {
        "--backend": options.backend != "auto",
        "--target": options.target.goal != "latency",
        "--fps": options.target.fps is not None,
        "--latency-us": options.target.latency_us is not None,
        "--clock-mhz": options.clock_mhz is not None,
        "--io": options.io_type is not None,
    }
    for option, given in asked.items():
        if given:
            why = "says how a design is chosen, and without --board none is."
            raise UsageError(option, why, "add --board, or leave the option out.")


def _designed(chosen: EngineDesign, *, anew: bool) -> Shown:
    """A design as its engine made it.

    Args:
        anew: whether a build directory holds another design of the same graph.
    """
    design, engine = chosen.folded.design, chosen.engine
    choices, structure = engine.choices(design), engine.structure(design)
    facts = {
        "engine": engine.name,
        "board": design.board.name,
        "clock_mhz": design.clock_mhz,
        "fits": chosen.folded.verdict.fits,
        "choices": dict(choices),
        "folding": {name: asdict(folding) for name, folding in design.folding.items()},
        "structure": structure.splitlines(),
    }
    verdict = () if chosen.folded.verdict.fits else ("does not fit",)
    notes = [", ".join([f"engine {engine.name}", *choices.values(), *verdict])]
    if anew:
        notes.append("folded anew: without --board, the design that the build holds is shown")
    text, arrays = print_design(design, notes=notes, structure=structure)
    return Shown(design.graph, text, arrays, facts)


def refuse_front_options(options: Options) -> None:
    """A build directory holds integers: there is nothing to calibrate or to append any more."""
    given = {"--calibration": options.calibration, "--input-bits": options.input_bits,
             "--argmax": options.argmax or None}  # fmt: skip
    for option, value in given.items():
        if value is not None:
            raise UsageError(option, "is for a network, not for a build directory.",
                             "leave it out, or name the network's file.")  # fmt: skip


def _lowered_again(path: Path) -> Lowered:
    """What a build directory keeps of lowering, for a design of another board."""
    build = folder.read_build(path)
    return Lowered(build.graph, build.before, build.after, {})


def _built(build: folder.Build) -> Shown:
    """The design that a build directory holds, as its report tells it."""
    content = build.project.files.get("report.json")
    if content is None:  # the evidence of a check that ended in an error has no report
        return Shown(build.graph, *print_graph(build.graph))
    try:
        return _reported(build, read_json(content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError("report.json", f"is damaged ({error}).", "compile again.") from error


def _reported(build: folder.Build, report: Any) -> Shown:
    folding = {layer["name"]: layer["folding"] for layer in report["layers"] if layer["folding"]}
    facts = {
        "engine": report["backend"],
        "board": report["board"]["name"],
        "clock_mhz": report["estimate"]["clock_mhz"],
        "fits": report["verdict"]["fits"],
        "folding": folding,
    }
    notes = [
        f"engine {facts['engine']}",
        f"board {facts['board']} ({report['board']['part']}), {facts['clock_mhz']:g} MHz",
    ]
    remarks = {name: spell_folding(settings) for name, settings in folding.items()}
    return Shown(build.graph, *print_graph(build.graph, notes=notes, remarks=remarks), facts)
