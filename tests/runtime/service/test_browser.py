"""The web page in headless Chromium: it can be read, and JavaScript keeps it fresh."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.deploy.oracle import open_transport
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.service import page
from fpgacomp.runtime.service.core import PredictionService
from fpgacomp.runtime.service.journal import Journal
from fpgacomp.runtime.service.web import WebFront, WebSettings
from tests.support.browser import Scheme, find_chromium, lay_out
from tests.support.services import fetch

CHROMIUM = find_chromium()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)"
    ),
]
WIDTHS = (390, 1280)
LEAST_CONTRAST = 4.5  # WCAG 2.1, level AA
EVIL = "<img src=x onerror=alert(1)>&$name${name}"


def state(**changes: Any) -> Mapping[str, Any]:
    """What the page shows, with texts that offer no place to break a line."""
    recent = {"at": 0.0, "id": "7d3e" * 25, "samples": 12, "latency_ms": 3.25, "told": "m: 1" * 30}
    return {
        "name": "n" * 90, "design": "0" * 32, "board": "pynq-z2", "ready": True, "problems": [],
        "transport": "module:" + "function_" * 10,
        "queue": 12, "queue_limit": 256, "broker": "connected", "rates": [3, 9, 0] * 20,
        "median_ms": 12.5, "p99_ms": None, "recent": [recent] * 20,
        "counts": {"requests": 10**9, "answers": 1, "repeats": 2, "errors": 3, "device_faults": 4,
                   "clipped_values": 5},
        "device": {"frames": 1e6, "transfer_errors_" * 6: 0.0}, **changes,
    }  # fmt: skip


def as_one_file(shown: Mapping[str, Any]) -> str:
    """The page with its style in it, and without its script: as it is before the first refresh."""
    text = page.content("index.html", lambda: shown).decode()
    style = page.content("page.css", dict).decode()
    text = re.sub(r"<script.*?</script>|<noscript>.*?</noscript>", "", text)
    return text.replace('<link rel="stylesheet" href="page.css">', f"<style>{style}</style>")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read(scheme: Scheme, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    problems = ["the accelerator does not answer: " + "DMA_0_" * 20]
    pages = {
        "well": as_one_file(state()),
        "unwell": as_one_file(state(ready=False, problems=problems, broker="not reached")),
        "idle": as_one_file(state(rates=[0] * 60, recent=[], device={}, median_ms=None)),
    }
    found = lay_out(CHROMIUM, pages, widths=WIDTHS, scheme=scheme, folder=tmp_path)
    for (name, width), layout in found.items():
        assert layout.dark == (scheme == "dark") and layout.client_width == width
        assert layout.scroll_width <= layout.client_width, (name, width)
        assert not layout.cut and not layout.covered, (name, width)
        assert len(layout.texts) > 25
        assert not [text for text in layout.texts if text[1] < LEAST_CONTRAST]


@pytest.fixture
def front(deployment: Deployment, tmp_path: Path) -> Iterator[WebFront]:
    service = PredictionService(
        deployment, lambda: open_transport(deployment), Journal(tmp_path / "answers")
    )
    found = WebFront(service, WebSettings("127.0.0.1", 0))
    service.start()
    found.start()
    yield found
    found.refuse_more()
    service.stop(5.0)


def in_browser(front: WebFront, folder: Path) -> str:
    """The page as it stands after a few seconds of its script."""
    assert CHROMIUM is not None
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--dump-dom",
        "--virtual-time-budget=3500", f"http://127.0.0.1:{front.port}/",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "Content Security Policy" not in done.stderr and "CONSOLE" not in done.stderr
    return done.stdout


def shown(dom: str, id: str) -> str:
    found = re.search(rf'id="{id}"[^>]*>(.*?)</(?:span|dd|strong|tbody)>', dom, re.DOTALL)
    assert found, id
    return found[1]


def test_the_script_shows_what_the_service_says(front: WebFront, tmp_path: Path) -> None:
    evil = escape("<b>'&", quote=False)
    samples = np.zeros((2, 4)).tolist()
    for id in ("first", "<b>'&"):
        body = f'{{"id": "{id}", "inputs": {{"x": {samples}}}}}'.encode()
        assert fetch(front.port, "/predict", body)[0] == 200
    dom = in_browser(front, tmp_path)
    assert 'data-fresh="yes"' in dom  # the script ran, under the page's policy
    assert shown(dom, "state") == "ready" and shown(dom, "answers") == "2"
    rows = shown(dom, "recent")
    assert rows.count("<tr>") == 2 and f"<td>{evil}</td>" in rows and "<td>first</td>" in rows
    assert "frames" in shown(dom, "device")
    # The same without the script, which only keeps it fresh.
    plain = fetch(front.port, "/")[2].decode()
    assert shown(plain, "answers") == "2" and "http-equiv" in plain
    assert shown(plain, "recent").count("<tr>") == 2


def test_texts_of_strangers_are_texts(tmp_path: Path) -> None:
    recent = {"at": 0.0, "id": EVIL, "samples": 1, "latency_ms": 1.0, "told": EVIL}
    text = page.content(
        "index.html",
        lambda: state(
            name=EVIL,
            board=EVIL,
            transport=EVIL,
            problems=[EVIL],
            recent=[recent],
            device={EVIL: 1.0},
        ),
    ).decode()
    assert "<img" not in text and text.count(escape(EVIL)) >= 7
