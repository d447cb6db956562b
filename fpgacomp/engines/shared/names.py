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
# Keywords of SystemVerilog (IEEE 1800-2017, annex B) and VHDL (IEEE 1076-2008, 15.10): a tool that
# turns C++ into either takes the name of the top function over as it is.
_HARDWARE_WORDS = frozenset(
    {
        "abs", "accept_on", "access", "after", "alias", "all", "always", "always_comb",
        "always_ff", "always_latch", "and", "architecture", "array", "assert", "assign",
        "assume", "attribute", "automatic", "before", "begin", "bind", "bins", "binsof",
        "bit", "block", "body", "break", "buf", "buffer", "bufif0", "bufif1", "bus", "byte",
        "case", "casex", "casez", "cell", "chandle", "checker", "class", "clocking", "cmos",
        "component", "config", "configuration", "const", "constant", "constraint",
        "context", "continue", "cover", "covergroup", "coverpoint", "cross", "deassign",
        "default", "defparam", "design", "disable", "disconnect", "dist", "do", "downto",
        "edge", "else", "elsif", "end", "endcase", "endchecker", "endclass", "endclocking",
        "endconfig", "endfunction", "endgenerate", "endgroup", "endinterface", "endmodule",
        "endpackage", "endprimitive", "endprogram", "endproperty", "endsequence",
        "endspecify", "endtable", "endtask", "entity", "enum", "event", "eventually",
        "exit", "expect", "export", "extends", "extern", "file", "final", "first_match",
        "for", "force", "foreach", "forever", "fork", "forkjoin", "function", "generate",
        "generic", "genvar", "global", "group", "guarded", "highz0", "highz1", "if", "iff",
        "ifnone", "ignore_bins", "illegal_bins", "implements", "implies", "import",
        "impure", "in", "incdir", "include", "inertial", "initial", "inout", "input",
        "inside", "instance", "int", "integer", "interconnect", "interface", "intersect",
        "is", "join", "join_any", "join_none", "label", "large", "let", "liblist",
        "library", "linkage", "literal", "local", "localparam", "logic", "longint", "loop",
        "macromodule", "map", "matches", "medium", "mod", "modport", "module", "nand",
        "negedge", "nettype", "new", "next", "nexttime", "nmos", "nor", "noshowcancelled",
        "not", "notif0", "notif1", "null", "of", "on", "open", "or", "others", "out",
        "output", "package", "packed", "parameter", "pmos", "port", "posedge", "postponed",
        "primitive", "priority", "procedure", "process", "program", "property", "protected",
        "pull0", "pull1", "pulldown", "pullup", "pulsestyle_ondetect", "pulsestyle_onevent",
        "pure", "rand", "randc", "randcase", "randsequence", "range", "rcmos", "real",
        "realtime", "record", "ref", "reg", "register", "reject", "reject_on", "release",
        "rem", "repeat", "report", "restrict", "return", "rnmos", "rol", "ror", "rpmos",
        "rtran", "rtranif0", "rtranif1", "s_always", "s_eventually", "s_nexttime",
        "s_until", "s_until_with", "scalared", "select", "sequence", "severity", "shared",
        "shortint", "shortreal", "showcancelled", "signal", "signed", "sla", "sll", "small",
        "soft", "solve", "specify", "specparam", "sra", "srl", "static", "string", "strong",
        "strong0", "strong1", "struct", "subtype", "super", "supply0", "supply1",
        "sync_accept_on", "sync_reject_on", "table", "tagged", "task", "then", "this",
        "throughout", "time", "timeprecision", "timeunit", "to", "tran", "tranif0",
        "tranif1", "transport", "tri", "tri0", "tri1", "triand", "trior", "trireg", "type",
        "typedef", "unaffected", "union", "unique", "unique0", "units", "unsigned", "until",
        "until_with", "untyped", "use", "uwire", "var", "variable", "vectored", "virtual",
        "void", "wait", "wait_order", "wand", "weak", "weak0", "weak1", "when", "while",
        "wildcard", "wire", "with", "within", "wor", "xnor", "xor",
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


def top_name(wanted: str, reserved: frozenset[str] = frozenset()) -> str:
    """A C++ function, hardware module and project name for a graph of this name.

    Args:
        wanted: what it is called where the name is free.
        reserved: further names that it cannot have.
    """
    return NameSpace(_HARDWARE_WORDS | reserved).unique(wanted)
