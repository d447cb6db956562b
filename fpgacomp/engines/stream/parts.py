"""Which function, instance or FIFO of an emitted project works for which layer."""

from __future__ import annotations

import re

from fpgacomp.engines.stream.interface import StreamInterface
from fpgacomp.results.project import Project

# What the template of the C++ writes above each process, and its call in the top function.
_PROCESS = re.compile(
    r"^// (?P<kind>\w+)(?: of layer (?P<layer>.+))?\nstatic void (?P<name>\w+)\(", re.MULTILINE
)
_CALL = re.compile(r"^  (?P<name>run_\w+)\((?P<streams>[\w, ]+)\);", re.MULTILINE)


def parts(project: Project) -> dict[str, str]:
    """Name of each process and stream -> the layer it works for; "" where it is no layer's.

    HLS and RTL call their instances after these names. As in the estimate, a FIFO belongs to the
    layer whose process writes to it, which is the first that names it.
    """
    top = StreamInterface.of(project).top
    text = project.files[f"hls/{top}.cpp"].decode()
    found = {match["name"]: match["layer"] or "" for match in _PROCESS.finditer(text)}
    for call in _CALL.finditer(text):
        for stream in call["streams"].split(", "):
            if stream.startswith("s_"):
                found.setdefault(stream, found.get(call["name"], ""))
    return found
