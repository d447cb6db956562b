"""No node of a file ends the process in ONNX's native shape inference."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from fpgacomp.network.editable import Node
from fpgacomp.network.native import Shape, unsound
from tests.support.paths import REPOSITORY

IMAGE = (1, 4, 6, 6)
# Each of them ends the process of onnx 1.21 by a signal.
ENDS_THE_PROCESS: list[tuple[str, list[Shape | None], dict[str, Any], str]] = [
    ("MaxPool", [IMAGE], {"kernel_shape": [2, 2], "strides": [0, 0]}, "strides has the number 0"),
    ("Conv", [(1, 8), (3, 3)], {}, "as many axes"),
    ("ConvInteger", [IMAGE, (4, 4, 3)], {}, "as many axes"),
    ("ConvTranspose", [IMAGE, (4,)], {"output_shape": [5, 2, 3]}, "as many axes"),
    ("DepthToSpace", [IMAGE], {"blocksize": 2**62}, "beyond 2,147,483,647"),
    ("DepthToSpace", [IMAGE], {"blocksize": 2**30}, "larger than any image"),
    ("GRU", [(), (4,), (1,)], {}, "three axes"),
    ("GatherND", [IMAGE, (1, 4, 0)], {"batch_dims": -1}, "outside 0 to 2"),
    ("LayerNormalization", [(3, 1), (4,)], {"axis": 5}, "outside -2 to 1"),
    ("MaxUnpool", [IMAGE, ()], {"kernel_shape": [2, 2]}, "as many axes"),
    ("MaxRoiPool", [(4, 8), (4, 8)], {"pooled_shape": []}, "size of two numbers"),
    ("OneHot", [IMAGE, IMAGE, (3,)], {"axis": 1}, "depth is not one number"),
    ("Split", [IMAGE], {"num_outputs": 3}, "num_outputs is 3"),
    ("SplitToSequence", [(3,), ()], {}, "sequence"),
]


@pytest.mark.parametrize(("op", "shapes", "attributes", "why"), ENDS_THE_PROCESS)
def test_what_ends_the_process_is_not_asked(
    op: str, shapes: list[Shape | None], attributes: dict[str, Any], why: str
) -> None:
    names = [f"i{index}" for index in range(len(shapes))]
    found = unsound(Node(op, names, ["y"], "n", attributes=attributes), shapes)
    assert found is not None and why in found


@pytest.mark.parametrize(
    ("op", "shapes", "attributes"),
    [
        ("Conv", [IMAGE, (8, 4, 3, 3), (8,)], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        ("Conv", [(1, 4, 9), (8, 2, 3)], {"group": 2, "strides": [2]}),
        ("LSTM", [(5, 1, 3), (1, 8, 3), (1, 8, 2), None], {"hidden_size": 2}),
        ("Split", [IMAGE, None], {"axis": 1}),
        ("OneHot", [(3,), (), (2,)], {"axis": -1}),
        ("Reshape", [IMAGE, (2,)], {"allowzero": 0}),
    ],
)
def test_sound_nodes_are_asked(
    op: str, shapes: list[Shape | None], attributes: dict[str, Any]
) -> None:
    names = [f"i{index}" if shape is not None else "" for index, shape in enumerate(shapes)]
    assert unsound(Node(op, names, ["y"], "n", attributes=attributes), shapes) is None


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_random_nodes_do_not_end_the_process(seed: int) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "tests.support.inference_nodes", str(seed), "10000"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    *_, last = found.stdout.splitlines()
    assert found.returncode == 0, f"{last}: {found.stderr[-300:]}"
    assert last.endswith("nodes have a shape") and int(last.split()[0]) > 500
