"""Our ap_int and hls::stream against the open ap_types: random typed expressions, one source."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.engines.shared.csim_process import SILENT
from tests.support import stream_harness as sh
from tests.support.depth import draws

pytestmark = pytest.mark.slow

HEAD = r"""
#include <ap_int.h>
#include <hls_stream.h>
#include <cstdio>
template <class E> static void show(int id, const E& e) {
  const ap_int<128> wide = e;
  std::printf("%d w%d s%d %016llx%016llx\n", id, int(E::width), int(E(-1) < E(0)),
              (unsigned long long)ap_uint<64>(wide >> 64), (unsigned long long)ap_uint<64>(wide));
}
static void show(int id, bool b) { std::printf("%d b%d\n", id, int(b)); }
"""
NATIVE = ("int", "unsigned", "long long", "unsigned char", "short", "unsigned long long")
ARITHMETIC = ("+", "-", "*", "&", "|", "^")
COMPARE = ("==", "!=", "<", "<=", ">", ">=")


class Generator:
    """Draws variables and expressions; tracks widths only to stay within 128 bits."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.lines: list[str] = []
        self.variables: list[tuple[str, int]] = []
        self.types: dict[str, str] = {}

    def pick(self, options: tuple[str, ...]) -> str:
        return options[self.rng.integers(len(options))]

    def number(self) -> str:
        """Any 64-bit pattern; small ones and all ones often."""
        kind = self.rng.integers(4)
        if kind == 0:
            return f"{self.rng.integers(-9, 10)}LL"
        if kind == 1:
            return "-1LL"
        return f"(long long){self.rng.integers(0, 1 << 63, dtype=np.uint64) * 2:#x}ULL"

    def declare(self, number: int) -> None:
        if number % 5 == 4:
            type_, width = self.pick(NATIVE), 64
        else:
            width = int(self.rng.choice([1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64]))
            family = self.pick(("ap_int", "ap_uint"))
            type_ = f"{family}<{width}>"
            self.types[f"v{number}"] = family
        name = f"{'n' if number % 5 == 4 else 'v'}{number}"
        self.lines.append(f"  {type_} {name} = ({type_})({self.number()});")
        self.variables.append((name, width))

    def operand(self) -> tuple[str, int]:
        return self.variables[self.rng.integers(len(self.variables))]

    def ap(self) -> tuple[str, int]:
        """An ap_int operand (an expression of two C++ integers would test nothing)."""
        while True:
            name, width = self.operand()
            if name.startswith("v"):
                return name, width

    def expression(self) -> str:
        (a, wa), (b, wb) = self.ap(), self.operand()
        if self.rng.integers(2):
            a, wa = f"({a} {self.pick(ARITHMETIC[:2])} {b})", max(wa, wb) + 2
            b, wb = self.ap()
        kind = self.rng.integers(9)
        if kind < 3:
            op = self.pick(ARITHMETIC)
            if op == "*" and wa + wb > 128:
                op = "-"
            return f"{a} {op} {b}"
        if kind == 3:
            return f"{b} {self.pick(COMPARE)} {a}"
        if kind == 4:
            return f"{a} {self.pick(('<<', '>>'))} {self.rng.integers(0, 70)}"
        if kind == 5:
            name, type_ = self.pick_typed()
            return f"{name} {self.pick(('/', '%'))} {self.divisor(type_)}"
        if kind == 6:
            return f"-{a}"
        if kind == 7:
            return f"~{a}"
        return f"{self.ap()[0]} {self.pick(('<<', '>>'))} ap_int<5>({self.rng.integers(-16, 16)})"

    def pick_typed(self) -> tuple[str, str]:
        name, _ = self.ap()
        return name, self.types[name]

    def divisor(self, type_: str) -> str:
        """Never zero, and of the dividend's sign: mixed signs do not compile in our header."""
        value = int(self.rng.integers(1, 60))
        return f"{type_}<7>({value if type_ == 'ap_uint' else self.rng.choice([-value, value])})"

    def statement(self, number: int) -> None:
        kind = self.rng.integers(6)
        name, width = self.ap()
        if kind < 3:
            self.lines.append(f"  show({number}, {self.expression()});")
            return
        low = int(self.rng.integers(width))
        high = int(self.rng.integers(low, width))
        if kind == 3:
            self.lines.append(f"  {name}.range({high}, {low}) = {self.ap()[0]};")
        elif kind == 4:
            self.lines.append(f"  {name}[{low}] = {self.rng.integers(2)};")
        else:
            op = self.pick(("+=", "-=", "*=", "&=", "|=", "^="))
            other, other_width = self.operand()
            op = "+=" if op == "*=" and width + other_width > 128 else op
            self.lines.append(f"  {name} {op} {other};")
        self.lines.append(f"  show({number}, {name});")
        self.lines.append(
            f"  show({number}, ap_uint<64>((unsigned long long){name}.range({high}, {low})));"
        )
        self.lines.append(f"  show({number}, bool({name}[{low}]) && !(!{name}));")


