"""What --dump-stages keeps of each stage, as files.

What writes them is imported when it is called: most runs keep no stages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fpgacomp.engines.choose import EngineDesign
    from fpgacomp.ir.graph import Graph
    from fpgacomp.ir.types import IntArray
    from fpgacomp.network.canonical import Network
    from fpgacomp.network.lowered import Lowered

Files = Mapping[str, bytes]


def network(found: Network) -> Files:
    """The canonical network, and the network as it was read."""
    from fpgacomp.network.text import print_network
    from fpgacomp.report import folder

    return {
        "network.txt": print_network(found.model).encode(),
        "network.onnx": folder.onnx_bytes(found.model),
        "as-read.onnx": folder.onnx_bytes(found.original),
    }


def lowered(found: Network, made: Lowered) -> Files:
    """The quantized network, the integer graph, and what stays on the host."""
    from fpgacomp.ir import codec
    from fpgacomp.ir.text import arrays_to_npz, print_graph
    from fpgacomp.report import folder

    text, arrays = print_graph(made.graph)
    return {
        "network.onnx": folder.onnx_bytes(found.model),
        "graph.txt": text.encode(),
        "graph.npz": arrays_to_npz(arrays),
        "graph.json": codec.to_json(made.graph).encode(),
        "before.onnx": folder.onnx_bytes(made.before),
        "after.onnx": folder.onnx_bytes(made.after),
    }


def design(chosen: EngineDesign) -> Files:
    """The folding of each layer, the graph that it folds, and the engine's own structure of it."""
    from fpgacomp.engines.shared.text import print_design
    from fpgacomp.ir import codec
    from fpgacomp.ir.text import arrays_to_npz

    made = chosen.folded.design
    content = {
        "engine": chosen.engine.name,
        "board": made.board.name,
        "clock_mhz": made.clock_mhz,
        "choices": dict(chosen.engine.choices(made)),
        "folding": {name: asdict(folding) for name, folding in made.folding.items()},
        "fits": chosen.folded.verdict.fits,
        "reasons": list(chosen.folded.reasons),
    }
    structure = chosen.engine.structure(made)
    text, arrays = print_design(made, structure=structure)
    return {
        "design.txt": text.encode(),
        "design.npz": arrays_to_npz(arrays),
        "folding.json": (json.dumps(content, indent=1, sort_keys=True) + "\n").encode(),
        "graph.json": codec.to_json(made.graph).encode(),
    }


def vectors(graph: Graph, values: Mapping[str, IntArray]) -> Files:
    """Every layer's integers."""
    from fpgacomp.evidence.vectors import narrowed
    from fpgacomp.report import folder

    return {f"{name}.npy": folder.npy(array) for name, array in narrowed(graph, values).items()}
