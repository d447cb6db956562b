"""What a vendor's HLS tool asks of the emitted C++, as far as its text shows it.

No such tool is in the tests: each rule was read in its manual, or reported by its users.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from fpgacomp.devices.read import load_board
from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.emit.project import emit_stream
from fpgacomp.engines.stream.emit.tables import cpp_type, rom
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.layers import rules_of
from fpgacomp.engines.stream.layers.matrix import WIDEST_WORD
from fpgacomp.host.resources import data_folder
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.interpreter import run
from fpgacomp.ir.types import BIPOLAR, IntType
from tests.support import builders
from tests.support import stream_designs as sd

LIBRARY = data_folder("hls_templates") / "stream" / "include" / "fpgacomp"


def top_of(graph: Graph, **folding: StreamFolding) -> str:
    design = sd.design(graph, 0)
    design = replace(design, folding={**design.folding, **folding})
    project = emit_stream(design, run(graph, builders.inputs(graph, 2)))
    return project.files[f"hls/{graph.name}.cpp"].decode()


def dense_graph(inputs: int, outputs: int) -> Graph:
    b = builders.GraphBuilder("net")
    return b.graph(b.dense("fc", b.input("x", (inputs,), -8, 7), outputs, -8, 7))


def test_the_elements_of_words_are_integers_and_no_structs() -> None:
    """AGGREGATE does not take structs that contain structs (UG1399)."""
    code = (LIBRARY / "core.hpp").read_text()
    assert "typedef ap_int<1> Bipolar;" in code and "struct Bipolar" not in code
    assert cpp_type(BIPOLAR) == "Bipolar"
    # The type of one signed bit stands for -1 and +1 alone.
    assert cpp_type(IntType(-1, 0)) == "ap_int<2>" and cpp_type(IntType(0, 1)) == "ap_uint<1>"
    packed = rom("r", "", np.array([[-1, 0, -1]]), IntType(-1, 0), "auto")
    assert packed.element == "ap_int<2>" and packed.rows == [[0b110011]]


def test_memory_that_a_pipelined_loop_writes_and_reads_states_its_distance() -> None:
    for header, memory, distance in (("window", "columns", "W"), ("pool", "sums", "GROUPS")):
        code = (LIBRARY / f"{header}.hpp").read_text()
        index = re.search(rf"\b{memory}\[(\w+)\] = ", code)
        assert index is not None
        pragma = f"#pragma HLS DEPENDENCE variable={memory} inter RAW distance={distance} true"
        loop = code[: index.start()].rindex("#pragma HLS PIPELINE")
        assert pragma in code[loop : index.start()]


@pytest.mark.parametrize("graph", [dense_graph(4096, 64), dense_graph(64, 4096)])
def test_no_folding_that_is_priced_has_words_beyond_the_limit(graph: Graph) -> None:
    design, (layer,) = sd.design(graph, 0), graph.layers[1:]
    for folding in rules_of(layer).foldings(load_board("zcu104").device):
        folded = replace(design, folding={layer.name: folding})
        words = [stream.bits for stream in expand(folded).streams]
        assert max(*words, folding.pe * folding.simd * layer.weight.type.bits) <= WIDEST_WORD


def test_a_whole_window_is_one_word_only_up_to_the_limit() -> None:
    def widest(channels: int) -> int:
        b = builders.GraphBuilder("conv")
        graph = b.graph(b.conv("c", b.input("x", (4, 4, channels), -8, 7), 2, kernel=(3, 3)))
        design = replace(sd.design(graph), folding={"c": StreamFolding(2, 3 * channels)})
        windows = [s for s in expand(design).streams if s.name.endswith("_windows")]
        return windows[0].lanes

    assert widest(100) == 900  # 3,600 bits
    assert widest(128) == 128  # 4,608 bits would be too many


def test_the_pipelines_are_free_running() -> None:
    """FIFO depths take for granted that an operator which waits for its output still drains."""
    design = sd.design(builders.mlp(), 0)
    project = emit_stream(design, run(design.graph, builders.inputs(design.graph, 2)))
    script = project.files["hls/build_prj.tcl"].decode()
    assert re.search(r"^config_compile -pipeline_style frp$", script, re.MULTILINE)
    assert script.index("open_solution") < script.index("config_compile")


# What an operator may say in front of its loop: nothing of it is done in a cycle of its own.
UNTIMED = re.compile(
    r"static_assert|typedef|constexpr|const |#pragma HLS (INLINE|ARRAY_PARTITION|AGGREGATE)"
    r"|[\w.]+\.prepare\(\)|[\w:<>, *+]+ \w+(\[[^=]*\])*$"
)


def operators_of(code: str) -> list[tuple[str, str]]:
    """(name, body) of each function of a header that pipelines a loop, as it is synthesized."""
    code = re.sub(r"#ifdef FPGACOMP_CSIM\n.*?#(else\n(.*?)#)?endif\n", r"\2", code, flags=re.DOTALL)
    code = re.sub(r"//.*", "", code)
    found = re.findall(r"^void (\w+)\(.*?\) \{\n(.*?)^\}", code, re.DOTALL | re.MULTILINE)
    return [(name, body) for name, body in found if "#pragma HLS PIPELINE" in body]


def statements_of(code: str) -> list[str]:
    """Pragmas and statements, each in one line."""
    pragmas = re.findall(r"^#pragma .*$", code, re.MULTILINE)
    rest = re.sub(r"^#pragma .*$", "", code, flags=re.MULTILINE).split(";")
    return [*pragmas, *filter(None, (" ".join(statement.split()) for statement in rest))]


def test_a_loop_can_be_rewound_because_it_is_all_that_its_process_does() -> None:
    """UG1399, Rewinding Pipelined Loops: it is the outermost construct of a dataflow process.

    So an operator is inlined, sets its state in the loop's first cycle, and does nothing behind it.
    """
    names = []
    for header in sorted(LIBRARY.glob("*.hpp")):
        for name, body in operators_of(header.read_text()):
            names.append(name)
            assert body.startswith("#pragma HLS INLINE\n"), name
            before, loop = re.split(r"^\w+:\n", body, maxsplit=1, flags=re.MULTILINE)
            for statement in statements_of(before):
                if name != "from_axis":  # whose loop ends with TLAST: its bounds are not known
                    assert UNTIMED.match(statement), (name, statement)
            # Every loop around the pipelined one has nothing but the next one in it.
            heads = loop[: loop.index("#pragma HLS PIPELINE")]
            assert re.fullmatch(r"(\s*(\w+:|for \(.*\) \{|do \{))+\s*", heads), (name, heads)
            depth = heads.count("{")
            tail = loop.rstrip().splitlines()[-depth:]
            assert all(re.fullmatch(r" +\}( while \(.*\);)?", line) for line in tail), (name, tail)
    assert len(names) > 20 and len(names) == len({*names})
    assert {"mvau", "sliding_window", "convert_width", "from_axis", "to_axis"} <= {*names}


def test_what_a_loop_must_not_have_before_it_is_seen() -> None:
    for line in ("counter_t<4> held = 0", "bool first = true", "held = 0", "out.write(word)"):
        assert not UNTIMED.match(line), line


def test_a_process_declares_its_memories_and_calls_its_operator() -> None:
    code = top_of(builders.cnn())
    bodies = re.findall(r"^static void run_\w+\(.*?\) \{\n(.*?)^\}", code, re.DOTALL | re.MULTILINE)
    assert len(bodies) > 8
    for body in bodies:
        calls = [line for line in body.splitlines() if not line.startswith("#pragma")]
        *memories, call = calls
        assert re.fullmatch(r"  \w+(<.*>)?\(.*\);", call), call
        assert all(re.fullmatch(r"  [\w<>, ]+ \w+\[\d+\];", line) for line in memories), memories


def test_a_table_of_one_row_is_constants_and_no_memory() -> None:
    graph = dense_graph(8, 4)
    unfolded, folded = (top_of(graph, fc=StreamFolding(pe, 8, "bram")) for pe in (4, 2))
    assert "ARRAY_PARTITION variable=c_fc.packed complete dim=0" in unfolded
    assert "BIND_STORAGE variable=c_fc" not in unfolded
    assert "ARRAY_RESHAPE variable=c_fc.packed complete dim=2" in folded
    assert "BIND_STORAGE variable=c_fc.packed type=rom_1p impl=bram" in folded


def test_a_row_beyond_the_limit_of_a_word_is_several_memories() -> None:
    graph = dense_graph(64, 64)  # a folding of the user's own may be wider than any that is priced
    whole, parts = (top_of(graph, fc=StreamFolding(pe, 64, "bram")) for pe in (16, 32))
    assert "ARRAY_RESHAPE variable=c_fc.packed complete dim=2" in whole  # 4,096 bits
    assert "ARRAY_PARTITION variable=c_fc.packed complete dim=2" in parts
    assert "ARRAY_RESHAPE" not in parts


def test_unrolled_loops_have_bounds_that_are_constants() -> None:
    """A bound that the outer loops change is one that UNROLL does not take."""
    loops = []
    for header in sorted(LIBRARY.glob("*.hpp")):
        lines = header.read_text().splitlines()
        for line, after in pairwise(lines):
            if "for (" in line and "#pragma HLS UNROLL" in after:
                loops.append(line)
                head = re.search(r"for \(int (\w+) = ([^;]*);([^;]*);", line)
                assert head is not None, line
                counter, start, end = head.groups()
                names = set(re.findall(r"(?<![\w:])[a-z_]\w*", f"{start} {end}"))
                assert names <= {counter}, line
    assert len(loops) > 30
