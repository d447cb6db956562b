"""Runs Tcl scripts for Vitis HLS in an interpreter whose commands are a model of that tool's."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.vivado.catalog import Bus, Ip, Pin
from tests.support.vivado.syntax import Call, Syntax, WrongCall, reference
from tests.support.vivado.tool import Result, offer

_BEAT = re.compile(r"Beat<(\d+)> > &(\w+)")
FLOWS = {"vivado": "ip_catalog", "vitis": "xo"}


class VitisHls:
    """One run of Vitis HLS, and what it did."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.folder = Path()
        self.exported: Path | None = None
        self.ended = False

    @property
    def top(self) -> str:
        """The function that is synthesized."""
        (top,) = [call.operands[0] for call in self.calls if call.name == "set_top"]
        return top

    def run(self, script: Path) -> None:
        """Run a script, whose `exit` ends it and nothing else."""
        tkinter = pytest.importorskip("tkinter", reason="this Python has no Tcl interpreter")
        tcl, before = tkinter.Tcl(), Path.cwd()
        for name, syntax in reference("hls_commands.txt").items():
            offer(tcl, name, lambda words, s=syntax: self._call(s, words))
        tcl.eval("proc exit {{code 0}} { return -code error __exit }")
        try:
            tcl.evalfile(str(script))
        except tkinter.TclError as error:
            if "__exit" not in str(error):
                raise
            self.ended = True
        finally:
            os.chdir(before)

    def _call(self, syntax: Syntax, words: Sequence[str]) -> Result:
        call = syntax.parsed(words)
        self.calls.append(call)
        if call.name == "add_files":
            for name in call.operands[0].split():
                if not (Path.cwd() / name).exists():
                    raise WrongCall(f"add_files: no file {name} in {Path.cwd()}")
        if call.name == "open_project":
            self.folder = Path.cwd() / call.operands[0]
        if call.name == "open_solution":
            self.folder /= call.operands[0]
            self.flow = call.options.get("-flow_target", "vivado")
        if call.name == "export_design":
            self._export(call)
        return ""

    def _export(self, call: Call) -> None:
        names = [one.name for one in self.calls]
        for name in ("open_project", "set_top", "set_part", "create_clock", "csynth_design"):
            if name not in names:
                raise WrongCall(f"export_design before {name}")
        if call.options["-format"] != FLOWS[self.flow]:
            raise WrongCall(f"export_design: {call.options['-format']} of the flow {self.flow}")
        if self.flow == "vitis":
            self.exported = Path(call.options["-output"])
            self.exported.write_text("xo")
        else:
            self.exported = self.folder / "impl" / "ip"
            self.exported.mkdir(parents=True)
            (self.exported / "component.xml").write_text("ip")


def hls_ip(folder: Path, top: str) -> Ip:
    """The IP that Vitis HLS makes of the top function: an AXI stream for each argument."""
    header = (folder / "hls" / f"{top}.h").read_text()
    found = _BEAT.findall(header) or [
        (str(int(bits) * int(lanes)), name)
        for bits, lanes, name in re.findall(r"Beat<(\d+), (\d+)> (\w+)_beat;", header)
    ]
    ports = [
        Bus(name, "Slave" if name.startswith("in") else "Master", "axis", int(bits))
        for bits, name in found
    ]
    pins = (Pin("ap_clk", "I", "clk"), Pin("ap_rst_n", "I", "rst"))
    return Ip(
        f"xilinx.com:hls:{top}:1.0", {}, lambda config: iter(pins), lambda config: iter(ports)
    )
