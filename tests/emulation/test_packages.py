"""A version becomes active once it answers rightly on the device, here behind the model of DMA."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.deploy.package.contents import runtime_files
from fpgacomp.runtime.__main__ import main
from fpgacomp.runtime.deployment import FramePort
from tests.support import packages
from tests.support.emulators import IDENTITY, IN0, IN1, OUT0, answers, frames_library


def passed_on(ports: Sequence[FramePort]) -> dict[str, Any]:
    """A software side that hands integers on."""
    tensors = [
        {"name": f"{port.tensor}_int", "type": "int64", "shape": list(port.shape)} for port in ports
    ]
    return {"inputs": tensors, "outputs": tensors, "constants": [], "steps": []}


def package(folder: Path, version: int, *, wrong: int = 0, identity: str = IDENTITY) -> Path:
    """A version of the design of frames.cpp, some of whose stored answers are wrong."""
    inputs, outputs = (IN0, IN1), (OUT0,)
    description = {
        "format": 1, "name": "frames", "identity": identity, "fpgacomp": "0.2.0",
        "engine": "stream", "board": "pynq-z2", "clock_mhz": 100.0,
        "inputs": [asdict(port) for port in inputs], "outputs": [asdict(port) for port in outputs],
        "software": {"before": passed_on(inputs), "after": passed_on(outputs)},
    }  # fmt: skip
    chance = np.random.default_rng(version)
    first, second = (chance.integers(0, 256, (3, port.size)) for port in inputs)
    wanted = answers(first, second)
    wanted.reshape(-1)[:wrong] += 1
    files = {
        "software/deployment.json": json.dumps(description).encode(),
        "software/selftest/in0.bin": first.astype(np.uint8).tobytes(),
        "software/selftest/in1.bin": second.astype(np.uint8).tobytes(),
        "software/selftest/out0.bin": wanted.tobytes(),
    }
    return packages.small(
        folder / f"{version}.fpga", version, name="frames", files=files | runtime_files()
    )


@pytest.mark.slow
def test_a_version_is_tried_on_the_device_before_it_is_active(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root, device = tmp_path / "root", f"emulated:{frames_library()}"

    def install(place: Path) -> int:
        return main(["install", str(place), "--root", str(root), "--transport", device])

    assert install(package(tmp_path, 1)) == 0
    assert install(package(tmp_path, 2, wrong=2)) == 1
    assert "frames: 2 of 30 integers are wrong." in capfd.readouterr().err
    assert install(package(tmp_path, 3, identity="f" * 32)) == 1
    assert "the device holds design" in capfd.readouterr().err
    assert (root / "current" / "manifest.json").is_file()
    assert str((root / "current").readlink()) == "versions/frames/1"
    assert [place.name for place in (root / "versions" / "frames").iterdir()] == ["1"]
    assert install(package(tmp_path, 4)) == 0
    assert main(["rollback", "--root", str(root), "--transport", device]) == 0
    assert main(["selftest", str(root / "current"), "--transport", device]) == 0
    assert "frames: 3 frames, 30 integers, all right" in capfd.readouterr().out