def _source(seed: int, functions: int) -> str:
    parts = [HEAD]
    for number in range(functions):
        generator = Generator(seed + number)
        for variable in range(8):
            generator.declare(variable)
        for statement in range(25):
            generator.statement(1000 * number + statement)
        parts.append(f"static void f{number}() {{\n" + "\n".join(generator.lines) + "\n}")
    calls = " ".join(f"f{n}();" for n in range(functions))
    parts.append(f"int main() {{ {calls} return 0; }}\n")
    return "\n".join(parts)


def _run(source: Path, variant: str, extra: tuple[str, ...] = ()) -> str:
    binary = source.with_suffix("")
    options = [flag for flag in sh.flags(variant) if not flag.startswith("-W")]
    sh.compile_program(source, binary, [*options, *SILENT, *extra])
    done = subprocess.run([str(binary)], capture_output=True, text=True)
    # ap_types says where the operands of &=, |=, ^= differ in width; that is meant here.
    said = [line for line in done.stderr.splitlines() if "Bitsize mismatch" not in line]
    assert done.returncode == 0 and not said, said[:9]
    return done.stdout


def test_expressions_have_the_values_and_widths_of_the_open_ap_types(tmp_path: Path) -> None:
    source = tmp_path / "expressions.cpp"
    source.write_text(_source(5, draws(14, 20)))
    ours = _run(source, sh.LIGHT, ("-fsanitize=undefined", "-fno-sanitize=signed-integer-overflow"))
    theirs = _run(source, sh.VENDOR)
    assert ours.count("\n") > 500
    assert ours.splitlines() == theirs.splitlines()


def test_too_wide_an_integer_does_not_compile(tmp_path: Path) -> None:
    source = tmp_path / "wide.cpp"
    source.write_text("#include <ap_int.h>\nint main() { ap_int<129> x = 1; return x == 1; }\n")
    with pytest.raises(AssertionError, match="carries 1 to 128 bits"):
        sh.compile_program(source, tmp_path / "wide", sh.flags(sh.LIGHT))


def test_reading_an_empty_stream_aborts_and_names_it(tmp_path: Path) -> None:
    source = tmp_path / "empty.cpp"
    source.write_text(
        "#include <ap_int.h>\n#include <hls_stream.h>\nint main() {"
        ' hls::stream<ap_int<4> > s("fifo7"); return s.read().to_int(); }\n'
    )
    sh.compile_program(source, tmp_path / "empty", sh.flags(sh.LIGHT))
    done = subprocess.run([str(tmp_path / "empty")], capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stderr == "ERROR: stream 'fifo7' is read while empty\n"


def test_a_stream_keeps_order_over_many_sizes(tmp_path: Path) -> None:
    source = tmp_path / "order.cpp"
    source.write_text(
        "#include <ap_int.h>\n#include <hls_stream.h>\n#include <cstdio>\n"
        'int main() { hls::stream<ap_uint<32> > s("s"); unsigned in = 0, out = 0, r = 1;\n'
        "  for (int i = 0; i < 200000; ++i) { r = r * 1664525u + 1013904223u;\n"
        "    const bool write = (r >> 16) % 100 < (i < 100000 ? 55u : 40u);\n"
        "    if (write || s.empty()) s.write(in++);\n"
        "    else if (s.read() != out++) return 1;\n"
        "    if (s.size() != in - out) return 2; }\n"
        "  while (!s.empty()) if (s.read() != out++) return 3;\n"
        "  return in == out ? 0 : 4; }\n"
    )
    _run(source, sh.LIGHT, ("-fsanitize=address,undefined",))
