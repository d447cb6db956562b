"""Rows of published tables: a cell that is empty or garbage costs its own row, never the table."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence

import pytest

from fpgacomp.engines.judging import judged
from fpgacomp.engines.published import TABLES, PublishedTable, rebuilt, table_of
from tests.support.paths import SYNTHESIS

DENSE = (
    "in=ap_fixed<16,6>,io_parallel: dense(16->64,rf1,latency,nz100,w=ap_fixed<6,1>,"
    "acc=ap_fixed<16,6>,out=ap_fixed<16,6>) ; relu(64,rf1,out=ap_ufixed<6,0,AP_RND,AP_SAT>)"
)
STREAM = (
    "in=ap_fixed<8,1>*4*1,io_stream: conv_2d_cl(8x8x4->6x6x2,k3x3,rf1,latency,w=ap_fixed<6,1>,"
    "acc=ap_fixed<16,6>,out=ap_fixed<16,6>*2*1)"
)
MATRIX = (
    '{"MW": 16, "MH": 8, "SIMD": 4, "PE": 2, "inputDataType": "INT4", "weightDataType": "INT3",'
    ' "mem_mode": "internal_decoupled"}'
)
PARAMS = (
    '{"accum_t": "ap_fixed<16,6>", "in_t": "ap_fixed<8,2>", "io": "io_parallel", "n_in": 16,'
    ' "n_out": 8, "n_zeros": 9, "out_t": "ap_fixed<16,4>", "rf": 1, "strategy": "latency",'
    ' "weight_t": "ap_fixed<8,2>"}'
)
Case = tuple[PublishedTable, dict[str, str]]


def design(number: str, flow: str, layers: str, stage: str) -> dict[str, str]:
    return {
        "id": number, "flow": flow, "network": "net", "layers": layers, "scope": "shell",
        "device": "xcvu9p-flga2104-2-i", "hls_tool": "Vitis HLS 2023.2", "clock_target_ns": "5.0",
        "stage": stage, "LUT": "9000", "FF": "2000", "DSP": "10", "BRAM18": "3",
        "source": "github a/b",
    }  # fmt: skip


LINES = (
    design("1", "hls4ml", DENSE, "logic_synth_ooc"),
    design("2", "hls4ml", DENSE.replace("latency", "resource"), "csynth"),
    design("3", "hls4ml", STREAM, "csynth"),
    design("4", "FINN", "StreamingFCLayer_0(MW16,MH8,SIMD=4,PE=2,i=INT4,w=INT3)", "impl_shell"),
    {"repo": "a/b", "node": "n", "op": "MVAU_hls", "attrs": MATRIX, "MW": "", "MH": "",
     "SIMD": "", "PE": "", "inputDataType": "", "weightDataType": "", "syn_LUT": "70",
     "syn_FF": "90", "syn_BRAM36": "1", "syn_BRAM18": "1", "syn_DSP": "0"},
    {"repo": "a/b", "report": "r", "tool": "2021.1", "part": "xc7z007s-clg225-2",
     "clk_target_ns": "3.33", "op": "dense", "lat_max": "9", "ii_max": "1", "bram18": "0",
     "dsp": "19", "ff": "2708", "lut": "2656", "params": PARAMS},
    {"d_in": "32", "d_out": "16", "prec": "6", "rf": "32", "strategy": "resource",
     "hls_synth_success": "True", "FF_hls": "514", "LUT_hls": "7357", "BRAM_18K_hls": "2",
     "DSP_hls": "0", "WorstLatency_hls": "40", "IntervalMax_hls": "32"},
    {"arch": "64-112-128", "prec_bits": "2", "reuse_factor": "1024", "strategy": "resource",
     "source": "jdweitz/wa-hls4ml data", "BRAM36": "2", "DSP": "0", "FF": "193", "LUT": "279"},
)  # fmt: skip
GARBAGE = (
    "", " ", "x", "nan", "inf", "-1", "0", "1e999", "9" * 30, "9" * 5000, "1.5", "²", "\x00",
    "[]", "{}", "None", "true", "True", '"', "-", "65536", "65536-65536-65536", "1-1",
)  # fmt: skip
NUMBERS = ("0", "-1", "99", "1.5", "9" * 30, "null", "[]", "1e300", "65537")


def cases() -> list[Case]:
    """A row per format written here, and some of the published ones where they are at hand."""
    lines: list[dict[str, str]] = [*LINES]
    for path in sorted(SYNTHESIS.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            found = list(csv.DictReader(file))
        lines += random.Random(path.name).sample(found, 8)
    return [(table, line) for line in lines if (table := table_of(line)) is not None]


def within(text: str, draw: random.Random) -> Iterator[str]:
    """A text with one of its numbers replaced, or cut off somewhere."""
    ends = [i for i, letter in enumerate(text) if letter.isdigit()]
    for at in draw.sample(ends, min(len(ends), 12)):
        yield text[:at] + draw.choice(NUMBERS) + text[at + 1 :]
        yield text[:at]


def judge_all(table: PublishedTable, lines: Sequence[dict[str, str]]) -> int:
    """How many rows were judged or told as left; every figure is judged on the way."""
    found = rebuilt([(table, lines)])
    judged(found, leave_out=False, told=lambda *_: None)
    return sum(len(rows) for rows in found.rows.values()) + sum(found.left.values())


def test_every_format_has_a_row_that_is_rebuilt() -> None:
    found = [(table_of(line), line) for line in LINES]
    assert {table.name for table, _ in found if table} == {table.name for table in TABLES}
    for table, line in found:
        assert table is not None
        (row,) = [row for rows in rebuilt([(table, [line])]).rows.values() for _, row in rows]
        assert "bram18" in row.actual


@pytest.mark.slow
@pytest.mark.parametrize("case", cases(), ids=lambda case: case[0].name)
def test_a_bad_cell_costs_its_row_only(case: Case) -> None:
    table, line = case
    draw = random.Random(0)
    for column, text in line.items():
        wrong = [*GARBAGE, *within(text, draw)]
        lines = [{**line, column: cell} for cell in dict.fromkeys(wrong) if cell != text]
        if column in table.columns:
            # FINN's equal nodes count once, so that fewer may be left than were given.
            assert 0 < judge_all(table, [line, *lines]) <= len(lines) + 1, column


def test_an_empty_figure_is_not_a_measured_zero() -> None:
    for line, columns in ((LINES[4], ("syn_BRAM36", "syn_BRAM18")), (LINES[7], ("BRAM36",))):
        table = table_of(line)
        assert table is not None
        for column in columns:
            found = rebuilt([(table, [{**line, column: ""}])])
            (row,) = [row for rows in found.rows.values() for _, row in rows]
            assert "bram18" not in row.actual and row.actual["lut"] > 0


def test_equal_rows_count_once() -> None:
    table = table_of(LINES[0])
    assert table is not None
    found = rebuilt([(table, LINES[:2]), (table, LINES[:2])])
    assert len(found.rows["hls4ml"]) == 2
    assert list(found.left.items()) == [
        (("designs", "equal in every cell to a row before, which counts once"), 2)
    ]
