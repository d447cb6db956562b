from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fpgacomp.devices.board import Board
from fpgacomp.devices.families import FAMILIES
from fpgacomp.devices.read import list_boards, load_board
from fpgacomp.devices.resources import RESOURCE_FIELDS, counts
from fpgacomp.errors import BoardError, FpgacompError, Problems
from fpgacomp.host.resources import data_folder

NAMES = [
    "alveo-u200", "alveo-u250", "alveo-u280", "alveo-u50", "arty-a7-100t", "arty-a7-35t",
    "ice40-hx8k-evn", "icebreaker", "kv260", "pynq-z1", "pynq-z2", "rfsoc2x2", "tang-nano-9k",
    "ultra96-v2", "ulx3s-25f", "ulx3s-85f", "vcu118", "zcu102", "zcu104", "zcu106", "zybo-z7-20",
]  # fmt: skip

# Device totals as the data sheets named in the board files give them:
# part, LUT, FF, DSP, 18 Kb halves of block RAM, UltraRAM, LUTs that can be memory.
DATA_SHEETS = {
    "pynq-z1": ("xc7z020clg400-1", 53_200, 106_400, 220, 2 * 140, 0, 17_400),
    "pynq-z2": ("xc7z020clg400-1", 53_200, 106_400, 220, 2 * 140, 0, 17_400),
    "zybo-z7-20": ("xc7z020clg400-1", 53_200, 106_400, 220, 2 * 140, 0, 17_400),
    "arty-a7-35t": ("xc7a35ticsg324-1L", 20_800, 41_600, 90, 2 * 50, 0, 9_600),
    "arty-a7-100t": ("xc7a100tcsg324-1", 63_400, 126_800, 240, 2 * 135, 0, 19_000),
    "ultra96-v2": ("xczu3eg-sbva484-1-i", 70_560, 141_120, 360, 2 * 216, 0, 28_800),
    "kv260": ("xck26-sfvc784-2LV-c", 117_120, 234_240, 1_248, 2 * 144, 64, 57_600),
    "zcu102": ("xczu9eg-ffvb1156-2-e", 274_080, 548_160, 2_520, 2 * 912, 0, 144_000),
    "zcu104": ("xczu7ev-ffvc1156-2-e", 230_400, 460_800, 1_728, 2 * 312, 96, 101_760),
    "zcu106": ("xczu7ev-ffvc1156-2-e", 230_400, 460_800, 1_728, 2 * 312, 96, 101_760),
    "rfsoc2x2": ("xczu28dr-ffvg1517-2-e", 425_280, 850_560, 4_272, 2 * 1_080, 80, 213_600),
    "alveo-u50": ("xcu50-fsvh2104-2-e", 871_680, 1_743_360, 5_952, 2 * 1_344, 640, 403_200),
    "alveo-u200": ("xcu200-fsgd2104-2-e", 1_182_240, 2_364_480, 6_840, 2 * 2_160, 960, 591_840),
    "alveo-u250": (
        "xcu250-figd2104-2L-e", 1_728_000, 3_456_000, 12_288, 2 * 2_688, 1_280, 791_040,
    ),
    "alveo-u280": ("xcu280-fsvh2892-2L-e", 1_303_680, 2_607_360, 9_024, 2 * 2_016, 960, 600_960),
    "vcu118": ("xcvu9p-flga2104-2L-e", 1_182_240, 2_364_480, 6_840, 2 * 2_160, 960, 591_840),
    "ulx3s-85f": ("LFE5U-85F-6BG381C", 83_640, 83_640, 156, 208, 0, 41_820),
    "ulx3s-25f": ("LFE5U-25F-6BG381C", 24_288, 24_288, 28, 56, 0, 12_144),
    "icebreaker": ("iCE40UP5K-SG48", 5_280, 5_280, 8, 30, 0, 0),
    "ice40-hx8k-evn": ("iCE40HX8K-CT256", 7_680, 7_680, 0, 32, 0, 0),
    "tang-nano-9k": ("GW1NR-LV9QN88PC6/I5", 8_640, 6_480, 20, 26, 0, 1_080),
}  # fmt: skip


