"""Finds the folders of data that ship with fpgacomp: boards/ and hls_templates/."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def data_folder(name: str) -> Path:
    """Path of a data folder (boards, hls_templates) in the installed wheel or the source tree."""
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
