"""What the shell offers while a command is being typed; no heavy module is imported for it."""

from __future__ import annotations


def complete_board(incomplete: str) -> list[str]:
    """Name the boards that begin so, from the names of their files alone: none is read."""
    from fpgacomp.host.resources import data_folder

    known = sorted(path.stem for path in data_folder("boards").glob("*.yaml"))
    return [name for name in known if name.startswith(incomplete.lower())]
