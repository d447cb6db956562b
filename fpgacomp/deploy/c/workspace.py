"""The arrays in which a software side in C keeps its tensors: few, and of fixed sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fpgacomp.deploy.c.spelling import C_TYPES, CType


@dataclass(frozen=True)
class WorkArray:
    """A static array.

    Args:
        name: in C.
        type: of its elements.
        size: how many there are.
    """

    name: str
    type: CType
    size: int


class Workspace:
    """Hands out arrays of a type, and takes them back.

    An array has one type for good: C does not let memory of one type be read as another.
    """

    def __init__(self) -> None:
        self._sizes: dict[str, tuple[str, int]] = {}
        self._free: set[str] = set()

    def take(self, dtype: str, size: int) -> str:
        """An array with room for `size` elements, which nobody else has."""
        free = [name for name in sorted(self._free) if self._sizes[name][0] == dtype]
        # The smallest that is large enough, else the largest, which grows.
        enough = [name for name in free if self._sizes[name][1] >= size]
        if enough:
            name = min(enough, key=lambda n: self._sizes[n][1])
        elif free:
            name = max(free, key=lambda n: self._sizes[n][1])
        else:
            number = sum(kind == dtype for kind, _ in self._sizes.values())
            name = f"fpgacomp_work_{C_TYPES[dtype].short}_{number}"
        self._free.discard(name)
        self._sizes[name] = dtype, max(size, self._sizes.get(name, (dtype, 0))[1])
        return name

    def release(self, name: str) -> None:
        """Take an array back; a name that is none of its own is left alone."""
        if name in self._sizes:
            self._free.add(name)

    def release_all(self) -> None:
        """Take every array back: the next software side starts."""
        self._free = set(self._sizes)

    def arrays(self) -> Iterator[WorkArray]:
        """All that were ever handed out."""
        for name, (dtype, size) in sorted(self._sizes.items()):
            yield WorkArray(name, C_TYPES[dtype], size)
