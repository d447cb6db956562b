"""The files of the firmware folder, from hls4ml's writer and our kernels, as bytes."""

from __future__ import annotations

import re
from typing import Any

from fpgacomp.host.resources import data_folder
from fpgacomp.host.scratch import scratch_folder

_INCLUDE = re.compile(rb'^\s*#include\s+"(?:nnet_utils/)?(\w+\.h)"', re.MULTILINE)
_HEADERS = "firmware/nnet_utils/"


def firmware(model: Any, top: str) -> dict[str, bytes]:
    """Path -> content of everything below firmware/, with the headers that are really used.

    Only the parts of hls4ml's writer that write C++ are called: the others put a random
    stamp, paths of this machine, an archive or (through an import of keras, 8 s) a YAML
    file into the project.
    """
    writer = model.config.backend.writer
    with scratch_folder() as folder:
        model.config.config["OutputDir"] = str(folder)
        writer.write_project_dir(model)
        writer.write_project_cpp(model)
        writer.write_project_header(model)
        writer.write_weights(model)
        writer.write_defines(model)
        writer.write_parameters(model)
        writer.write_nnet_utils(model)
        writer.write_nnet_utils_overrides(model)
        writer.write_generated_code(model)
        written = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        model.config.config["OutputDir"] = ""
    for header in sorted((data_folder("hls_templates") / "hls4ml" / "nnet_utils").glob("*.h")):
        written[_HEADERS + header.name] = header.read_bytes()
    used = _used_headers(written, f"firmware/{top}.cpp")
    return {
        path: content
        for path, content in written.items()
        if not path.startswith(_HEADERS) or path.removeprefix(_HEADERS) in used
    }


def _used_headers(files: dict[str, bytes], start: str) -> set[str]:
    """Names of the headers in nnet_utils that `start` includes, directly or not."""
    used: set[str] = set()
    waiting = [start, "firmware/parameters.h", "firmware/defines.h"]
    while waiting:
        for match in _INCLUDE.findall(files[waiting.pop()]):
            name = match.decode()
            if name not in used and _HEADERS + name in files:
                used.add(name)
                waiting.append(_HEADERS + name)
    return used
