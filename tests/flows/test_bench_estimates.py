"""`fpgacomp bench-estimates`: a table of two designs judged by hand, strange tables refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import fpgacomp
from fpgacomp.cli.app import app
from fpgacomp.errors import FpgacompError, InputDataError
from fpgacomp.flows.bench_estimates import LeaveOut
from fpgacomp.report import estimate_bench
from fpgacomp.results.estimate import Figure
from fpgacomp.results.judged import binomial_band, judge, rank_correlation

NODE_COLUMNS = (
    "repo,op,node,attrs,MW,MH,SIMD,PE,inputDataType,weightDataType,syn_LUT,syn_FF,syn_BRAM36,"
    "syn_BRAM18,syn_DSP"
)
DESIGN_COLUMNS = (
    "id,flow,network,layers,device,hls_tool,clock_target_ns,stage,scope,LUT,FF,DSP,BRAM18,source"
)
DENSE = (
    "in=ap_fixed<16,6>,io_parallel: dense(16->64,rf1,latency,nz100,w=ap_fixed<6,1>,"
    "acc=ap_fixed<16,6>,out=ap_fixed<16,6>) ; relu(64,rf1,out=ap_ufixed<6,0,AP_RND,AP_SAT>)"
)


HOWS: tuple[LeaveOut, ...] = ("nothing", "repository")


def node(repo: str, attributes: object, *figures: float, op: str = "StreamingFIFO_rtl") -> str:
    text = json.dumps(attributes).replace('"', '""')
    return f'{repo},{op},n,"{text}",,,,,,,' + ",".join(map(str, figures))


def table(folder: Path, columns: str, *rows: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
    return path


def fifo(depth: int = 2, lanes: object = 8) -> dict[str, object]:
    return {"dataType": "UINT8", "depth": depth, "folded_shape": [1, lanes]}


def design(layers: str, stage: str = "logic_synth_ooc", source: str = "github a/b") -> str:
    head = f'1,hls4ml,net,"{layers}",xcvu9p-flga2104-2-i,Vitis HLS 2023.2,5.0'
    return f"{head},{stage},kernel,9000,2000,10,0,{source}"


def test_rows_are_rebuilt_judged_and_the_others_counted(tmp_path: Path) -> None:
    nodes = table(
        tmp_path, NODE_COLUMNS,
        node("a/b", fifo(), 70, 132, 0, 0, 0),
        node("a/b", fifo(), 72, 132, 0, 0, 0),
        node("c/d", fifo(lanes=4), 36, 68, 0, 0, 0),
        node("c/d", {}, 36, 68, 0, 0, 0),
    )  # fmt: skip
    designs = table(tmp_path, DESIGN_COLUMNS, design(DENSE), design("Dense 16 to 64"), name="d.csv")
    found = fpgacomp.bench_estimates([nodes, designs])
    (entry,) = [j for j in found.judged if (j.table, j.quantity) == ("FINN nodes", "lut")]
    # The two equal nodes of one repository count once.
    assert (entry.count, entry.repositories, entry.coverage) == (2, 2, 100.0)
    assert entry.median_ape < 10
    assert {j.table for j in found.judged if j.kind == "design"} == {"designs", "all"}
    assert [(name, count) for name, _, count in found.left] == [("FINN nodes", 1), ("designs", 1)]
    json.dumps(found.summary())


def test_leaving_a_repository_out_refits(tmp_path: Path) -> None:
    rows = [node(repo, fifo(lanes=lanes), 8 * lanes * scale + 3, 16 * lanes, 0, 0, 0)
            for repo, scale in (("a/b", 1), ("c/d", 3)) for lanes in range(2, 20)]  # fmt: skip
    path = table(tmp_path, NODE_COLUMNS, *rows)
    found = {how: fpgacomp.bench_estimates([path], leave_out=how) for how in HOWS}
    shipped, without = (
        {j.quantity: j for j in found[how].judged if (j.table, j.kind) == ("all", "fifo")}
        for how in HOWS
    )
    assert shipped["lut"].count == without["lut"].count == 36
    # One repository's errors are a factor of three off for the other one's fit.
    assert without["lut"].median_ape > 1.2 * shipped["lut"].median_ape
    assert without["ff"].coverage == 100.0


HOSTILE = [
    ("empty", "", "columns of no known table"),
    (
        "a column too few",
        "arch,prec_bits,source,DSP,FF,LUT\n",
        "nearest to the table 'two Dense', but lacks BRAM36, reuse_factor",
    ),
    ("other columns", "a,b\n1,2\n", "columns of no known table"),
    ("ragged", f"{NODE_COLUMNS}\na/b,x\n", "2 cells instead of 15"),
    ("quote", f'{NODE_COLUMNS}\n"a/b', "not a CSV file"),
    ("binary", "\x00\x01\x02", "columns of no known table"),
    ("a field without end", f'{NODE_COLUMNS}\n"{"x" * (1 << 21)}"', "not a CSV file"),
    ("twice", f"{NODE_COLUMNS},op\n", "known table: op stands there twice"),
    ("a header alone", f"{NODE_COLUMNS}\n", "has no rows below its header"),
    ("a header and blank lines", f"{NODE_COLUMNS}\n\n  \n", "has no rows below its header"),
]


@pytest.mark.parametrize(
    ("text", "why"), [case[1:] for case in HOSTILE], ids=[c[0] for c in HOSTILE]
)
def test_strange_files_are_refused_with_where_what_and_remedy(
    tmp_path: Path, text: str, why: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputDataError, match=why) as caught:
        fpgacomp.bench_estimates([path])
    assert "t.csv" in str(caught.value) and "Fix:" in str(caught.value)


def test_devices_folders_and_other_encodings_are_refused(tmp_path: Path) -> None:
    latin = tmp_path / "t.csv"
    latin.write_bytes(b"\xff\xfe\xe9")
    for path in (latin, tmp_path, tmp_path / "none.csv", Path("/dev/zero")):
        with pytest.raises(InputDataError):
            fpgacomp.bench_estimates([path])


@pytest.mark.parametrize(
    "attributes",
    [
        [], 7, "x", fifo(lanes="8"), fifo(lanes=-1), fifo(lanes=1 << 40), fifo(depth=0),
        fifo() | {"depth": 1e300}, fifo() | {"dataType": "UINT99999"}, fifo() | {"dataType": {}},
        {"depth": True, "dataType": "UINT8", "folded_shape": [1]},
    ],
)  # fmt: skip
def test_strange_attributes_are_not_rebuilt(tmp_path: Path, attributes: object) -> None:
    found = fpgacomp.bench_estimates(
        [table(tmp_path, NODE_COLUMNS, node("a/b", attributes, 1, 2, 0, 0, 0))]
    )
    assert found.rows == 0 and sum(count for _, _, count in found.left) == 1


@pytest.mark.parametrize(
    "layers",
    [
        "in=ap_fixed<16,6>,io_parallel: dense(99999999->99999999,rf1,latency,w=ap_fixed<6,1>)",
        "in=ap_fixed<16,6>,io_parallel: dense(0->0,rf1,latency,w=ap_fixed<6,1>,acc=ap_int<8>)",
        "in=ap_fixed<16,6>,io_parallel: dense(((((((((((",
        "in=,io_parallel: dense(1->1)",
        "in=x,io_stream: conv_2d_cl(4x4x1->2x2x1,k3x3,rf1,latency,w=ap_int<4>,acc=ap_int<9>)",
        ": ", "in=a,io_b: ", "x" * 30_000, "in=" + "<" * 5_000 + ",io_parallel: relu(4)",
    ],
)  # fmt: skip
def test_strange_layers_are_not_rebuilt(tmp_path: Path, layers: str) -> None:
    found = fpgacomp.bench_estimates([table(tmp_path, DESIGN_COLUMNS, design(layers))])
    assert found.rows == 0 and sum(count for _, _, count in found.left) == 1


@pytest.mark.parametrize("figure", ["nan", "inf", "-5", "1e99", "ten"])
def test_impossible_figures_are_not_rebuilt(tmp_path: Path, figure: str) -> None:
    row = design(DENSE).replace(",9000,", f",{figure},")
    found = fpgacomp.bench_estimates([table(tmp_path, DESIGN_COLUMNS, row)])
    assert found.rows == 0


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    row = node("a/b", fifo(), 70, 132, 0, 0, 0)
    found = fpgacomp.bench_estimates([table(tmp_path, NODE_COLUMNS, "", row, "", "  ")])
    assert found.rows == 1 and not found.left


def test_a_table_that_is_given_twice_counts_once(tmp_path: Path) -> None:
    rows = (design(DENSE), design(DENSE, source="github c/d"))
    once, again = (table(tmp_path, DESIGN_COLUMNS, *rows, name=name) for name in ("a", "b"))
    found = fpgacomp.bench_estimates([once, again, once])
    assert found.rows == 2 and found.judged == fpgacomp.bench_estimates([once]).judged
    assert [(name, count) for name, _, count in found.left] == [("designs", 4)]
    assert "4 rows are not judged" in estimate_bench.text(found)


def test_what_is_not_known_is_null_in_json(tmp_path: Path) -> None:
    path = str(table(tmp_path, NODE_COLUMNS, node("a/b", fifo(), 70, 132, 0, 0, 0)))
    shown = CliRunner().invoke(app, ["bench-estimates", path, "--json"]).output
    document = json.loads(shown, parse_constant=pytest.fail)
    # One row has no rank.
    assert {entry["spearman"] for entry in document["judged"]} == {None}


@pytest.mark.slow
def test_the_verb_prints_a_table_or_json(tmp_path: Path) -> None:
    path = str(table(tmp_path, NODE_COLUMNS, node("a/b", fifo(), 70, 132, 0, 0, 0)))
    shown = CliRunner().invoke(app, ["bench-estimates", path])
    assert shown.exit_code == 0 and "FINN nodes" in shown.output and "95 % band" in shown.output
    document = json.loads(CliRunner().invoke(app, ["bench-estimates", path, "--json"]).output)
    assert document["level"] == 0.9 and document["judged"][0]["count"] == 1
    refused = CliRunner().invoke(app, ["bench-estimates", str(tmp_path)])
    assert refused.exit_code == FpgacompError.exit_code and "Traceback" not in refused.output


def test_judging_counts_what_it_says() -> None:
    pairs = [(Figure(10, 8, 12), 11.0), (Figure(20, 18, 22), 40.0), (Figure(0, 0, 0), 0.0)]
    found = judge(("t", "s", "k", "lut"), pairs, repositories=1, level=0.9)
    assert found is not None
    assert (found.count, found.coverage, found.mean_width) == (2, 50.0, pytest.approx(0.3))
    assert found.median_ape == pytest.approx(100 * (1 / 11 + 0.5) / 2)
    assert judge(("t", "s", "k", "dsp"), pairs[2:], repositories=1, level=0.9) is None


def test_ranks_and_bands() -> None:
    import numpy as np

    one, other = np.array([1.0, 2.0, 2.0, 9.0]), np.array([1.0, 4.0, 4.0, 5.0])
    assert rank_correlation(one, other) == pytest.approx(1.0)
    assert rank_correlation(one, -other) == pytest.approx(-1.0)
    # scipy.stats.binom.ppf([.025, .975], n, 0.9)
    assert binomial_band(30, 0.9) == pytest.approx((100 * 23 / 30, 100.0))
    assert binomial_band(1000, 0.9) == pytest.approx((88.1, 91.8))
    least, most = binomial_band(5000, 0.9)
    assert 89 < least < 90 < most < 91
