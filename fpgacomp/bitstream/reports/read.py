"""Reads a file of whatever tool: its format is known by the content, never by the name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fpgacomp.bitstream.reports.finn import read_finn
from fpgacomp.bitstream.reports.numbers import DamagedReport
from fpgacomp.bitstream.reports.open_tools import (
    read_nextpnr,
    read_yosys_json,
    read_yosys_text,
)
from fpgacomp.bitstream.reports.vitis_text import read_hls_text
from fpgacomp.bitstream.reports.vitis_xml import read_profile
from fpgacomp.bitstream.reports.vivado import read_vivado_text
from fpgacomp.bitstream.reports.vivado_xml import read_rpt_doc
from fpgacomp.bitstream.reports.xml_tree import xml_tree
from fpgacomp.errors import InputDataError, MissingInputData
from fpgacomp.host.plain import read_plain
from fpgacomp.host.strict_json import read_json
from fpgacomp.results.tool_report import ToolReport

MAX_BYTES = 32 << 20  # of one report; those of large designs have some megabytes
ACCEPTED = (
    "C synthesis of Vitis or Vivado HLS (csynth.xml, *_csynth.xml, *_csynth.rpt, csynth.rpt), "
    "export_design's XML, Vivado's report_utilization (also -hierarchical, also XML), "
    "report_timing_summary and report_power, FINN's JSON (estimate_layer_resources, "
    "estimate_network_performance, post_synth_resources, rtlsim_performance), nextpnr's --report, "
    "and Yosys' stat as JSON or text"
)
_JSON: tuple[Callable[[object], ToolReport | None], ...] = (
    read_nextpnr, read_yosys_json, read_finn,
)  # fmt: skip
_XML = (read_profile, read_rpt_doc)
_TEXT = (read_hls_text, read_vivado_text, read_yosys_text)


def read_file(path: Path) -> tuple[bytes, ToolReport]:
    """The bytes of a report and what it says.

    Raises:
        MissingInputData: there is no such file.
        InputDataError: it is no plain file, too large, of no known format, or damaged.
    """
    try:
        content = read_plain(path, MAX_BYTES)
    except FileNotFoundError:
        raise MissingInputData(str(path), "there is no such file.", "check the path.") from None
    except OSError as error:
        fix = "give the file that the tool wrote."
        raise InputDataError(str(path), f"cannot be read ({error}).", fix) from error
    return content, read_report(content, str(path))


def read_report(content: bytes, where: str) -> ToolReport:
    """What a report says.

    Args:
        where: what messages call it.

    Raises:
        InputDataError: it is of no known format, or damaged.
    """
    try:
        found = _read(content)
    except DamagedReport as error:
        fix = "let the tool write it again, and give the whole file."
        raise InputDataError(where, f"is damaged: {error}.", fix) from error
    except RecursionError as error:
        fix = "let the tool write it again, and give the whole file."
        raise InputDataError(where, "is damaged: it is nested too deep.", fix) from error
    if found is None:
        raise InputDataError(
            where, "is no report that is known.", f"give one of these: {ACCEPTED}."
        )
    return found


def _read(content: bytes) -> ToolReport | None:
    begin = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if begin.startswith(b"<"):
        root = xml_tree(content)
        return next((found for read in _XML if (found := read(root)) is not None), None)
    if begin[:1] in (b"{", b"["):
        try:
            document = read_json(content)
        except ValueError as error:  # also bytes that are no UTF-8
            raise DamagedReport(f"it is no whole JSON document ({error})") from error
        return next((found for read in _JSON if (found := read(document)) is not None), None)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # a path or a host in the head may have any letters
    if "\0" in text:
        return None
    return next((found for read_text in _TEXT if (found := read_text(text)) is not None), None)
