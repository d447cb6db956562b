"""How an operator calls its function of hls_templates/stream, with its tables and buffers."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.engines.stream.emit.tables import Table, cpp_type
from fpgacomp.engines.stream.storage import BufferStorage, buffer_storage
from fpgacomp.engines.stream.streams import Stream


@dataclass(frozen=True)
class Buffer:
    """Memory that a process function declares.

    Args:
        name: of the C++ variable.
        word: its C++ element type.
        depth: words that it holds.
        storage: registers, or the memory that BIND_STORAGE names.
    """

    name: str
    word: str
    depth: int
    storage: BufferStorage


@dataclass(frozen=True)
class Header:
    """A file of C++ that an operator's call needs.

    Args:
        name: of the file, without its ending; a C identifier.
        text: its content.
        tensors: what it keeps in C-simulation beside what the streams carry.
    """

    name: str
    text: str
    tensors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """One operator's call in C++.

    Args:
        operator: function of the library.
        parameters: its template arguments.
        arguments: C++ expressions that it is called with, in order.
        roms: constant tables among the arguments.
        buffers: memories among the arguments.
        headers: files of its own.
    """

    operator: str
    parameters: tuple[object, ...]
    arguments: tuple[str, ...]
    roms: tuple[Table, ...] = ()
    buffers: tuple[Buffer, ...] = ()
    headers: tuple[Header, ...] = ()


def call_with_tables(
    function: str, parameters: tuple[object, ...], streams: tuple[str, ...], *tables: Table
) -> Call:
    """A call whose tables follow its streams."""
    return Call(function, parameters, (*streams, *(table.name for table in tables)), tables)


def word_buffer(name: str, stream: Stream, depth: int) -> Buffer:
    """A buffer of `depth` words of a stream, in the memory that the estimate counts."""
    word = f"Vec<{cpp_type(stream.type)}, {stream.lanes}>"
    return Buffer(name, word, depth, buffer_storage(stream.bits, depth))
