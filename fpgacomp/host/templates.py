"""The templates of hls_templates, each read and compiled once in a process."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from fpgacomp.host.resources import data_folder

if TYPE_CHECKING:
    import jinja2


@cache
def templates(*folders: str, escape: bool = False) -> jinja2.Environment:
    """The templates in folders of hls_templates; a field that a context lacks is an error.

    Args:
        folders: below hls_templates; of two files of one name the first counts.
        escape: every value, for HTML.
    """
    import jinja2  # late: who only checks or estimates a network writes nothing

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([data_folder("hls_templates") / name for name in folders]),
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=escape,
    )  # fmt: skip
