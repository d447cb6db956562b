"""Reads emitted C++ with clang's parser, as far as a vendor's tool would synthesize it.

What Vitis HLS refuses is found in the syntax tree: recursion, dynamic memory, exceptions, virtual
functions, the standard library beyond what it supports, loops whose trip count is not known. The
one kind of these that may be is a loop that ends with what it reads and states its usual trip count
by a pragma; pragmas are no part of the tree, and this one is looked for in the loop's lines.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

# Namespaces and headers whose code is the vendor's in synthesis: its own types and streams.
_VENDOR = ("ap_types/", "csim_include/", "/csim/native/")
# Of the standard library: types that are evaluated while compiling, and plain integer names.
_STANDARD = {
    "enable_if", "is_same", "conditional", "is_integral", "integral_constant", "int8_t", "int16_t",
    "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "size_t", "type", "value",
}  # fmt: skip
_FORBIDDEN = {
    "CXX_NEW_EXPR": "allocates memory",
    "CXX_DELETE_EXPR": "frees memory",
    "CXX_THROW_EXPR": "throws",
    "CXX_TRY_STMT": "catches",
    "CXX_TYPEID_EXPR": "asks for a type at run time",
    "CXX_DYNAMIC_CAST_EXPR": "asks for a type at run time",
    "LAMBDA_EXPR": "is a lambda",
    "GOTO_STMT": "jumps",
    "INDIRECT_GOTO_STMT": "jumps",
    "GNU_ADDR_LABEL_EXPR": "takes a label's address",
}
_ALLOCATING = {"malloc", "calloc", "realloc", "free", "alloca"}


def clang() -> Any:
    """clang's bindings; the test is skipped where they are not installed."""
    cindex = pytest.importorskip("clang.cindex", reason="libclang is not installed (extra: dev)")
    try:
        cindex.Index.create()
    except cindex.LibclangError as error:
        pytest.skip(f"libclang does not load: {error}")
    return cindex


@lru_cache(maxsize=1)
def system_includes() -> tuple[str, ...]:
    """g++'s own include folders: clang's bindings come without any."""
    said = subprocess.run(
        ["g++", "-E", "-x", "c++", "-", "-v"], input="", capture_output=True, text=True, check=True
    ).stderr
    listed = said.split("#include <...> search starts here:")[1].split("End of search list.")[0]
    return tuple(f"-isystem{folder.strip()}" for folder in listed.splitlines() if folder.strip())


def findings(source: Path, top: str, flags: Sequence[str]) -> list[str]:
    """What a vendor's tool would refuse of all that the function `top` reaches, one line each.

    Raises:
        AssertionError: clang itself does not read the source.
    """
    cindex = clang()
    arguments = ["-x", "c++", *system_includes(), "-D__SYNTHESIS__", "-w", *flags]
    unit = cindex.Index.create().parse(str(source), arguments)
    wrong = [str(said) for said in unit.diagnostics if said.severity >= cindex.Diagnostic.Error]
    assert not wrong, wrong[:5]
    tree = _Tree(cindex, unit)
    return sorted(set(tree.findings(top)))


