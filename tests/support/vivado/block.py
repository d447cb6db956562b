"""A block design as Vivado keeps it: cells, nets, addresses, and what validation says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.vivado.catalog import Bus, Ip, Pin
from tests.support.vivado.syntax import WrongCall


@dataclass
class Cell:
    """An instance of an IP."""

    name: str
    ip: Ip
    config: dict[str, str]

    @property
    def pins(self) -> dict[str, Pin]:
        """Path -> pin, as the cell is configured now."""
        return {f"/{self.name}/{pin.name}": pin for pin in self.ip.pins(self.config)}

    @property
    def buses(self) -> dict[str, Bus]:
        """Path -> interface."""
        return {f"/{self.name}/{bus.name}": bus for bus in self.ip.buses(self.config)}

    def configure(self, name: str, value: str) -> None:
        """Set a parameter; an unknown one, or a value that it does not take, is an error."""
        parameter = name.removeprefix("CONFIG.")
        if parameter == name or parameter not in self.config:
            raise WrongCall(f"{self.name}: no parameter {name}")
        allowed = self.ip.allowed.get(parameter)
        if allowed is not None and value not in allowed:
            raise WrongCall(f"{self.name}: {name} cannot be {value}")
        self.config[parameter] = value


@dataclass(frozen=True)
class Placed:
    """An address segment in the map of a master."""

    space: str
    segment: str
    offset: int
    size: int


@dataclass
class Block:
    """The block design.

    Args:
        nets: input pin -> the output pin that drives it.
        links: slave interface -> the master that it is connected to.
        external: interfaces that leave the design.
        placed: who sees what where.
        excluded: (address space, segment) that are left out on purpose.
    """

    name: str
    cells: dict[str, Cell] = field(default_factory=dict)
    nets: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    external: set[str] = field(default_factory=set)
    placed: list[Placed] = field(default_factory=list)
    excluded: set[tuple[str, str]] = field(default_factory=set)
    validated: bool = False

    @property
    def pins(self) -> dict[str, Pin]:
        """Every pin."""
        return {path: pin for cell in self.cells.values() for path, pin in cell.pins.items()}

    @property
    def buses(self) -> dict[str, Bus]:
        """Every interface."""
        return {path: bus for cell in self.cells.values() for path, bus in cell.buses.items()}

    @property
    def segments(self) -> dict[str, tuple[str, int | None, int]]:
        """Path of an address segment -> (interface, its own base, size)."""
        return {
            f"{path.rsplit('/', 1)[0]}/{bus.map or bus.name}/{name}": (path, base, size)
            for path, bus in self.buses.items()
            for name, base, size in bus.segments
        }

    @property
    def spaces(self) -> dict[str, list[str]]:
        """Path of an address space -> the master interfaces that it goes through."""
        found: dict[str, list[str]] = {}
        for path, bus in self.buses.items():
            if bus.space:
                found.setdefault(f"{path.rsplit('/', 1)[0]}/{bus.space}", []).append(path)
        return found

    def connect(self, *paths: str) -> None:
        """Join pins: exactly one of them drives."""
        pins = self.pins
        if unknown := [path for path in paths if path not in pins]:
            raise WrongCall(f"connect_bd_net: no pin {unknown[0]}")
        drivers = [path for path in paths if pins[path].direction == "O"]
        if len(drivers) != 1 or len(paths) < 2:
            raise WrongCall(f"connect_bd_net: {len(drivers)} drivers among {', '.join(paths)}")
        for path in paths:
            if path == drivers[0]:
                continue
            if self.nets.get(path, drivers[0]) != drivers[0]:
                raise WrongCall(f"connect_bd_net: {path} is driven by {self.nets[path]} already")
            self.nets[path] = drivers[0]

    def join(self, one: str, other: str) -> None:
        """Connect two interfaces: a master and a slave of one protocol."""
        buses = self.buses
        for path in (one, other):
            if path not in buses:
                raise WrongCall(f"connect_bd_intf_net: no interface {path}")
            if path in self.links or path in self.links.values():
                raise WrongCall(f"connect_bd_intf_net: {path} is connected already")
        ends = {buses[path].mode: path for path in (one, other)}
        if len(ends) != 2 or buses[one].protocol != buses[other].protocol:
            raise WrongCall(f"connect_bd_intf_net: {one} and {other} do not go together")
        self.links[ends["Slave"]] = ends["Master"]

    def slaves_behind(self, master: str) -> Iterator[str]:
        """The slave interfaces that a master reaches, through interconnects, too."""
        for slave, link in self.links.items():
            if link != master:
                continue
            cell = self.cells[slave.split("/")[1]]
            if "smartconnect" not in cell.ip.vlnv:
                yield slave
                continue
            for path, bus in cell.buses.items():
                if bus.mode == "Master":
                    yield from self.slaves_behind(path)

    def reached(self, space: str) -> dict[str, tuple[int, int]]:
        """Segments behind an address space -> the window that its master sees them through."""
        return {
            segment: self.buses[master].window
            for master in self.spaces[space]
            for slave in self.slaves_behind(master)
            for segment, (bus, _, _) in self.segments.items()
            if bus == slave
        }

    def place(self, space: str, segment: str, offset: int | None, size: int | None) -> None:
        """Give a segment its place in the map of a master; its own, where none is said."""
        if space not in self.spaces:
            raise WrongCall(f"assign_bd_address: no address space {space}")
        _, base, whole = self.segments[segment]
        at, taken = base if offset is None else offset, size or whole
        if at is None:
            raise WrongCall(f"assign_bd_address: {segment} needs an offset")
        if segment not in self.reached(space):
            raise WrongCall(f"assign_bd_address: {space} does not reach {segment}")
        low, high = self.reached(space)[segment]
        if not low <= at or at + taken > high or at % taken:
            raise WrongCall(f"assign_bd_address: {segment} cannot be at {at:#x} of {space}")
        if base is not None and at != base:
            raise WrongCall(f"assign_bd_address: {segment} is at {base:#x}")
        self.placed.append(Placed(space, segment, at, taken))

    def problems(self) -> list[str]:
        """What validation finds."""
        return [*self._undriven(), *self._unconnected(), *self._unplaced(), *self._overlaps()]

    def _undriven(self) -> Iterator[str]:
        pins = self.pins
        for path, pin in pins.items():
            driver = self.nets.get(path)
            if pin.direction == "I" and pin.required and driver is None:
                yield f"{path} is not driven"
            elif pin.direction == "I" and driver and pins[driver].kind != pin.kind:
                yield f"{path} ({pin.kind}) is driven by {driver} ({pins[driver].kind})"
            elif pin.direction == "O" and pin.kind == "intr" and path not in self.nets.values():
                yield f"the interrupt {path} goes nowhere"

    def _unconnected(self) -> Iterator[str]:
        buses = self.buses
        for path, bus in buses.items():
            joined = path in self.links or path in self.links.values()
            if bus.protocol in ("aximm", "axis") and not joined:
                yield f"{path} is not connected"
            if bus.protocol not in ("aximm", "axis") and path not in self.external:
                yield f"{path} does not leave the design"
        for slave, master in self.links.items():
            one, other = buses[slave].bits, buses[master].bits
            if buses[slave].protocol == "axis" and one and other and one != other:
                yield f"{master} has {other} bits and {slave} {one}"

    def _unplaced(self) -> Iterator[str]:
        for space in self.spaces:
            seen = {one.segment for one in self.placed if one.space == space}
            for segment in self.reached(space):
                if segment not in seen and (space, segment) not in self.excluded:
                    yield f"{segment} has no place in {space}"

    def _overlaps(self) -> Iterator[str]:
        for number, one in enumerate(self.placed):
            for other in self.placed[:number]:
                apart = one.offset + one.size <= other.offset or (
                    other.offset + other.size <= one.offset
                )
                if one.space == other.space and not apart:
                    yield f"{one.segment} overlaps {other.segment} in {one.space}"
