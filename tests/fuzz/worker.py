"""Runs verb after verb on damaged files, in a process with limits, and says how each ended."""

from __future__ import annotations

import faulthandler
import io
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

# TensorFlow alone takes 2 GB of addresses; the product gives the process that reads Keras files 8.
MEMORY_BYTES = {"onnx": 2 << 30, "board": 2 << 30, "numpy": 2 << 30, "keras": 8 << 30}
BOARD = ("--board", "zcu104")
BUILD = ("--no-csim", "--vectors", "3")
ACCEPTED, REFUSED = "accepted", "refused"
VERB_ENDED = "the verb has ended"


def commands(kind: str, path: str, folder: Path) -> list[list[str]]:
    """The command lines that a file of this kind goes through."""
    tiny, wide, samples = (str(folder / n) for n in ("tiny.onnx", "float.onnx", "samples.npy"))
    out = ("--out", str(folder / "out"))
    match kind:
        case "onnx" | "keras":
            return [
                ["check", path], ["check", path, "--json"], ["estimate", path, *BOARD],
                ["compile", path, *BOARD, *BUILD, *out],
            ]  # fmt: skip
        case "board":
            return [
                ["boards", path], ["estimate", tiny, "--board", path],
                ["compile", tiny, "--board", path, *BUILD, *out],
            ]  # fmt: skip
        case "numpy":
            return [
                ["check", wide, "--calibration", path],
                ["estimate", wide, *BOARD, "--calibration", path],
                ["compile", tiny, *BOARD, *BUILD, *out, "--inputs", path],
                ["compile", tiny, *BOARD, *BUILD, *out, "--inputs", samples, "--labels", path],
            ]  # fmt: skip
    raise ValueError(f"there is no kind {kind!r}")


class Judge:
    """Runs one command line after the other as `fpgacomp` does, and judges how it ended."""

    def __init__(self, folder: Path, verb_ended: Callable[[], None]) -> None:
        from typer.testing import CliRunner

        from fpgacomp.cli import verb

        self.folder, self._runner, self._verb_ended = folder, CliRunner(), verb_ended
        self._fault: str | None = None

        def remember(error: Exception, *_: object) -> None:
            self._fault = "".join(traceback.format_exception(error))

        verb.tell_fault = remember

    def run(self, kind: str, path: str) -> str:
        """How the file fared: "accepted", "refused", or what is wrong, as text."""
        ended: dict[str, Any] = {}
        built = False  # samples are tried as inputs and as labels: either will do
        for arguments in commands(kind, path, self.folder):
            self._fault = None
            result = self._run(arguments)
            self._verb_ended()
            verb = arguments[0] + (" --json" if "--json" in arguments else "")
            fault = self._fault or _unforeseen(result)
            if fault:
                return f"{' '.join(arguments)}\n{fault}"
            ended[verb] = result
            built = built or (verb == "compile" and result.exit_code == 0)
        wrong = self._wrong_integers()
        if wrong:
            return wrong
        last = ended["compile"]
        if kind == "onnx" and ended["check"].exit_code == 0:
            refusal = _refused_by_onnx(path)
            if refusal:
                return f"check accepts what onnx.checker refuses: {refusal}"
            if last.exit_code != 0 and "error:" in last.stderr and not _wants_calibration(ended):
                return f"check accepts, compile refuses: {last.stderr}"
        return ACCEPTED if built else REFUSED

    def _run(self, arguments: list[str]) -> Any:
        from fpgacomp.cli.app import app

        for left in (self.folder / "out", self.folder / "out.failed"):
            shutil.rmtree(left, ignore_errors=True)
        return self._runner.invoke(app, arguments)

    def _wrong_integers(self) -> str | None:
        for name in ("out", "out.failed"):
            report = self.folder / name / "report.json"
            if report.is_file():
                exactness = json.loads(report.read_text())["exactness"]
                if exactness.get("network_mismatches"):
                    return f"integers differ from the network's: {exactness}"
        return None


def _unforeseen(result: Any) -> str | None:
    """What is wrong with how a command line ended; None where nothing is."""
    error = result.exception
    if error is not None and not isinstance(error, SystemExit):
        return "".join(traceback.format_exception(error))
    if result.exit_code not in (0, 1, 2):
        return f"exit code {result.exit_code}: {result.stderr}"
    if "Traceback" in result.output:
        return f"a traceback is shown: {result.output}"
    if result.exit_code and not (result.stderr.strip() or result.stdout.strip()):
        return f"exit code {result.exit_code} without a word"
    return None


def _wants_calibration(ended: dict[str, Any]) -> bool:
    document = json.loads(ended["check --json"].stdout)
    return document.get("format") == "float" or "--calibration" in ended["compile"].stderr


def _refused_by_onnx(path: str) -> str | None:
    import onnx

    from fpgacomp.network.repair import repaired

    try:
        onnx.checker.check_model(repaired(onnx.load(path)))
    except Exception as error:
        return str(error)
    return None


def _prepare(folder: Path) -> None:
    """The good files that board files and sample files are used with."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    from tests.support.hostile_onnx import plain, weight

    product = helper.make_node("MatMul", ["xq", "w"], ["y"])
    tiny = plain((1, 3), nodes=[product], constants=[weight(shape=(3, 2))], output="y")
    onnx.save(tiny, folder / "tiny.onnx")
    value = partial(helper.make_tensor_value_info, elem_type=TensorProto.FLOAT)
    weights = numpy_helper.from_array(np.eye(3, 2, dtype=np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
        [value("x", shape=[1, 3])], [value("y", shape=[1, 2])], [weights],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "float.onnx")
    np.save(folder / "samples.npy", np.random.default_rng(1).normal(size=(4, 3)).astype("f4"))


def _read_keras_here() -> None:
    """Let this process do what the confined one does: TensorFlow takes seconds to start.

    A traceback that the product would turn into "Keras ended while it read the file" shows. The
    first look at the file stays in a process of its own: that is what ends one without end.
    """
    from fpgacomp.frontend.keras import reader

    @lru_cache(maxsize=2)
    def read(path: str, state: tuple[int, ...]) -> bytes:
        reader._ask(path, "scan", reader.SCAN_CPU_SECONDS)
        handle, name = tempfile.mkstemp()
        try:
            reader.answer(path, handle)
            head, _, model = Path(name).read_bytes().partition(reader._ANSWER)
        finally:
            Path(name).unlink()
        reader._raise(json.loads(head))
        return model

    reader._read = read


def main() -> None:
    """Answer every path on standard input with a line of JSON per verb, and one how it fared."""
    import resource

    from fpgacomp.host.toolchain import select_legacy_keras

    faulthandler.enable()
    kind = sys.argv[1]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries that print do not get in between
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES[kind], most))
    with tempfile.TemporaryDirectory() as name:
        _prepare(Path(name))
        if kind == "keras":
            _read_keras_here()
            select_legacy_keras()
            import_module("qkeras.utils")  # frameworks start before the first file's time does

        def answer(text: str) -> None:
            print(json.dumps(text), file=answers, flush=True)

        judge = Judge(Path(name), lambda: answer(VERB_ENDED))
        answer("ready")
        for line in io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8"):
            try:
                ended = judge.run(kind, line.rstrip("\n"))
            except BaseException:
                ended = traceback.format_exc()
            answer(ended)


if __name__ == "__main__":
    main()