def shipped() -> dict[str, Board]:
    return {board.name: board for board in list_boards()}


def test_every_board_asked_for_ships() -> None:
    assert [board.name for board in list_boards()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_those_of_the_data_sheet(name: str) -> None:
    board = load_board(name)
    part, lut, ff, dsp, bram18, uram, lutram = DATA_SHEETS[name]
    assert board.part == part
    assert board.resources == counts(lut, ff, dsp, bram18, uram)
    assert board.lutram == lutram


# Megabits of distributed RAM in the overview data sheets (DS889, DS890, DS891), one decimal.
DISTRIBUTED_MB = {
    "ultra96-v2": 1.8, "kv260": 3.5, "zcu102": 8.8, "zcu104": 6.2, "zcu106": 6.2, "rfsoc2x2": 13.0,
    "alveo-u50": 24.6, "alveo-u200": 36.1, "alveo-u250": 48.3, "alveo-u280": 36.7, "vcu118": 36.1,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(DISTRIBUTED_MB))
def test_luts_as_memory_hold_the_distributed_ram_of_the_data_sheet(name: str) -> None:
    bits = 64 * load_board(name).lutram
    assert round(bits / 2**20, 1) == DISTRIBUTED_MB[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_board_is_whole(name: str) -> None:
    board = load_board(name)
    assert board.path.name == f"{name}.yaml"
    assert len(board.sources) >= 2
    assert 0 < board.clock_mhz_default <= board.clock_mhz_max
    for field in RESOURCE_FIELDS:
        assert 0 <= board.shell[field] <= board.resources[field]
        assert board.budget[field] == board.resources[field] - board.shell[field]
    assert board.budget.lut > 0.6 * board.resources.lut
    assert (board.vendor == "xilinx") == (board.device.toolchain == "vivado")
    assert (board.pins is not None) == (board.host == "none")


@pytest.mark.parametrize("name", NAMES)
def test_a_comment_says_where_the_shell_figure_is_from(name: str) -> None:
    text = (data_folder("boards") / f"{name}.yaml").read_text()
    assert "\n# Shell: " in text


def test_devices_that_share_a_die_share_their_figures() -> None:
    boards = shipped()
    for one, other in [("pynq-z1", "zybo-z7-20"), ("zcu104", "zcu106"), ("vcu118", "alveo-u200")]:
        assert boards[one].resources == boards[other].resources
        assert boards[one].lutram == boards[other].lutram


def test_no_two_boards_answer_to_one_name() -> None:
    names = [
        name
        for path in data_folder("boards").glob("*.yaml")
        for content in [yaml.safe_load(path.read_text())]
        for name in [content["name"], *content.get("aliases", [])]
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("u50", "alveo-u50"), ("U200", "alveo-u200"), ("u250", "alveo-u250"),
        ("u280", "alveo-u280"), ("PYNQ-Z2", "pynq-z2"), ("pynq_z2", "pynq-z2"),
        ("ultra96", "ultra96-v2"), (" zcu104 ", "zcu104"),
        ("AMD ZCU104 Evaluation Kit", "zcu104"), ("tul pynq-z2", "pynq-z2"),
    ],
)  # fmt: skip
def test_aliases_and_spellings(given: str, name: str) -> None:
    assert load_board(given).name == name


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("pynq-z3", "pynq-z2"),
        ("zcu103", "zcu10"),
        ("u51", "u50"),
        ("kv26", "kv260"),
        ("TUL", "mean pynq-z2"),
        ("Digilent", "zybo-z7-20"),
        ("ulx3s", "mean ulx3s-25f or ulx3s-85f"),
        # There are two, of which one is three times as large.
        ("arty", "arty-a7-100t or arty-a7-35t"),
        ("Arty A7", "arty-a7-100t or arty-a7-35t"),
    ],
)
def test_an_unknown_board_names_the_nearest(given: str, near: str) -> None:
    with pytest.raises(BoardError) as caught:
        load_board(given)
    assert str(caught.value).startswith(f"--board: there is no board '{given}'. Fix: did you mean ")
    assert near in str(caught.value)
    assert "`fpgacomp boards` lists all" in str(caught.value)


