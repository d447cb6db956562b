"""JSON of strangers: a key that stands twice is refused wherever such a file is read."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fpgacomp.bitstream.reports.read import read_report
from fpgacomp.engines.shared import tool_calibration
from fpgacomp.engines.stream.interface import StreamInterface
from fpgacomp.errors import FpgacompError
from fpgacomp.host import strict_json
from fpgacomp.ir import codec
from fpgacomp.report.bitstream_folder import BitstreamManifest
from fpgacomp.report.manifest import MARKER, Manifest
from fpgacomp.runtime import strict_json as on_device
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.errors import DeviceError
from fpgacomp.runtime.manifest import parse_manifest
from fpgacomp.runtime.service.messages import read_envelope
from tests.support.paths import REPOSITORY

# Who may call json.loads: the readers, what reads this package's own data, what a child of this
# process says, and what checks for itself.
READERS = {
    "host/strict_json.py", "runtime/strict_json.py", "host/replace.py",
    "engines/hls4ml/estimate/coefficients.py", "engines/stream/estimate/coefficients.py",
    "engines/stream/estimate/rtl/measured.py", "engines/stream/estimate/rtl/prices.py",
    "engines/stream/estimate/open_tools.py", "bitstream/open/toolchain.py",
    "bitstream/open/names.py",
    "bitstream/open/area.py", "engines/shared/netlist.py",
    "ir/text/line.py",
    "frontend/keras/reader.py", "compress/quantize/keras/train.py", "runtime/service/remote.py",
}  # fmt: skip
READS = (strict_json.read_json, on_device.read_json)


@pytest.mark.slow
def test_nobody_else_reads_json() -> None:
    package = REPOSITORY / "fpgacomp"
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = isinstance(node, ast.Attribute) and node.attr in ("loads", "load")
            if named and isinstance(node.value, ast.Name) and node.value.id == "json":
                found.add(path.relative_to(package).as_posix())
    assert found <= READERS


@pytest.mark.parametrize("read", READS)
def test_what_is_said_twice_is_refused_at_any_depth(read: Callable[[bytes], Any]) -> None:
    document = {"a": [{"b": 1, "c": None}], "d": {"b": 2.5, "a": "x"}, "e": True}
    assert read(json.dumps(document).encode()) == document
    for text in (b'{"a": 1, "a": 1}', b'[{"b": {"a": 1, "c": 2, "a": 3}}]'):
        with pytest.raises(ValueError, match="the key 'a' stands twice in one object"):
            read(text)
    for text in (b'{"a": 1', b"\xff", b"[" * 100_000):
        with pytest.raises(ValueError):
            read(text)


def test_a_number_of_any_length_takes_a_device_no_time() -> None:
    assert on_device.read_json(b"-9223372036854775808") == -(1 << 63)
    with pytest.raises(ValueError, match="over 20 digits"):
        on_device.read_json(b"1" * 1_000_000)


TWICE = b'{"format": 1, "name": "a", "name": "b"}'
# Whole but for that, so that nothing else is wrong with them.
_LINES = StreamInterface(
    top="net", io_type="axi_stream", inputs=(), outputs=(), taps=(), aliases={"name": "a"}
).to_json()  # fmt: skip
INTERFACE = _LINES.replace(b'"name": "a"', b'"name": "a", "name": "b"')
_ONE = (
    b'"name": {"factors": {"all": 1.1}, "low": null, "high": null, "before": 0.1, "after": 0.1,'
    b'"builds": 3}'
)
CALIBRATION = (
    b'{"fpgacomp_tool_calibration": 1, "tool": "Vivado", "version": "2023.2", "stage":'
    b'"logic_synth", "engine": "stream", "toolchain": "vivado", "parts": [], "sources": [],'
    b'"corrections": {' + _ONE + b"," + _ONE + b"}}"
)
REFUSALS: dict[str, Callable[[], object]] = {
    "package manifest": lambda: parse_manifest(TWICE, "x.fpga"),
    "deployment.json": lambda: Deployment.parse(TWICE, Path()),
    "graph.json": lambda: codec.from_json(TWICE.decode()),
    "calibration": lambda: tool_calibration.from_json(CALIBRATION, "x.json"),
    "interface.json": lambda: StreamInterface.from_json(INTERFACE),
    "report of a tool": lambda: read_report(TWICE, "x.json"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_every_reader_of_a_strangers_file_says_so(what: str) -> None:
    with pytest.raises((FpgacompError, DeviceError), match="'name' stands twice in one object"):
        REFUSALS[what]()


def test_a_request_that_says_two_things_is_refused() -> None:
    refusal = read_envelope(b'{"id": "a", "id": "b"}', 1000).refusal
    assert refusal is not None and "'id' stands twice" in str(refusal)


def test_a_folder_whose_manifest_says_two_things_is_none_of_ours(tmp_path: Path) -> None:
    for read, marker in ((Manifest.of, MARKER), (BitstreamManifest.of, "fpgacomp_bitstream")):
        once = f'{{"{marker}": 1, "build": "a", "schema": 1, "files": {{}}}}'
        twice = once.replace('"build": "a"', '"build": "a", "build": "b"')
        (tmp_path / "manifest.json").write_text(once)
        assert read(tmp_path) is not None
        (tmp_path / "manifest.json").write_text(twice)
        assert read(tmp_path) is None
