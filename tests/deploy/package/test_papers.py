"""What a package says of itself: nothing is invented, and nothing of a stranger's is markup."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fpgacomp.deploy.package.contents import runtime_files
from fpgacomp.deploy.package.facts import Facts
from fpgacomp.deploy.package.input_range import InputRange
from fpgacomp.deploy.package.model_card import built_lines, model_card, placed_line
from fpgacomp.deploy.package.parts import needs_of, parts_of
from fpgacomp.deploy.package.sbom import sbom_text
from fpgacomp.deploy.package.texts import cell, licence_text, rendered
from fpgacomp.runtime.deployment import Deployment, FramePort
from tests.support.paths import REPOSITORY

PORT = FramePort(
    port="in0", tensor="image", shape=(4,), bits=4, signed=False, bipolar=False, container_bits=8,
    lanes=1, beats=4, lowest=0, highest=15,
)  # fmt: skip
DEPLOYMENT = Deployment(
    name="net", identity="0" * 32, version="0.2.0", engine="stream", board="pynq-z2",
    clock_mhz=100.0, inputs=(PORT,), outputs=(PORT,), before=None, after=None, folder=Path(),
)  # fmt: skip
RANGE = InputRange("image", 0.0, 0.9375, 0.0625, False)
REPORT: dict[str, Any] = {
    "model": {"file": "/home/somebody/secret/net.onnx", "sha256": "a" * 64, "parameters": 1970,
              "inputs": {"image": [1, 1, 8, 8]}, "quantized_here": False},
    "board": {"title": "TUL PYNQ-Z2", "part": "xc7z020"},
    "accuracy": {"task_found": "one class of 10", "samples": 450, "top1": 0.9956,
                 "macro_f1": 0.9955, "b.f1": 0.5, "held_out_of": "/data/all.npz"},
    "options": {"inputs": "C:\\data\\test.npy"},
    "exactness": {"vectors": 450, "integers": 1234, "csim_mismatches": 0, "hls_mismatches": None,
                  "rtl_mismatches": 0, "network_mismatches": 0, "ties": 3,
                  "further": [{"level": "rtl", "vectors": 4}, 7],
                  "float32": {"top1": 1, "samples": 450}},
    "estimate": {"clock_mhz": 100, "frames_per_second": 1e6, "stage": "logic_synth", "level": 0.9,
                 "latency_cycles": {"value": 213, "low": 192, "high": 256},
                 "resources": {"lut": {"value": 20711.6, "low": 14520, "high": 29929,
                                       "available": 48200}}},
    "measured": {"rtl": {"frames": 4, "latency_cycles": 210, "interval_cycles": 100}},
    "verdict": {"certainty": "probable"},
    "warnings": ["the clock | is *high*"],
}  # fmt: skip


def card(report: Any = REPORT, ranges: Any = None) -> str:
    return model_card(
        "net", 3, Facts(report), DEPLOYMENT, {"image": RANGE} if ranges is None else ranges,
        self_test_frames=4,
    ).decode()  # fmt: skip


def test_a_model_card_says_who_measured_what_on_how_much() -> None:
    told = card()
    for line in (
        "# Model card: net, version 3",
        "| network | net.onnx, SHA-256 " + "a" * 64 + " |",
        "- Samples that were scored: 450 of test.npy.",
        "- They are a part that is held out of all.npz; the network may have been trained on all",
        "| accuracy (top 1) | 99.56 % |",
        "| b: F1 | 50",
        "by fpgacomp, 450 vectors: 0 integers differ, and 3 at a rounding boundary.",
        "- Emitted C++ in C-simulation and integer graph, by fpgacomp, 450 vectors, 1,234 integers",
        "- Emitted C++, loop by loop on arbitrary-precision types: not run",
        "- Emitted SystemVerilog, cycle by cycle and integer graph, by fpgacomp, 4 vectors: 0",
        "- FINN's own execution: not run",
        "- Latency: 213 clock cycles predicted by fpgacomp (192 to 256).",
        "- Interval of frames: not known.",
        "- In RTL simulation by fpgacomp: latency 210 and interval 100 clock cycles, on 4 frames.",
        "| LUT | 20,712 | 14,520 to 29,929 | 48,200 |",
        "- Input image (1 x 1 x 8 x 8): 0 to 0.9375 in the network's own units, in steps of 0.0625",
        "- Whether the design fits the board is probable before it is synthesized.",
        "- Warning of the compiler: the clock \\| is \\*high\\*",
    ):
        assert line in told, line
    assert "somebody" not in told and "/data" not in told and "C:" not in told


@pytest.mark.parametrize("report", [{}, None, [], {"model": 7, "accuracy": [], "exactness": "x"}])
def test_what_is_not_known_is_said_as_not_known(report: Any) -> None:
    told = card(report, {"image": None})
    assert not re.search(r"\b(None|nan|inf|True|False)\b", told)
    for line in (
        "Task: not known, as the network was compiled without labels",
        "Not measured: the network was compiled without labels.",
        "Robustness (noise, other sensors, attacks): not known",
        "Integer graph and network in float64: not compared.",
        "- Emitted C++ in C-simulation: not run",
        "- Latency: not known.",
        "- Clock cycles in RTL simulation: not measured.",
        "- Input image: its range in the network's units is not known.",
        "Data that the network was trained on: not known to fpgacomp.",
    ):
        assert line in told, line


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "many", True, [3], {"value": 3}]
)  # fmt: skip
def test_a_figure_of_another_type_is_not_known(value: Any) -> None:
    report = {"estimate": {"latency_cycles": {"value": value}}, "model": {"macs": value}}
    assert "- Latency: not known." in card(report)
    assert "| multiply-accumulates a frame | not known |" in card(report)


def test_a_strangers_text_is_no_markup() -> None:
    hostile = "x](http://evil) <script>alert(1)</script> | `rm`\n# heading\x1b[2J\u202e"
    told = card({**REPORT, "warnings": [hostile], "board": {"title": hostile}})
    assert "<script>" not in told.replace("\\<script\\>", "") and "\x1b" not in told
    assert "\u202e" not in told and "\n# heading" not in told
    assert "](http" not in told.replace("\\](http", "")
    assert cell("a_b *c* _d_") == r"a_b \*c\* \_d\_"


def test_channels_that_differ_are_said() -> None:
    told = card(ranges={"image": InputRange("image", -1.0, 2.0, 0.5, True)})
    assert "in steps of at most 0.5" in told and "Channels differ" in told


def test_what_a_build_of_a_bitstream_found_out() -> None:
    report = {"tools": {"nextpnr-ecp5": "0.9", "yosys": "0.70"}, "seed": 3,
              "clock_mhz": {"wanted": 100.0, "set": 99.5, "achieved": 121.5},
              "host_link": {"frames_per_second": 1234.5}}  # fmt: skip
    assert list(built_lines(Facts(report))) == [
        "Clock after place and route, by nextpnr-ecp5 0.9, yosys 0.70: 121.5 MHz, 100 MHz wanted.",
        "The bitstream sets its clock to 99.5 MHz.",
        "Place and route began from seed 3.",
        "Predicted with the host link: 1,234 frames a second.",
    ]
    assert not placed_line(Facts({})) and not placed_line(Facts({"resources": {"LUT": 3}}))
    assert list(built_lines(Facts({}))) == [
        "The bitstream was built with tools that its report does not name; its timing was met, as "
        "its report says."
    ]


def sbom(paths: list[str], tools: dict[str, str]) -> dict[str, Any]:
    parts, needs = parts_of(paths, "0.2.0", tools), needs_of(host_nodes=True)
    text = sbom_text("net", 3, parts, needs, network_file="net.onnx", network_sha256="a" * 64)
    again = sbom_text("net", 3, parts, needs, network_file="net.onnx", network_sha256="a" * 64)
    assert text == again
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_bill_of_materials_names_what_is_in_the_package() -> None:
    found = sbom(
        ["hls/firmware/nnet_utils/nnet_dense.h", "hls/firmware/ap_types/ap_int.h",
         "hls/firmware/nnet_utils/fpgacomp_pool.h", "fpgacomp_runtime/x.py"],
        {"hls4ml": "1.3.0", "qonnx": "1.0.0"},
    )  # fmt: skip
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.5")
    assert "serialNumber" not in found and "timestamp" not in json.dumps(found)
    parts = {part["name"]: part for part in found["components"]}
    assert parts["hls4ml"]["purl"] == "pkg:pypi/hls4ml@1.3.0"
    assert parts["net.onnx"]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert "licenses" not in parts["net.onnx"]
    assert {"fpgacomp", "fpgacomp-runtime", "HLS_arbitrary_Precision_Types", "numpy"} <= set(parts)
    assert "qonnx" not in parts and "fpgacomp-rtl-library" not in parts
    assert parts["onnxruntime"]["scope"] == "required"
    assert parts["cryptography"]["licenses"] == [{"expression": "Apache-2.0 OR BSD-3-Clause"}]
    refs = [part["bom-ref"] for part in found["components"]]
    assert len(set(refs)) == len(refs)
    assert sorted(found["dependencies"][0]["dependsOn"]) == sorted(refs)
    for part in found["components"]:
        assert part["type"] in ("library", "machine-learning-model")


def test_licences_of_the_streaming_design() -> None:
    parts = parts_of(["rtl/lib/a.sv", "hls/include/fpgacomp/b.hpp", "software/c/c.c"], "0.2.0", {})
    told = rendered(
        "LICENSES.md.j2", parts=parts, needs=needs_of(host_nodes=False), contents="sources",
        network={"file": "net|.onnx", "sha256": "a" * 64},
    ).decode()  # fmt: skip
    for name in ("SystemVerilog operators | rtl/lib/", "driver in C | software/c/", "net\\|.onnx"):
        assert name in told
    assert "hls4ml" not in told and "onnxruntime" not in told and "Their terms" not in told


def test_the_licence_is_the_repositorys() -> None:
    assert licence_text() == (REPOSITORY / "LICENSE").read_bytes()


def test_the_whole_runtime_is_packed() -> None:
    runtime = REPOSITORY / "fpgacomp" / "runtime"
    there = {
        f"fpgacomp_runtime/{path.relative_to(runtime).as_posix()}"
        for path in runtime.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set(runtime_files()) == there