class _Tree:
    """The functions of one source that are neither the vendor's nor the system's."""

    def __init__(self, cindex: Any, unit: Any) -> None:
        self.kinds = cindex.CursorKind
        self.functions = list(self._functions(unit.cursor))
        self.words = [self._words(function) for function in self.functions]

    def _functions(self, cursor: Any) -> Iterator[Any]:
        kinds = self.kinds
        scopes = {
            kinds.NAMESPACE, kinds.STRUCT_DECL, kinds.CLASS_DECL, kinds.CLASS_TEMPLATE,
            kinds.CLASS_TEMPLATE_PARTIAL_SPECIALIZATION,
        }  # fmt: skip
        functions = {
            kinds.FUNCTION_DECL, kinds.FUNCTION_TEMPLATE, kinds.CXX_METHOD, kinds.CONSTRUCTOR,
            kinds.CONVERSION_FUNCTION, kinds.DESTRUCTOR,
        }  # fmt: skip
        for child in cursor.get_children():
            if child.location.file is None or self._foreign(child.location.file.name):
                continue
            if child.kind in functions and child.is_definition():
                yield child
            elif child.kind in scopes:
                yield from self._functions(child)

    @staticmethod
    def _foreign(file: str) -> bool:
        return file.startswith("/usr/") or any(part in file for part in _VENDOR)

    @staticmethod
    def _words(function: Any) -> set[str]:
        return {token.spelling for token in function.get_tokens()}

    def findings(self, top: str) -> Iterator[str]:
        for function in self._reached(top):
            yield from self._of(function)

    def _reached(self, top: str) -> list[Any]:
        """All that may be called from the top function, by name: templates are not resolved."""
        assert any(function.spelling == top for function in self.functions), f"no function {top}"
        names, reached = {top}, set[int]()
        while True:
            more = {
                number
                for number, function in enumerate(self.functions)
                if function.spelling.split("<")[0] in names and number not in reached
            }
            if not more:
                return [self.functions[number] for number in sorted(reached)]
            reached |= more
            names = names.union(*(self.words[number] for number in more))

    def _of(self, function: Any) -> Iterator[str]:
        name = function.spelling
        if function.kind == self.kinds.CXX_METHOD and function.is_virtual_method():
            yield f"{name} is virtual"
        for cursor in function.walk_preorder():
            where = f"{name}, line {cursor.location.line}"
            if (why := _FORBIDDEN.get(cursor.kind.name)) is not None:
                yield f"{where}: {why}"
            if cursor.kind.name in ("WHILE_STMT", "DO_STMT") and not self._states_trips(cursor):
                yield f"{where}: a loop without a trip count"
            if cursor.kind.name == "FOR_STMT" and (bound := self._unknown_bound(cursor)):
                yield f"{where}: the loop's trip count depends on {bound}"
            target = cursor.referenced
            if target is None:
                continue
            itself = cursor.kind.name == "CALL_EXPR" and target.get_usr() == function.get_usr()
            if itself and not self._while_compiling(function):
                yield f"{where}: {name} calls itself"
            if target.spelling in _ALLOCATING:
                yield f"{where}: {target.spelling} handles memory"
            if self._standard(target) and target.spelling not in _STANDARD:
                yield f"{where}: std::{target.spelling}"

    @staticmethod
    def _while_compiling(function: Any) -> bool:
        """A constexpr function's calls are made while compiling, wherever a constant is needed."""
        heads = (token.spelling for token in function.get_tokens())
        return "constexpr" in takewhile(lambda word: word != "(", heads)

    def _standard(self, target: Any) -> bool:
        parent = target.semantic_parent
        while parent is not None and parent.kind != self.kinds.TRANSLATION_UNIT:
            if parent.kind == self.kinds.NAMESPACE and parent.spelling == "std":
                return True
            parent = parent.semantic_parent
        return False

    @staticmethod
    def _states_trips(loop: Any) -> bool:
        """Whether the loop says how often it runs as a rule, for the tool's reports."""
        lines = Path(loop.extent.start.file.name).read_text(encoding="utf-8").splitlines()
        own = lines[loop.extent.start.line - 1 : loop.extent.end.line]
        return any(line.startswith("#pragma HLS LOOP_TRIPCOUNT ") for line in own)

    def _unknown_bound(self, loop: Any) -> str:
        """A variable, not the loop's own, that the loop's end depends on; "" where it is known."""
        parts = list(loop.get_children())
        if len(parts) < 4:
            return "nothing: a part of its head is missing"
        own = {cursor.get_usr() for cursor in parts[0].walk_preorder()}
        for cursor in parts[1].walk_preorder():
            target = cursor.referenced
            if target is None or target.get_usr() in own:
                continue
            variable = target.kind in (self.kinds.VAR_DECL, self.kinds.FIELD_DECL)
            if target.kind == self.kinds.PARM_DECL or (
                variable and not target.type.is_const_qualified()
            ):
                return str(target.spelling)
        return ""
