"""Pages as headless Chromium lays them out: overflow, cut texts and contrast, measured."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import Any, Literal

Scheme = Literal["light", "dark"]
# What distributions call it.
_NAMES = ("chromium", "chromium-browser", "google-chrome")
# Values of Blink's setting preferredColorScheme.
_SCHEMES: Mapping[Scheme, int] = {"dark": 0, "light": 1}
SCRIPT = Path(__file__).with_name("measure.js")


@dataclass(frozen=True)
class Layout:
    """How one page comes out at one width.

    Args:
        dark: whether the page was asked for dark colours.
        scroll_width, client_width: of the page, in CSS pixels; equal where nothing overflows.
        texts: (text, contrast with what lies behind it) of every text that is shown.
        cut: texts that reach out of their cell, picture or page.
        covered: texts behind which no colour was found.
    """

    dark: bool
    scroll_width: int
    client_width: int
    texts: tuple[tuple[str, float], ...]
    cut: tuple[str, ...]
    covered: tuple[str, ...]


def find_chromium() -> str | None:
    """Path of Chromium, or None where it is not installed."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def lay_out(
    chromium: str,
    pages: Mapping[str, str],
    *,
    widths: Sequence[int],
    scheme: Scheme,
    folder: Path,
) -> dict[tuple[str, int], Layout]:
    """Lay pages out in frames of the widths (a window has a least width of its own).

    Args:
        pages: name -> HTML.
        widths: in CSS pixels.
        folder: scratch folder for the harness and the browser's profile.
    """
    harness = folder / "harness.html"
    harness.write_text(_harness(pages, widths), encoding="utf-8")
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--hide-scrollbars", f"--user-data-dir={folder / 'profile'}",
        f"--blink-settings=preferredColorScheme={_SCHEMES[scheme]}",
        "--window-size=1400,1000", "--dump-dom", harness.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    found = re.search(r'<pre id="measured">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, f"Chromium measured nothing: {done.stderr[-2000:]}"
    measured: dict[str, dict[str, Any]] = json.loads(unescape(found[1]))
    return {
        (key.rpartition(" ")[0], int(key.rpartition(" ")[2])): Layout(
            dark=one["dark"],
            scroll_width=one["scroll_width"],
            client_width=one["client_width"],
            texts=tuple((text, ratio) for text, ratio in one["texts"]),
            cut=tuple(one["cut"]),
            covered=tuple(one["covered"]),
        )
        for key, one in measured.items()
    }


def _harness(pages: Mapping[str, str], widths: Sequence[int]) -> str:
    frames = "".join(
        f'<iframe id="{escape(name)} {width}" style="width:{width}px;height:1000px;border:0" '
        f'srcdoc="{escape(page)}"></iframe>'
        for name, page in pages.items()
        for width in widths
    )
    script = SCRIPT.read_text(encoding="utf-8")
    head = f'<meta charset="utf-8"><script>{script}</script>'
    return f"<!DOCTYPE html><html><head>{head}</head><body>{frames}</body></html>"
