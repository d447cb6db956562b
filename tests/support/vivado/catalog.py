"""The IPs that the block designs use: parameters, pins, interfaces, addresses.

PG082 (processing system 7), PG201 (Zynq UltraScale+), PG021 (AXI DMA), PG164 (processor system
reset), PG247 (SmartConnect), and the help of xlconcat and ilconcat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

Config = Mapping[str, str]
WIDTHS = frozenset(str(1 << n) for n in range(3, 11))


@dataclass(frozen=True)
class Pin:
    """A pin; an input that is `required` must be driven by one of its kind."""

    name: str
    direction: Literal["I", "O"]
    kind: Literal["clk", "rst", "intr", "data"] = "data"
    required: bool = True


@dataclass(frozen=True)
class Bus:
    """An interface; `bits` is the width of its data, 0 where the other end decides."""

    name: str
    mode: Literal["Master", "Slave"]
    protocol: Literal["aximm", "axis", "ddrx", "fixedio"]
    bits: int = 0
    # Address window that a master reaches; segments behind a slave: (name, base, range).
    window: tuple[int, int] = (0, 1 << 32)
    segments: tuple[tuple[str, int | None, int], ...] = ()
    space: str = ""
    map: str = ""  # what the segments are below, where that is not the interface


@dataclass(frozen=True)
class Ip:
    """An IP of the catalog.

    Args:
        parameters: name -> value before it is configured.
        pins, buses: of a configured cell.
        allowed: name -> values that a parameter takes; others take any.
    """

    vlnv: str
    parameters: Config
    pins: Callable[[Config], Iterator[Pin]]
    buses: Callable[[Config], Iterator[Bus]]
    allowed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    kind: str = "ip"


_BIT = frozenset({"0", "1"})


def _ps7_pins(config: Config) -> Iterator[Pin]:
    if config["PCW_EN_CLK0_PORT"] == "1":
        yield Pin("FCLK_CLK0", "O", "clk")
    if config["PCW_EN_RST0_PORT"] == "1":
        yield Pin("FCLK_RESET0_N", "O", "rst")
    for port in ("M_AXI_GP0", "M_AXI_GP1", "S_AXI_HP0"):
        if config[f"PCW_USE_{port}"] == "1":
            yield Pin(f"{port}_ACLK", "I", "clk")
    if config["PCW_USE_FABRIC_INTERRUPT"] == config["PCW_IRQ_F2P_INTR"] == "1":
        yield Pin("IRQ_F2P", "I", "intr")


def _ps7_buses(config: Config) -> Iterator[Bus]:
    yield Bus("DDR", "Master", "ddrx")
    yield Bus("FIXED_IO", "Master", "fixedio")
    for number, base in ((0, 0x4000_0000), (1, 0x8000_0000)):
        if config[f"PCW_USE_M_AXI_GP{number}"] == "1":
            window = (base, base + 0x4000_0000)
            yield Bus(f"M_AXI_GP{number}", "Master", "aximm", 32, window, space="Data")
    if config["PCW_USE_S_AXI_HP0"] == "1":
        bits = int(config["PCW_S_AXI_HP0_DATA_WIDTH"])
        yield Bus("S_AXI_HP0", "Slave", "aximm", bits,
                  segments=(("HP0_DDR_LOWOCM", 0, 0x2000_0000),))  # fmt: skip


PS7 = Ip(
    "xilinx.com:ip:processing_system7:5.5",
    {
        "PCW_EN_CLK0_PORT": "1", "PCW_EN_CLK1_PORT": "0", "PCW_EN_RST0_PORT": "1",
        "PCW_FPGA_FCLK0_ENABLE": "1", "PCW_FPGA0_PERIPHERAL_FREQMHZ": "50",
        "PCW_FPGA1_PERIPHERAL_FREQMHZ": "50", "PCW_USE_M_AXI_GP0": "1", "PCW_USE_M_AXI_GP1": "0",
        "PCW_USE_S_AXI_HP0": "0", "PCW_S_AXI_HP0_DATA_WIDTH": "64",
        "PCW_USE_FABRIC_INTERRUPT": "0", "PCW_IRQ_F2P_INTR": "0", "PCW_CRYSTAL_PERIPHERAL_FREQMHZ":
        "33.333333",
    },
    _ps7_pins, _ps7_buses,
    {
        "PCW_S_AXI_HP0_DATA_WIDTH": frozenset({"32", "64"}),
        **{f"PCW_{name}": _BIT for name in (
            "EN_CLK0_PORT", "EN_RST0_PORT", "FPGA_FCLK0_ENABLE", "USE_M_AXI_GP0", "USE_M_AXI_GP1",
            "USE_S_AXI_HP0", "USE_FABRIC_INTERRUPT", "IRQ_F2P_INTR")},
    },
)  # fmt: skip


def _psu_pins(config: Config) -> Iterator[Pin]:
    if config["PSU__FPGA_PL0_ENABLE"] == "1":
        yield Pin("pl_clk0", "O", "clk")
    if config["PSU__USE__FABRIC__RST"] == "1":
        yield Pin("pl_resetn0", "O", "rst")
    for number, name in enumerate(("maxihpm0_fpd", "maxihpm1_fpd", "maxihpm0_lpd")):
        if config[f"PSU__USE__M_AXI_GP{number}"] == "1":
            yield Pin(f"{name}_aclk", "I", "clk")
    if config["PSU__USE__S_AXI_GP2"] == "1":
        yield Pin("saxihp0_fpd_aclk", "I", "clk")
    for number in (0, 1):
        if config[f"PSU__USE__IRQ{number}"] == "1":
            yield Pin(f"pl_ps_irq{number}", "I", "intr")


def _psu_buses(config: Config) -> Iterator[Bus]:
    ports = (("M_AXI_HPM0_FPD", 0xA000_0000, 0x1000_0000), ("M_AXI_HPM1_FPD", 0xB000_0000, 1 << 28),
             ("M_AXI_HPM0_LPD", 0x8000_0000, 1 << 29))  # fmt: skip
    for number, (name, base, size) in enumerate(ports):
        if config[f"PSU__USE__M_AXI_GP{number}"] == "1":
            yield Bus(name, "Master", "aximm", 128, (base, base + size), space="Data")
    if config["PSU__USE__S_AXI_GP2"] == "1":
        segments = (("HP0_DDR_LOW", 0, 1 << 31), ("HP0_QSPI", 0xC000_0000, 1 << 29),
                    ("HP0_DDR_HIGH", 0x8_0000_0000, 1 << 31),
                    ("HP0_LPS_OCM", 0xFF00_0000, 1 << 24))  # fmt: skip
        bits = int(config["PSU__SAXIGP2__DATA_WIDTH"])
        yield Bus("S_AXI_HP0_FPD", "Slave", "aximm", bits, segments=segments, map="SAXIGP2")


PSU = Ip(
    "xilinx.com:ip:zynq_ultra_ps_e:3.5",
    {
        "PSU__FPGA_PL0_ENABLE": "1", "PSU__FPGA_PL1_ENABLE": "0",
        "PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ": "100", "PSU__USE__FABRIC__RST": "1",
        "PSU__USE__M_AXI_GP0": "1", "PSU__USE__M_AXI_GP1": "1", "PSU__USE__M_AXI_GP2": "0",
        "PSU__MAXIGP0__DATA_WIDTH": "128", "PSU__USE__S_AXI_GP2": "0",
        "PSU__SAXIGP2__DATA_WIDTH": "128", "PSU__USE__IRQ0": "0", "PSU__USE__IRQ1": "0",
    },
    _psu_pins, _psu_buses,
    {
        "PSU__SAXIGP2__DATA_WIDTH": frozenset({"32", "64", "128"}),
        **{f"PSU__{name}": _BIT for name in (
            "FPGA_PL0_ENABLE", "USE__FABRIC__RST", "USE__M_AXI_GP0", "USE__M_AXI_GP1",
            "USE__M_AXI_GP2", "USE__S_AXI_GP2", "USE__IRQ0", "USE__IRQ1")},
    },
)  # fmt: skip


def _dma_ways(config: Config) -> list[str]:
    return [way for way in ("mm2s", "s2mm") if config[f"c_include_{way}"] == "1"]


def _dma_pins(config: Config) -> Iterator[Pin]:
    yield Pin("s_axi_lite_aclk", "I", "clk")
    yield Pin("axi_resetn", "I", "rst")
    if config["c_include_sg"] == "1":
        yield Pin("m_axi_sg_aclk", "I", "clk")
    for way in _dma_ways(config):
        yield Pin(f"m_axi_{way}_aclk", "I", "clk")
        yield Pin(f"{way}_prmry_reset_out_n", "O", "rst")
        yield Pin(f"{way}_introut", "O", "intr")


def _dma_buses(config: Config) -> Iterator[Bus]:
    yield Bus("S_AXI_LITE", "Slave", "aximm", 32, segments=(("Reg", None, 0x1_0000),))
    if config["c_include_sg"] == "1":
        yield Bus("M_AXI_SG", "Master", "aximm", 32, space="Data_SG")
    for way in _dma_ways(config):
        yield Bus(f"M_AXI_{way.upper()}", "Master", "aximm",
                  int(config[f"c_m_axi_{way}_data_width"]),
                  space=f"Data_{way.upper()}")  # fmt: skip
    if config["c_include_mm2s"] == "1":
        bits = int(config["c_m_axis_mm2s_tdata_width"])
        assert bits <= int(config["c_m_axi_mm2s_data_width"]), "PG021: the stream is the wider one"
        yield Bus("M_AXIS_MM2S", "Master", "axis", bits)
    if config["c_include_s2mm"] == "1":
        yield Bus("S_AXIS_S2MM", "Slave", "axis")


DMA = Ip(
    "xilinx.com:ip:axi_dma:7.1",
    {
        "c_include_sg": "1", "c_sg_include_stscntrl_strm": "1", "c_sg_length_width": "14",
        "c_addr_width": "32", "c_include_mm2s": "1", "c_include_s2mm": "1",
        "c_m_axi_mm2s_data_width": "32", "c_m_axis_mm2s_tdata_width": "32",
        "c_m_axi_s2mm_data_width": "32", "c_mm2s_burst_size": "16", "c_s2mm_burst_size": "16",
        "c_include_mm2s_dre": "0", "c_include_s2mm_dre": "0", "c_micro_dma": "0",
    },
    _dma_pins, _dma_buses,
    {
        "c_include_sg": _BIT, "c_include_mm2s": _BIT, "c_include_s2mm": _BIT,
        "c_sg_include_stscntrl_strm": _BIT,
        "c_sg_length_width": frozenset(map(str, range(8, 27))),
        "c_m_axi_mm2s_data_width": WIDTHS - {"8", "16"},
        "c_m_axi_s2mm_data_width": WIDTHS - {"8", "16"},
        "c_m_axis_mm2s_tdata_width": WIDTHS, "c_addr_width": frozenset(map(str, range(32, 65))),
    },
)  # fmt: skip


def _reset_pins(config: Config) -> Iterator[Pin]:
    yield Pin("slowest_sync_clk", "I", "clk")
    yield Pin("ext_reset_in", "I", "rst")
    for name in ("aux_reset_in", "mb_debug_sys_rst", "dcm_locked"):
        yield Pin(name, "I", required=False)
    for name in ("mb_reset", "bus_struct_reset", "peripheral_reset"):
        yield Pin(name, "O")  # active high: none of ours is
    for name in ("interconnect_aresetn", "peripheral_aresetn"):
        yield Pin(name, "O", "rst")


RESET = Ip(
    "xilinx.com:ip:proc_sys_reset:5.0",
    {"C_EXT_RESET_HIGH": "1", "C_AUX_RESET_HIGH": "1", "C_NUM_PERP_ARESETN": "1"},
    _reset_pins, lambda config: iter(()),
)  # fmt: skip
SMARTCONNECT = Ip(
    "xilinx.com:ip:smartconnect:1.0",
    {"NUM_SI": "2", "NUM_MI": "1", "NUM_CLKS": "1", "HAS_ARESETN": "1"},
    lambda config: iter((Pin("aclk", "I", "clk"), Pin("aresetn", "I", "rst"))),
    lambda config: iter((
        *(Bus(f"S{n:02d}_AXI", "Slave", "aximm") for n in range(int(config["NUM_SI"]))),
        *(Bus(f"M{n:02d}_AXI", "Master", "aximm") for n in range(int(config["NUM_MI"]))),
    )),
    {side: frozenset(map(str, range(1, 17))) for side in ("NUM_SI", "NUM_MI")},
)  # fmt: skip


def _concat(vlnv: str, kind: str, most: int) -> Ip:
    return Ip(
        vlnv, {"NUM_PORTS": "2"},
        lambda config: iter((
            *(Pin(f"In{n}", "I", "intr") for n in range(int(config["NUM_PORTS"]))),
            Pin("dout", "O", "intr"),
        )),
        lambda config: iter(()), {"NUM_PORTS": frozenset(map(str, range(1, most + 1)))}, kind,
    )  # fmt: skip


XLCONCAT = _concat("xilinx.com:ip:xlconcat:2.1", "ip", 32)
ILCONCAT = _concat("xilinx.com:inline_hdl:ilconcat:1.0", "inline_hdl", 32)
# Two versions of one IP, of which the newer one is to be taken.
OLD_PSU = Ip("xilinx.com:ip:zynq_ultra_ps_e:3.3", {}, _psu_pins, _psu_buses)
CATALOG = (PS7, OLD_PSU, PSU, DMA, RESET, SMARTCONNECT, XLCONCAT)
BOARDS = (
    "tul.com.tw:pynq-z2:part0:1.0", "www.digilentinc.com:pynq-z1:part0:1.0",
    "digilentinc.com:zybo-z7-20:part0:1.0", "digilentinc.com:zybo-z7-20:part0:1.1",
    "xilinx.com:zcu102:part0:3.4", "xilinx.com:zcu104:part0:1.1", "xilinx.com:zcu106:part0:2.6",
    "xilinx.com:kv260_som:part0:1.4", "avnet.com:ultra96v2:part0:1.2",
    "xilinx.com:rfsoc2x2:part0:1.1", "xilinx.com:kcu105:part0:1.7",
)  # fmt: skip
