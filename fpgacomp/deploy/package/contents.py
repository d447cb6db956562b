"""What goes into a package, from the files of a build: its files and its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

import fpgacomp.runtime
from fpgacomp.deploy.package.archive import manifest_bytes
from fpgacomp.deploy.package.facts import Facts
from fpgacomp.deploy.package.input_range import input_ranges
from fpgacomp.deploy.package.model_card import model_card
from fpgacomp.deploy.package.parts import RUNTIME, needs_of, parts_of
from fpgacomp.deploy.package.sbom import sbom_text
from fpgacomp.deploy.package.texts import licence_text, rendered
from fpgacomp.deploy.systemd import systemd_files, transport_of
from fpgacomp.errors import ModelError, PackageError
from fpgacomp.ir import codec, interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import IntArray
from fpgacomp.runtime.accelerator import SELF_TEST, from_containers
from fpgacomp.runtime.deployment import FILE, Deployment, FramePort
from fpgacomp.runtime.errors import DescriptionError

SOFTWARE, SOURCES, BITSTREAM = "software/", ("hls/", "rtl/"), "bitstream/"
# What the runtime consists of; beside that lie what Python and editors leave there.
RUNTIME_FILES = (".py", ".html", ".css", ".js")
_AGAIN = "compile the network again."


@dataclass(frozen=True)
class PackageInputs:
    """What a package is made from.

    Args:
        files: path -> content of a build's software/, hls/, rtl/, graph.json.
        bitstream: path below bitstream/ -> content; empty where there is none.
        built: the report.json of the bitstream; None where there is none.
        report: the content of report.json.
        tools: versions of the tools whose files the build may hold.
        network_file, network_sha256: of the network that was compiled.
    """

    files: Mapping[str, bytes]
    bitstream: Mapping[str, bytes]
    built: Facts | None
    report: Any
    tools: Mapping[str, str]
    network_file: str
    network_sha256: str


@dataclass(frozen=True)
class PackageContents:
    """The files of a package, and its manifest."""

    files: Mapping[str, bytes]
    manifest: bytes


def package_contents(
    given: PackageInputs, folder: Path, *, name: str | None, version: int
) -> PackageContents:
    """Put a package together.

    Args:
        given: the build.
        folder: where it lies: the self-test is read from there.
        name: of the package; None: the network's name.
        version: of the package.

    Raises:
        PackageError: the build lacks what a device needs, or its parts do not go together.
    """
    deployment = _deployment(given.files, folder)
    frames = _checked_self_test(given.files, deployment)
    contents = "bitstream" if given.bitstream else "sources"
    chosen = {path: c for path, c in given.files.items() if path.startswith(SOFTWARE)}
    if given.bitstream:
        chosen |= {f"{BITSTREAM}{path}": content for path, content in given.bitstream.items()}
    else:
        chosen |= {p: c for p, c in given.files.items() if p.startswith(SOURCES)}
    chosen |= runtime_files() | dict(systemd_files(_transport(given)).files)
    named = name or deployment.name
    host_nodes = deployment.before is None or deployment.after is None
    parts = parts_of(chosen, deployment.version, dict(given.tools))
    needs = needs_of(host_nodes=host_nodes)
    chosen["sbom.cdx.json"] = sbom_text(
        named, version, parts, needs,
        network_file=given.network_file, network_sha256=given.network_sha256,
    ).encode()  # fmt: skip
    chosen["LICENSES.md"] = rendered(
        "LICENSES.md.j2", parts=parts, needs=needs, contents=contents,
        network={"file": given.network_file, "sha256": given.network_sha256},
    )  # fmt: skip
    chosen["licenses/Apache-2.0.txt"] = licence_text()
    chosen["MODEL_CARD.md"] = model_card(
        named, version, Facts(given.report), deployment, _ranges(given.files),
        self_test_frames=frames, built=given.built,
    )  # fmt: skip
    facts = {
        "name": named, "version": version, "identity": deployment.identity,
        "board": deployment.board, "clock_mhz": deployment.clock_mhz,
        "engine": deployment.engine, "fpgacomp": deployment.version, "contents": contents,
        "network": {"file": given.network_file, "sha256": given.network_sha256},
        "self_test_frames": frames,
    }  # fmt: skip
    return PackageContents(chosen, manifest_bytes(facts, chosen))


def _transport(given: PackageInputs) -> str:
    """The way to the board, over a UART at the rate of the bitstream that the package holds."""
    board = Facts(given.report).at("board")
    built = None if given.built is None else given.built.number("host_link.baud")
    # Sources have no rate before they are built; the board's is what they are built with.
    baud = board.number("uart_baud") if given.built is None else built
    return transport_of(board.text("host"), board.text("family"), baud)


def runtime_files() -> dict[str, bytes]:
    """The device runtime, under the name that it has on a device."""
    folder = Path(fpgacomp.runtime.__file__).parent
    return {
        f"{RUNTIME}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in RUNTIME_FILES and path.is_file()
    }


def _deployment(files: Mapping[str, bytes], folder: Path) -> Deployment:
    content = files.get(SOFTWARE + FILE)
    if content is None:
        why = f"has no {SOFTWARE}{FILE}, by which a device knows the design."
        raise PackageError(str(folder), why, f"{_AGAIN} A board needs ports that it can reach.")
    try:
        return Deployment.parse(content, folder / "software")
    except DescriptionError as error:
        raise PackageError(f"{folder}/{SOFTWARE}{FILE}", error.why, _AGAIN) from error


def _checked_self_test(files: Mapping[str, bytes], deployment: Deployment) -> int:
    """How many frames the self-test has; each must be what the oracle computes.

    Raises:
        PackageError: one is not, or the description is that of another graph.
    """
    graph = _graph(files)
    if codec.identity(graph) != deployment.identity:
        why = "describes another design than graph.json."
        raise PackageError(SOFTWARE + FILE, why, _AGAIN)
    frames = {
        port.tensor: _stored_frames(files, port)
        for port in (*deployment.inputs, *deployment.outputs)
    }
    counts = {len(array) for array in frames.values()}
    if len(counts) != 1:
        raise PackageError(f"{SOFTWARE}{SELF_TEST}", "holds different numbers of frames.", _AGAIN)
    found = interpreter.run(graph, {port.tensor: frames[port.tensor] for port in deployment.inputs})
    for port in deployment.outputs:
        if (found[port.tensor] != frames[port.tensor]).any():
            why = f"holds other integers of {port.tensor} than the integer graph computes."
            raise PackageError(f"{SOFTWARE}{SELF_TEST}", why, _AGAIN)
    return counts.pop()


def _stored_frames(files: Mapping[str, bytes], port: FramePort) -> IntArray:
    """The frames of a port's self-test, [N, *shape]."""
    path = f"{SOFTWARE}{SELF_TEST}/{port.port}.bin"
    content = files.get(path, b"")
    if not content or len(content) % port.frame_bytes:
        raise PackageError(path, "is missing, or does not hold whole frames.", _AGAIN)
    return from_containers(port, np.frombuffer(content, port.dtype).reshape(-1, port.size))


def _graph(files: Mapping[str, bytes]) -> Graph:
    try:
        return codec.from_json(files["graph.json"].decode())
    except (KeyError, UnicodeDecodeError, RecursionError) as error:
        raise PackageError("graph.json", "is missing or damaged.", _AGAIN) from error
    except ModelError as error:
        raise PackageError(error.where, error.why, _AGAIN) from error


def _ranges(files: Mapping[str, bytes]) -> Mapping[str, Any]:
    """The ranges of the inputs, from the software side in ONNX."""
    try:
        return input_ranges(onnx.load_from_string(files["software/before.onnx"]))
    except (KeyError, DecodeError) as error:
        raise PackageError("software/before.onnx", "is missing or damaged.", _AGAIN) from error
