"""XML of strangers as a tree: bounded in size and depth, and without a document type.

A document type is where entities are declared, of which a few lines expand to gigabytes, and
through which a file can name others. No report has one, so that none is accepted.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from fpgacomp.bitstream.reports.numbers import DamagedReport

MAX_ELEMENTS = 500_000
MAX_ATTRIBUTES = 1_000_000  # of all elements; a cell of Vivado's tables has two
MAX_DEPTH = 200
# Of what has to be there whole before the parser tells of it: a tag with its attributes, a comment.
MAX_TAG_BYTES = 1 << 20
_CHUNK = 1 << 16


class _Bounded:
    """Builds a tree as long as it stays within its bounds."""

    def __init__(self) -> None:
        self.builder = TreeBuilder()
        self.elements = self.attributes = self.depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.elements, self.depth = self.elements + 1, self.depth + 1
        if self.elements > MAX_ELEMENTS:
            raise DamagedReport(f"it has more than {MAX_ELEMENTS:,} elements")
        self.attributes += len(attributes)
        if self.attributes > MAX_ATTRIBUTES:
            raise DamagedReport(f"it has more than {MAX_ATTRIBUTES:,} attributes")
        if self.depth > MAX_DEPTH:
            raise DamagedReport(f"its elements are nested deeper than {MAX_DEPTH}")
        self.builder.start(tag, attributes)

    def end(self, tag: str) -> None:
        self.depth -= 1
        self.builder.end(tag)

    def data(self, text: str) -> None:
        self.builder.data(text)

    def doctype(self, *_: object) -> None:
        raise DamagedReport("it declares a document type, which no report does")


def xml_tree(content: bytes) -> Element:
    """The root of a document.

    Raises:
        DamagedReport: it is no XML, was cut off, declares a document type, or is too large.
    """
    parser, bounded = expat.ParserCreate(), _Bounded()
    parser.buffer_text = True
    parser.StartElementHandler = bounded.start
    parser.EndElementHandler = bounded.end
    parser.CharacterDataHandler = bounded.data
    parser.StartDoctypeDeclHandler = bounded.doctype
    try:
        _parse(parser, content)
        return bounded.builder.close()
    except (expat.ExpatError, LookupError, ValueError, AssertionError) as error:
        if isinstance(error, DamagedReport):
            raise
        raise DamagedReport(f"it is no whole XML document ({error})") from error


def _parse(parser: expat.XMLParserType, content: bytes) -> None:
    """Hand a document to the parser, piece by piece.

    Raises:
        DamagedReport: it holds a tag or a comment that is too long.
        ExpatError: it is no XML.
    """
    for at in range(0, len(content), _CHUNK):
        parser.Parse(content[at : at + _CHUNK], False)
        if at + _CHUNK - parser.CurrentByteIndex > MAX_TAG_BYTES:
            raise DamagedReport(f"it has a tag or a comment of over {MAX_TAG_BYTES:,} bytes")
    parser.Parse(b"", True)


def text_at(element: Element, path: str) -> str | None:
    """The text of the element at a path below; None where there is none."""
    found = element.find(path)
    return None if found is None else (found.text or "").strip()
