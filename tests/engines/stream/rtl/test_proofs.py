"""Handshakes of FIFO, width conversion, duplicate and join, proved by induction with Yosys.

Each module of proofs/ states what is promised (nothing lost, doubled or reordered; valid and its
word hold until ready) and what the induction needs of the inside, for small words and depths. The
proof covers every sequence of inputs, of any length, with resets at any time.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from fpgacomp.engines.stream.rtl.project import LIBRARY

PROOFS = Path(__file__).with_name("proofs")
CASES = {
    "fifo_2": ("fifo", ("-GDEPTH=2",), ("counter",)),
    "fifo_3": ("fifo", ("-GDEPTH=3",), ("counter",)),
    "fifo_4": ("fifo", ("-GDEPTH=4",), ("counter",)),
    "fifo_block_2": ("fifo", ("-GDEPTH=2", "-GBLOCK=1"), ("counter",)),
    "fifo_block_4": ("fifo", ("-GDEPTH=4", "-GBLOCK=1"), ("counter",)),
    "gather": ("convert", ("-GIN_BITS=2", "-GOUT_BITS=6"), ("counter",)),
    "deal": ("convert", ("-GIN_BITS=6", "-GOUT_BITS=2"), ("counter",)),
    "widen": ("convert", ("-GIN_BITS=4", "-GOUT_BITS=6"), ("counter",)),
    "narrow": ("convert", ("-GIN_BITS=6", "-GOUT_BITS=4"), ("counter",)),
    "gather, filled": ("filled", ("-GIN_BITS=1", "-GOUT_BITS=4", "-GFRAME=10"), ("counter",)),
    "deal, filled": ("filled", ("-GIN_BITS=4", "-GOUT_BITS=1", "-GFRAME=10"), ("counter",)),
    "widen, filled": ("filled", ("-GIN_BITS=3", "-GOUT_BITS=4", "-GFRAME=9"), ("counter",)),
    "narrow, filled": ("filled", ("-GIN_BITS=4", "-GOUT_BITS=3", "-GFRAME=9"), ("counter",)),
    "duplicate": ("duplicate", (), ()),
    "join": ("join", (), ("cast", "value", "element")),
}
# The module that a proof is of, where it has not the proof's name.
MODULES = {"filled": "convert"}
# A change to the module -> the case whose proof must then fail.
FAULTS = {
    "a word that meets a full FIFO is lost": (
        "fifo_3", "in_ready <= held_next != most;", "in_ready <= 1'b1;"),
    "a word is overtaken": (
        "fifo_3", "direct = take & (held == '0) & push;", "direct = take & push;"),
    "a word that comes past the memory is not taken": (
        "fifo_block_4", "out_data = of_memory ? stored : passed", "out_data = stored"),
    "a word is lost in a conversion": (
        "gather", "assign in_ready = enable;", "assign in_ready = 1'b1;"),
    "a word is taken too early": ("deal", "in_ready = enable & first;", "in_ready = enable;"),
    "a unit is dropped": ("widen", "held_now >= HeldBits'(OutUnits);", "held_now != '0;"),
    "a frame's last word is kept back": (
        "gather, filled", "fire & (part_last | last);", "fire & part_last;"),
    "what fills a word up goes on": ("narrow, filled", "if (rst | (fire & last)) begin",
                                     "if (rst) begin"),
    "a word is doubled": (
        "duplicate", "out_valid <= out_valid & ~out_ready;", "out_valid <= out_valid;"),
    "a copy is lost": ("duplicate", "&(out_ready | ~out_valid)", "|(out_ready | ~out_valid)"),
    "an input is read out of turn": (
        "join", "enable & (part == PartBits'(p))", "enable"),
}  # fmt: skip


def module_of(case: str) -> str:
    """The module of the library that a case is of."""
    return MODULES.get(CASES[case][0], CASES[case][0])


def proved(case: str, library: Path) -> bool:
    """Whether Yosys proves all assertions of a case, with the modules of `library`."""
    proof, parameters, parts = CASES[case]
    sources = [PROOFS / f"prove_{proof}.sv"]
    sources += [library / f"fpgacomp_{name}.sv" for name in (module_of(case), *parts)]
    command = [sys.executable, str(PROOFS / "prove.py"), f"prove_{proof}", *parameters]
    ran = subprocess.run(
        [*command, *map(str, sources)], text=True, capture_output=True, check=False, timeout=600
    )
    # Yosys may end with code 0 whatever happened: its words decide.
    done = "Induction step proven: SUCCESS!" in ran.stdout
    failed = "FAIL!" in ran.stdout or "Reached maximum number of time steps" in ran.stdout
    assert done != failed, ran.stdout[-2000:] + ran.stderr[-2000:]
    assert "Import proof for assert" in ran.stdout
    return done


@pytest.fixture
def _yosys() -> None:
    if find_spec("pyosys") is None:
        pytest.skip("Yosys is not installed (pip install pyosys==0.70)")


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_fault_is_one_of_the_module_as_it_is(fault: str) -> None:
    """Without Yosys, too: most machines skip the proofs."""
    case, right, _ = FAULTS[fault]
    assert right in (LIBRARY / f"fpgacomp_{module_of(case)}.sv").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.usefixtures("_yosys")
@pytest.mark.parametrize("case", list(CASES))
def test_nothing_is_lost_doubled_or_reordered(case: str) -> None:
    assert proved(case, LIBRARY)


@pytest.mark.slow
@pytest.mark.usefixtures("_yosys")
@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_faulty_module_is_not_proved(fault: str, tmp_path: Path) -> None:
    case, right, wrong = FAULTS[fault]
    module, parts = module_of(case), CASES[case][2]
    for name in (module, *parts):
        text = (LIBRARY / f"fpgacomp_{name}.sv").read_text("utf-8")
        changed = text.replace(right, wrong, 1) if name == module else text
        (tmp_path / f"fpgacomp_{name}.sv").write_text(changed, encoding="utf-8")
    assert not proved(case, tmp_path)