@pytest.mark.parametrize("given", ["", "nothing like it at all", "..", "%s"])
def test_a_name_near_none_still_gets_the_remedy(given: str) -> None:
    with pytest.raises(BoardError, match="`fpgacomp boards` lists all"):
        load_board(given)


GOOD = """\
name: mine
title: My board
vendor: xilinx
part: xc7z020clg400-1
family: zynq-7000
resources:
  lut: 53200
  ff: 106400
  dsp: 220
  bram18: 280
  uram: 0
  lutram: 17400
shell: {lut: 5000, ff: 7000, dsp: 0, bram18: 6, uram: 0, lutram: 600}
clock_mhz: {default: 100, max: 250}
memory: 512 MB
host: zynq-ps
toolchain: vivado
sources: [DS190 table 1]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def problem(folder: Path, text: str) -> str:
    with pytest.raises(FpgacompError) as caught:
        load_board(str(write(folder, text)))
    assert isinstance(caught.value, BoardError | Problems)
    assert caught.value.exit_code == 1
    return str(caught.value)


def test_a_board_of_the_users_own(tmp_path: Path) -> None:
    board = load_board(str(write(tmp_path, GOOD)))
    assert board.name == "mine"
    assert board.budget == counts(48_200, 99_400, 220, 274, 0)
    assert board.path == tmp_path / "mine.yaml"


def test_a_path_without_a_slash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD)
    monkeypatch.chdir(tmp_path)
    assert load_board("mine.yaml").title == "My board"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "  dsp: 220",
            "  dps: 220",
            "mine.yaml:9: resources.dps: is not a key of a board file. Fix: did you mean dsp? "
            "The keys here are lut, ff, dsp, bram18, uram, lutram, spram.",
        ),
        (
            "  bram18: 280",
            "  bram36: 140",
            "mine.yaml:10: resources.bram36: is not a key of a board file. "
            "Fix: bram18 counts 18 Kb halves: a 36 Kb block is two.",
        ),
        (
            "clock_mhz: {default: 100, max: 250}",
            "clock_ns: 10",
            "mine.yaml:14: clock_ns: is not a key of a board file. "
            "Fix: clock_mhz takes megahertz, as {default: 100, max: 250}.",
        ),
        (
            "  dsp: 220\n",
            "",
            "mine.yaml:6: resources.dsp: is missing. Fix: add it, for example `dsp: 0`.",
        ),
        (
            "part: xc7z020clg400-1\n",
            "",
            "mine.yaml:1: part: is missing. Fix: add it, for example `part: xc7z020clg400-1`.",
        ),
        (
            "lut: 53200",
            "lut: 53.2k",
            "mine.yaml:7: resources.lut: '53.2k' is not a whole number. Fix: a plain count, "
            "for example `lut: 5000`",
        ),
        ("lut: 53200", "lut: 53200.5", "mine.yaml:7: resources.lut: 53200.5 is not a whole number"),
        ("lut: 53200", "lut: true", "mine.yaml:7: resources.lut: True is not a whole number"),
        (
            "lut: 53200",
            "lut: 0",
            "mine.yaml:7: resources.lut: 0 is impossible: it must be above 0.",
        ),
        (
            "dsp: 220",
            "dsp: -220",
            "mine.yaml:9: resources.dsp: -220 is impossible: it must be at least 0.",
        ),
        (
            "default: 100",
            "default: 100 MHz",
            "mine.yaml:14: clock_mhz.default: '100 MHz' is not a number. "
            "Fix: megahertz without a unit, for example `default: 100`.",
        ),
        ("max: 250", "max: .inf", "mine.yaml:14: clock_mhz.max: inf "),
        ("max: 250", "max: .nan", "mine.yaml:14: clock_mhz.max: nan "),
        (
            "max: 250",
            "max: 250000000",
            "mine.yaml:14: clock_mhz.max: 250000000 MHz is faster than any FPGA. "
            "Fix: give megahertz, for example `max: 250`.",
        ),
        (
            "default: 100",
            "default: 300",
            "mine.yaml:14: clock_mhz.default: 300 MHz is above max, 250 MHz. "
            "Fix: lower default or raise max.",
        ),
        (
            "shell: {lut: 5000",
            "shell: {lut: 60000",
            "mine.yaml:13: shell.lut: the shell takes 60,000 of the device's 53,200. "
            "Fix: correct the smaller figure, or the larger one.",
        ),
        ("shell: {lut: 5000", "shell: {lut: 53200", "mine.yaml:13: shell.lut: the shell takes"),
        (
            "lutram: 17400",
            "lutram: 60000",
            "mine.yaml:12: resources.lutram: 60,000 LUTs as memory of 53,200 LUTs in all. "
            "Fix: lutram counts the LUTs that can be memory, not bits.",
        ),
        (
            "vendor: xilinx",
            "vendor: xilnix",
            "mine.yaml:3: vendor: 'xilnix' is not known. Fix: did you mean xilinx? "
            "One of xilinx, lattice, gowin.",
        ),
        (
            "host: zynq-ps",
            "host: usb",
            "mine.yaml:16: host: 'usb' is not known. Fix: One of zynq-ps, pcie, none.",
        ),
        (
            "toolchain: vivado",
            "toolchain: open",
            "mine.yaml:17: toolchain: 'open' does not build xilinx parts.",
        ),
        (
            "name: mine",
            "name: My Board",
            "mine.yaml:1: name: 'My Board' is not a name. "
            "Fix: lower-case letters, digits and dashes only.",
        ),
        ("title: My board", "title: 7", "mine.yaml:2: title: 7 is wrong: "),
        ("sources: [DS190 table 1]", "sources: []", "mine.yaml:18: sources: [] is wrong: "),
        (
            "sources: [DS190 table 1]",
            "sources: [1]",
            "mine.yaml:18: sources.0: 1 is wrong: ",
        ),
        ("shell: {lut", "shell: 7 #{lut", "mine.yaml:13: shell: 7 is wrong: "),
        (
            "memory: 512 MB",
            "memory: 512 MB\nmemory: 1 GB",
            "mine.yaml:16: memory: is given twice, first in line 15. Fix: keep one of the two.",
        ),
        ("title: My board", "title: [a", "mine.yaml:3: is not valid YAML: "),
        ("  ff: 106400", "\tff: 106400", "mine.yaml:8: is not valid YAML: "),
    ],
)
def test_what_is_wrong_names_file_line_key_and_remedy(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in GOOD
    text = problem(tmp_path, GOOD.replace(old, new))
    assert text.startswith(f"{tmp_path}/{expected}") or f"- {tmp_path}/{expected}" in text
    assert "Fix: " in text


def test_a_board_takes_what_it_does_not_state_from_its_family(tmp_path: Path) -> None:
    silent = load_board(str(write(tmp_path, GOOD.replace("toolchain: vivado\n", ""))))
    assert silent.device == FAMILIES["zynq-7000"] == load_board("pynq-z2").device


def test_a_board_may_state_what_differs_from_its_family(tmp_path: Path) -> None:
    stated = "device: {dsp: 18x27, lut_inputs: 4, level_ns: 2, block_ram: [256x16, 512x8]}\n"
    path = write(tmp_path, GOOD + stated)
    device, family = load_board(str(path)).device, FAMILIES["zynq-7000"]
    assert device.multiplier is not None and str(device.multiplier) == "27x18"
    assert device.multiplier.source == device.block_ram.source == str(path)
    assert (device.lut_inputs, device.level_ns) == (4, 2.0)
    assert device.block_ram.shapes == ((256, 16), (512, 8))
    assert (device.ultra_ram, device.toolchain) == (family.ultra_ram, family.toolchain)
    assert device.sources == (*family.sources, str(path))


UNKNOWN = GOOD.replace("family: zynq-7000", "family: zynq-9000").replace("toolchain: vivado\n", "")


def test_a_family_that_is_not_known_has_no_defaults(tmp_path: Path) -> None:
    text = problem(tmp_path, UNKNOWN)
    assert text.startswith("5 problems:")
    for key, example in (
        ("device.dsp", "dsp: 25x18"), ("device.lut_inputs", "lut_inputs: 6"),
        ("device.block_ram", "block_ram: [512x36"), ("device.level_ns", "level_ns: 3.0"),
    ):  # fmt: skip
        assert (
            f"mine.yaml:5: {key}: is missing, and family 'zynq-9000' is not known here to take it "
            f"from. Fix: did you mean family zynq-7000? Or add `{example}"
        ) in text
    assert "mine.yaml:5: toolchain: is missing" in text
    assert "add `toolchain: vivado` or `toolchain: open`" in text
    assert "The families known here are spartan-7, artix-7, " in text


def test_a_family_that_is_not_known_may_be_stated_whole(tmp_path: Path) -> None:
    stated = (
        "toolchain: vivado\n"
        "device: {dsp: 27x24, lut_inputs: 6, block_ram: [512x36], ultra_ram: [4096x72], "
        "level_ns: 1}\n"
    )
    device = load_board(str(write(tmp_path, UNKNOWN + stated))).device
    assert (device.wide_port_bits, device.lut_inputs, device.level_ns) == (27, 6, 1.0)
    assert device.ultra_ram is not None and device.ultra_ram.shapes == ((4096, 72),)
    assert device.sources == (str(tmp_path / "mine.yaml"),)


def test_a_device_section_that_is_not_whole_names_its_own_line(tmp_path: Path) -> None:
    stated = "toolchain: vivado\ndevice: {dsp: none, lut_inputs: 6, block_ram: [512x36]}\n"
    text = problem(tmp_path, (UNKNOWN + stated).replace("dsp: 220", "dsp: 0"))
    assert "problems" not in text
    assert "mine.yaml:19: device.level_ns: is missing" in text


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "sources: [",
            "device: {dsp: 25}\nsources: [",
            "mine.yaml:18: device.dsp: 25 is wrong: ",
        ),
        (
            "sources: [",
            "device: {dsp: 25 x 18}\nsources: [",
            "mine.yaml:18: device.dsp: '25 x 18' is not a pair of port widths. Fix: its "
            "widths, 2 to 64 bits, as `dsp: 25x18`, or `dsp: none`.",
        ),
        (
            "sources: [",
            "device: {lut_inputs: 5}\nsources: [",
            "mine.yaml:18: device.lut_inputs: 5 is not known. Fix: One of 4, 6.",
        ),
        (
            "sources: [",
            "device: {block_ram: [18 Kb]}\nsources: [",
            "mine.yaml:18: device.block_ram.0: '18 Kb' is not the shape of a memory. "
            "Fix: words x bits of a word, as 512x36.",
        ),
        (
            "sources: [",
            "device: {level_ns: 0}\nsources: [",
            "mine.yaml:18: device.level_ns: 0 is impossible: it must be above 0.",
        ),
        (
            "sources: [",
            "device: {level_ns: 3000}\nsources: [",
            "mine.yaml:18: device.level_ns: 3000 is impossible: it must be at most 100.",
        ),
        (
            "sources: [",
            "device: {level_ns: fast}\nsources: [",
            "mine.yaml:18: device.level_ns: 'fast' is not a number. Fix: nanoseconds without a "
            "unit, for example `level_ns: 3.0`.",
        ),
        (
            "sources: [",
            "device: {dsps: 25x18}\nsources: [",
            "mine.yaml:18: device.dsps: is not a key of a board file. Fix: did you mean dsp? The "
            "keys here are dsp, lut_inputs, block_ram, ultra_ram, level_ns.",
        ),
        (
            "sources: [",
            "device: {dsp: none}\nsources: [",
            "mine.yaml:9: resources.dsp: 220 blocks on a device of family zynq-7000, which has "
            "none. Fix: correct the count or the family, or say what the blocks are: "
            "`device: {dsp: 25x18}`.",
        ),
        (
            "uram: 0\n",
            "uram: 96\n",
            "mine.yaml:11: resources.uram: 96 blocks on a device of family zynq-7000, which has "
            "none. Fix: correct the count or the family, or say what the blocks are: "
            "`device: {ultra_ram: [4096x72]}`.",
        ),
        (
            "family: zynq-7000",
            "family: kintex-7",
            "mine.yaml:5: family: part xc7z020clg400-1 is of family zynq-7000, not kintex-7. "
            "Fix: write `family: zynq-7000`, or correct the part.",
        ),
        (
            "vendor: xilinx",
            "vendor: lattice",
            "mine.yaml:17: toolchain: 'vivado' does not build lattice parts.",
        ),
    ],
)
def test_what_is_wrong_with_the_device(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    text = problem(tmp_path, GOOD.replace(old, new, 1))
    assert text.startswith(f"{tmp_path}/{expected}") or f"- {tmp_path}/{expected}" in text


def test_a_vendor_that_does_not_fit_the_family(tmp_path: Path) -> None:
    text = problem(
        tmp_path, GOOD.replace("toolchain: vivado\n", "").replace("xilinx", "lattice", 1)
    )
    assert "mine.yaml:3: vendor: 'vivado' does not build lattice parts." in text


def test_all_problems_of_a_file_at_once(tmp_path: Path) -> None:
    text = problem(tmp_path, GOOD.replace("dsp: 220", "dps: 220").replace("host:", "hosts:"))
    assert text.startswith("4 problems:")
    for where in (":9: resources.dps", ":6: resources.dsp", ":16: hosts", ":1: host: is missing"):
        assert where in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "mine.yaml:1: is empty."),
        ("# nothing\n", "mine.yaml:1: is empty."),
        ("- a\n- b\n", "mine.yaml:1: is not a list of `key: value` lines."),
        ("just words", "mine.yaml:1: is not a list of `key: value` lines."),
        ("a: 1\n---\nb: 2\n", "is not valid YAML: "),
        ("a: &x {b: *x}\n", "mine.yaml:1: uses an anchor or alias"),
        ("a: !!python/object/apply:os.system [ls]\n", "mine.yaml:1: is not valid YAML: "),
        ("? [1, 2]\n: 3\n", "mine.yaml:1: "),
        ("1: 2\n", "mine.yaml:1: 1: "),
    ],
)
def test_a_file_that_is_no_board_at_all(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in problem(tmp_path, text)


def test_a_missing_file() -> None:
    with pytest.raises(BoardError, match=r"no/such/file\.yaml: there is no such board file\. Fix:"):
        load_board("no/such/file.yaml")


def test_a_folder_and_a_binary_file(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="cannot be read: Is a directory"):
        load_board(str(tmp_path))
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(BoardError, match="is not a text file in UTF-8"):
        load_board(str(tmp_path / "b.yaml"))


@pytest.mark.parametrize("fact", ["dsp: 99x99", "dsp: 1x18", "block_ram: [100000000x9999]"])
def test_widths_that_no_silicon_has(tmp_path: Path, fact: str) -> None:
    text = problem(tmp_path, GOOD.replace("sources: [", f"device: {{{fact}}}\nsources: [", 1))
    assert "is not a pair of port widths" in text or "is not the shape of a memory" in text
