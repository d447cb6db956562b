"""Names that hls4ml and C++ can carry: unique in any case, and none that means something else."""

from __future__ import annotations

import re

# Words of C++11 and macros or names of the emitted headers that a variable cannot be called.
_CPP_WORDS = frozenset(
    {
        "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool",
        "break", "case", "catch", "char", "char16_t", "char32_t", "class", "compl", "const",
        "constexpr", "const_cast", "continue", "decltype", "default", "delete", "do",
        "double", "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false",
        "float", "for", "friend", "goto", "if", "inline", "int", "long", "main", "mutable",
        "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or",
        "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "return",
        "short", "signed", "sizeof", "static", "static_assert", "static_cast", "struct",
        "switch", "template", "this", "thread_local", "throw", "true", "try", "typedef",
        "typeid", "typename", "union", "unsigned", "using", "virtual", "void", "volatile",
        "wchar_t", "while", "xor", "xor_eq", "std", "hls", "nnet", "input", "input_t",
        "result_t", "loaded_weights",
    }
)  # fmt: skip
# What hls4ml numbers itself: layer3_out, layer3_t, config3, w3, thresholds3, ...
_GENERATED = re.compile(
    r"(layer|config|input|bias|weight|thresholds|base|step|multiplier(_[ab])?|offset|table)\d+\w*"
    r"|[wbpdz]\d+",
    re.IGNORECASE,
)


class NameSpace:
    """Hands out each name once, whatever its case; `reserved` are attribute names of hls4ml."""

    def __init__(self, reserved: frozenset[str] = frozenset()) -> None:
        self._taken = {word.lower() for word in (*_CPP_WORDS, *reserved)}

    def unique(self, wanted: str) -> str:
        """`wanted` itself where it is free, else with the first free number behind it."""
        stem = re.sub(r"\W", "_", wanted)
        if not re.match(r"[A-Za-z]", stem) or _GENERATED.fullmatch(stem):
            stem = f"n_{stem}"
        name, number = stem, 1
        while name.lower() in self._taken:
            number += 1
            name = f"{stem}_{number}"
        self._taken.add(name.lower())
        return name


def top_name(wanted: str) -> str:
    """A C++ function and project name for a graph of this name."""
    return NameSpace().unique(wanted)
