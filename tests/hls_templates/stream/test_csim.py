"""What only C-simulation does: many words of a stream at once, checks in place of arithmetic."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.support import stream_harness as sh

pytestmark = pytest.mark.slow

_HEAD = '#include "fpgacomp/stream.hpp"\nusing namespace fpgacomp;\n'
_STREAMS = """
static int bad = 0;
static void expect(bool held, int line) {
  if (!held) { std::printf("line %d\\n", line); bad = 1; }
}
int main() {
  for (int round = 0; round < 3; ++round) {
    hls::stream<Vec<ap_int<12>, 3> > a("a"), b("b");
    int written = 0, read = 0;
    for (int step = 1; step < 400; ++step) {
      Vec<ap_int<12>, 3>* const room = a.put(step % 37);
      for (int i = 0; i < step % 37; ++i, ++written)
        for (int k = 0; k < 3; ++k) room[i][k] = written + k;
      Vec<ap_int<12>, 3> word = {{written, written + 1, written + 2}};
      a.write(word);
      ++written;
      const std::size_t some = a.size() * (step % 5) / 4;
      expect(a.look(some) == a.take(some), __LINE__);
      read += int(some);
      if (!a.empty()) {
        const Vec<ap_int<12>, 3> next = a.read();
        for (int k = 0; k < 3; ++k) expect(next[k] == ap_int<12>(read + k), __LINE__);
        ++read;
      }
      expect(int(a.size()) == written - read, __LINE__);
      expect(b.empty(), __LINE__);
    }
    a.take(a.size());
  }
  return bad;
}
"""
_PACKED = """
static const Rom<ap_int<4>, 1, 2> weights = {{{0x%02xULL}}};
int main() {
  hls::stream<Vec<ap_int<4>, 1> > in("in");
  hls::stream<Vec<ap_int<12>, 2> > out("out");
  Vec<ap_int<4>, 1> x = {{-8}};
  in.write(x);
  mvau<1, 2, 1, MulDspPacked<2, 6> >(in, out, weights);
  const Vec<ap_int<12>, 2> y = out.read();
  std::printf("%%d %%d\\n", int(y[0]), int(y[1]));
  return 0;
}
"""
_SEARCH = """
static const Banks<ap_int<8>, 1, 1> first = {{{%d}}};
static const Banks<ap_int<8>, 1, 2> second = {{{10, 30}}};
int main() {
  hls::stream<Vec<ap_int<8>, 1> > in("in");
  hls::stream<Vec<ap_uint<2>, 1> > out("out");
  Vec<ap_int<8>, 1> x = {{25}};
  in.write(x);
  thresholds_search<1, 1, ap_int<8> >(in, out, SameLevels<0, 1>(), first, second);
  std::printf("%%d\\n", int(out.read()[0]));
  return 0;
}
"""

_TAPS = """
template <class T> static void tap(const char* name, int frames) {
  for (int f = 0; f < frames; ++f) {
    hls::stream<Vec<T, 3> > words("words");
    for (int w = 0; w < 5 * f; ++w) {
      Vec<T, 3> word;
      for (int i = 0; i < 3; ++i) word[i] = element<T>::of((w + i) % 2 != 0 ? 1 : -1);
      words.write(word);
    }
    record_tap(name, words);
    if (int(words.size()) != 5 * f) std::abort();
    while (!words.empty()) words.read();
  }
}
int main() {
  tap<Bipolar>("none", 1);
  taps().folder = ".";
  tap<Bipolar>("bipolar", 3);
  tap<ap_int<2> >("small", 3);
  tap<ap_int<30> >("large", 3);
  return write_taps(1) ? 0 : 1;
}
"""


def _run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    source = folder / "program.cpp"
    source.write_text(_HEAD + program)
    sh.compile_program(source, folder / "program", sh.flags(sh.LIGHT))
    return subprocess.run(
        [str(folder / "program")], capture_output=True, text=True, check=False, cwd=folder
    )


def test_words_at_once_and_one_by_one(tmp_path: Path) -> None:
    done = _run(_STREAMS, tmp_path)
    assert done.returncode == 0 and not done.stderr, done.stdout[:500] + done.stderr


def test_taps_hold_numbers_whatever_the_element(tmp_path: Path) -> None:
    done = _run(_TAPS, tmp_path)
    assert done.returncode == 0 and not done.stderr
    words = np.concatenate([np.add.outer(np.arange(5 * f), np.arange(3)) for f in range(3)])
    for name, kind in (("bipolar", "<i1"), ("small", "<i1"), ("large", "<i4")):
        kept = np.fromfile(tmp_path / f"{name}.bin", dtype=kind)
        np.testing.assert_array_equal(kept, np.ravel(words % 2 * 2 - 1))
    told = (tmp_path / "taps.txt").read_text().splitlines()
    assert told == ["bipolar 1 1 45", "small 1 1 45", "large 4 1 45"]


def test_packed_products_that_fit_their_lanes(tmp_path: Path) -> None:
    done = _run(_PACKED % 0x3D, tmp_path)  # -3 and 3
    assert (done.returncode, done.stdout) == (0, "24 -24\n")


def test_a_packed_product_that_leaves_its_lane(tmp_path: Path) -> None:
    done = _run(_PACKED % 0x3C, tmp_path)  # -4: 32 needs seven bits
    assert done.returncode == -6
    assert "a packed product leaves its lane of 6 bits" in done.stderr


@pytest.mark.parametrize(("middle", "level"), [(20, 2), (27, 1)])
def test_a_search_counts_thresholds(middle: int, level: int, tmp_path: Path) -> None:
    done = _run(_SEARCH % middle, tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{level}\n")


def test_a_search_whose_thresholds_do_not_ascend(tmp_path: Path) -> None:
    done = _run(_SEARCH % 31, tmp_path)
    assert done.returncode == -6
    assert "the thresholds of a search do not ascend" in done.stderr
