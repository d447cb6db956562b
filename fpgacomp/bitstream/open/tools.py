"""The programs of the open flow: that they are there, and how they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fpgacomp.bitstream.open.family import OpenFamily
from fpgacomp.errors import ToolError, raise_all
from fpgacomp.host.child import Ended, ProcessBounds, run_program
from fpgacomp.host.toolchain import (
    INSTALL_BITSTREAM,
    YOSYS_PACKAGE,
    environment_with,
    package_version,
)
from fpgacomp.host.yosys import run_script

# Place and route of a full 85k device takes minutes; WebAssembly has 4 GB of memory at most, beside
# which the interpreter compiles the program once.
ROUTE = ProcessBounds(seconds=3600.0, memory_bytes=8 << 30)
PACK = ProcessBounds(seconds=600.0, memory_bytes=8 << 30)
# Where programs of WebAssembly see the folder of the run: they see no other one.
INSIDE = "/build"


@dataclass(frozen=True)
class Workbench:
    """A folder in which the tools of a run work.

    Args:
        folder: an existing folder.
    """

    folder: Path

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files at their paths below the folder."""
        for path, content in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    def read(self, name: str) -> bytes:
        """The content of a file of the folder."""
        return (self.folder / name).read_bytes()

    def route(
        self, name: str, arguments: Sequence[str], log: str, bounds: ProcessBounds,
        on_line: Callable[[str], None] = lambda line: None,
    ) -> Ended:  # fmt: skip
        """Run a program of a package on the files of the folder, named below `INSIDE`."""
        environment = self._environment(YOWASP_MOUNT=f"{INSIDE}={self.folder}")
        return run_program(
            name, arguments, folder=self.folder, log=self.folder / log, bounds=bounds,
            environment=environment, on_line=on_line,
        )  # fmt: skip

    def yosys(self, script: str, log: str) -> Ended:
        """Run a script of the folder in Yosys."""
        return run_script(self.folder, script, log)

    def _environment(self, **variables: str) -> dict[str, str]:
        """Variables of a tool; what it writes for itself goes away with the folder."""
        return environment_with(**variables, TMPDIR=str(self.folder))


def require_tools(family: OpenFamily) -> dict[str, str]:
    """Package -> version of each package of the flow.

    Raises:
        ToolError, Problems: some are missing.
    """
    names = dict.fromkeys((YOSYS_PACKAGE, family.package, family.packer_package))
    found = {name: package_version(name) for name in names}
    raise_all([
        ToolError(name, "is not installed, and the bitstream is built with it.",
                  f"install it with: {INSTALL_BITSTREAM}")
        for name, version in found.items() if version is None
    ])  # fmt: skip
    return {name: version for name, version in found.items() if version is not None}
