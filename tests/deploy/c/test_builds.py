"""The folder software/c of a build compiles without a warning, and answers as the network does."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from fpgacomp.deploy.c.project import FOLDER, c_driver, c_files
from fpgacomp.errors import ToolError
from fpgacomp.flows.compile import compile
from fpgacomp.flows.emulate import emulate
from fpgacomp.flows.options import Options
from fpgacomp.flows.simulate import simulate
from fpgacomp.ir import codec, interpreter
from fpgacomp.results.project import Project
from fpgacomp.results.target import Target
from fpgacomp.runtime.accelerator import from_containers
from fpgacomp.runtime.deployment import FILE, Deployment
from tests.support import c_drivers
from tests.support.c_drivers import COMPILERS, PROGRAMS, SANITIZERS, WARNINGS
from tests.support.depth import deep
from tests.support.frontend_runs import node
from tests.support.ordinary_networks import convolution, network, quantized, weights
from tests.support.paths import EXAMPLES

pytestmark = c_drivers.needs_gcc
DIGITS = EXAMPLES / "digits_cnn"
STUBS = PROGRAMS / "stubs"


def two_inputs() -> onnx.ModelProto:
    """Two inputs, and a label beside the scores."""
    nodes = [
        quantized("other", "p"), quantized("w", "v", "sw", "bw"), node("MatMul", ["q", "v"], "m"),
        node("MatMul", ["p", "v"], "n"), node("Add", ["m", "n"], "y"),
        node("ArgMax", ["y"], "label", axis=1, keepdims=0),
    ]  # fmt: skip
    model = network(nodes, [1, 4], output="y", w=weights(4, 3))
    model.graph.input.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, [1, 4]))
    model.graph.output.append(helper.make_tensor_value_info("label", TensorProto.INT64, [1]))
    return model


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Builds of digits and of a network with two inputs."""
    place = tmp_path_factory.mktemp("c builds")
    plain = {"csim": False, "checks": "quick"}
    digits = Options(backend="hls4ml", inputs=DIGITS / "test_inputs.npy", **plain)  # type: ignore[arg-type]
    two = Options(backend="stream", vectors=9, **plain)  # type: ignore[arg-type]
    found = {name: place / name for name in ("digits", "two")}
    compile(DIGITS / "model.onnx", "pynq-z2", out=found["digits"], options=digits)
    compile(two_inputs(), "zcu104", out=found["two"], options=two)
    return found


def name_of(build: Path) -> str:
    (source,) = (build / FOLDER).glob("*_deployment.c")
    return source.name.removesuffix("_deployment.c")


@pytest.mark.slow
@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_file_compiles_without_a_warning(
    builds: dict[str, Path], compiler: str, tmp_path: Path
) -> None:
    folder = builds["two"] / FOLDER
    sources = sorted(folder.rglob("*.c"))
    assert len(sources) >= 11
    command = [compiler, *WARNINGS, "-O2", f"-I{folder}", f"-I{STUBS}", "-c", *map(str, sources)]
    c_drivers.run(command, tmp_path)
    for system in ("BAREMETAL", "ZEPHYR"):
        main = [*command[: -1 * len(sources)], f"-DFPGACOMP_{system}", str(folder / "main.c")]
        c_drivers.run(main, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("clang") is None, reason="no clang")
@pytest.mark.parametrize("target", ["armv7a-linux-gnueabihf", "i686-linux-gnu"])
def test_processors_of_32_bits_take_every_file(
    target: str, builds: dict[str, Path], tmp_path: Path
) -> None:
    """Checked, not linked: with this machine's headers, and empty lists of missing functions."""
    headers = Path(f"/usr/include/{platform.machine()}-linux-gnu")
    if not headers.is_dir():
        pytest.skip("the C library's headers are not where Debian has them")
    (tmp_path / "gnu").mkdir()
    for name in ("stubs-32.h", "stubs-hard.h"):
        (tmp_path / "gnu" / name).touch()
    folder = builds["two"] / FOLDER
    flags = ["-msse2", "-mfpmath=sse"] if target.startswith("i686") else []
    c_drivers.run(
        ["clang", f"--target={target}", *flags, *WARNINGS, "-fsyntax-only", f"-I{folder}",
         f"-I{STUBS}", "-isystem", str(headers), "-isystem", str(tmp_path),
         *map(str, sorted(folder.rglob("*.c")))],
        tmp_path,
    )  # fmt: skip


# Functions of string.h and math.h, the latter in both precisions, and a name that a linker knows.
REAL = ("floor", "ceil", "fmod", "exp", "log", "tanh", "erf", "sqrt", "fabs", "copysign")
ALLOWED = {"memcpy", "memset", "memcmp", *REAL, *(f"{name}f" for name in REAL),
           "_GLOBAL_OFFSET_TABLE_"}  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nm") is None, reason="nm is not installed")
def test_the_core_needs_nothing_of_the_c_library_but_string_and_math(
    builds: dict[str, Path], tmp_path: Path
) -> None:
    folder = builds["two"] / FOLDER
    parts = [f"driver/fpgacomp{part}" for part in ("", "_axi", "_dma", "_regs")]
    parts += [f"{name_of(builds['two'])}_deployment", f"{name_of(builds['two'])}_vectors"]
    sources = [str(folder / f"{part}.c") for part in parts]
    flags = ("-O1", "-Wvla", "-fno-builtin", "-fno-stack-protector", f"-I{folder}")
    c_drivers.run(["gcc", *WARNINGS, *flags, "-c", *sources], tmp_path)
    objects = sorted(map(str, tmp_path.glob("*.o")))
    assert len(objects) == len(sources)
    c_drivers.run(["ld", "-r", "-o", "whole.o", *objects], tmp_path)
    missing = c_drivers.run(["nm", "-u", "whole.o"], tmp_path).splitlines()
    assert {line.split()[-1] for line in missing} <= ALLOWED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("-U__BYTE_ORDER__", "-D__BYTE_ORDER__=__ORDER_BIG_ENDIAN__"), "little-endian processors"),
        (("-U__BYTE_ORDER__",), "does not say its byte order"),
        (("-ffast-math",), "without -ffast-math"),
        (("-DFPGACOMP_SLOTS=3",), "power of two"),
    ],
)
def test_what_would_compute_otherwise_does_not_compile(
    flags: tuple[str, ...], why: str, builds: dict[str, Path]
) -> None:
    folder = builds["two"] / FOLDER
    source = str(folder / f"{name_of(builds['two'])}_deployment.c")
    command = ["gcc", *flags, "-std=c99", "-fsyntax-only", f"-I{folder}", source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and why in done.stderr


def test_a_build_is_never_touched_by_compiling_it(builds: dict[str, Path]) -> None:
    assert not list((builds["two"] / FOLDER).rglob("*.o"))


@pytest.mark.slow
@pytest.mark.parametrize("which", ["digits", "two"])
def test_answers_are_the_networks(which: str, builds: dict[str, Path], tmp_path: Path) -> None:
    """Both software sides in C, and the integer graph in between."""
    build = builds[which]
    design = Deployment.read(build / "software")
    graph = codec.from_json((build / "graph.json").read_text())
    assert design.before is not None
    if which == "digits":
        samples = {"image": np.load(DIGITS / "test_inputs.npy")}
        assert len(samples["image"]) == 450
    else:
        rng = np.random.default_rng(1)
        shape = (200, 4)
        samples = {n: rng.normal(size=shape).astype("float32") * 4 for n in design.before.inputs}
    folder = tmp_path / "c"
    shutil.copytree(build / FOLDER, folder)
    program = c_drivers.compiled(folder, name_of(build), PROGRAMS / "sides.c", core=("fpgacomp",),
                                 flags=SANITIZERS)  # fmt: skip
    frames = c_drivers.to_frames(program, design, samples)
    integers = {p.tensor: from_containers(p, f) for p, f in zip(design.inputs, frames)}
    for port, wanted in zip(design.inputs, design.before.run(samples).values()):
        np.testing.assert_array_equal(integers[port.tensor], wanted)
    values = interpreter.run(graph, integers)
    answers = [values[p.tensor].reshape(len(frames[0]), -1).astype(p.dtype) for p in design.outputs]
    found = c_drivers.from_frames(program, design, answers)
    given = samples if len(samples) > 1 else next(iter(samples.values()))
    for name, wanted in simulate(build, given).outputs.items():
        np.testing.assert_array_equal(found[name], wanted, err_msg=name)


def demo_of(build: Path, tmp_path: Path) -> Path:
    """The demo of a build, made by its own Makefile."""
    folder = tmp_path / "c"
    shutil.copytree(build / FOLDER, folder)
    c_drivers.run(["make", "CFLAGS=-O2 -Werror"], folder)
    return folder / f"{name_of(build)}_demo"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_demo_says_what_it_misses(builds: dict[str, Path], tmp_path: Path) -> None:
    demo = demo_of(builds["two"], tmp_path)
    printed = c_drivers.run([str(demo)], tmp_path, code=1)
    assert printed.startswith("error 3: ") and "load the device-tree overlay" in printed


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("backend", ["stream", deep("hls4ml")])
def test_digits_through_the_emulator_are_the_oracles_on_every_image(
    backend: str, builds: dict[str, Path], tmp_path: Path
) -> None:
    build = builds["digits"]
    images = np.load(DIGITS / "test_inputs.npy").astype("float32")
    if backend == "stream":  # its SystemVerilog, cycle by cycle
        build = tmp_path / "stream"
        target = Target("area", fps=50_000)
        options = Options(csim=False, checks="quick", backend="stream", target=target,
                          inputs=DIGITS / "test_inputs.npy")  # fmt: skip
        compile(DIGITS / "model.onnx", "pynq-z2", out=build, options=options)
    try:
        library = emulate(build, trust=True)
    except ToolError as missing:
        pytest.skip(str(missing))
    demo = demo_of(build, tmp_path)
    (tmp_path / "images").write_bytes(images.tobytes())
    done = subprocess.run(
        [demo, "images", "scores"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"FPGACOMP_EMULATOR": str(library)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 mismatches" in done.stdout and "predicted: 450 samples" in done.stdout
    scores = np.frombuffer((tmp_path / "scores").read_bytes(), "float32").reshape(450, 10)
    (wanted,) = simulate(build, images).outputs.values()
    np.testing.assert_array_equal(scores, wanted)


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
@pytest.mark.slow
def test_cmake_builds_it(builds: dict[str, Path], tmp_path: Path) -> None:
    c_drivers.run(["cmake", "-S", str(builds["two"] / FOLDER), "-B", "built"], tmp_path)
    c_drivers.run(["cmake", "--build", "built"], tmp_path)
    assert list((tmp_path / "built").glob("*_demo"))


@pytest.mark.skipif(shutil.which("dtc") is None, reason="dtc is not installed")
@pytest.mark.parametrize(("which", "address"), [("digits", "43c00000"), ("two", "a0000000")])
def test_the_overlay_is_a_device_tree(
    which: str, address: str, builds: dict[str, Path], tmp_path: Path
) -> None:
    (source,) = (builds[which] / FOLDER).glob("*.dts")
    command = ["dtc", "-@", "-I", "dts", "-O", "dtb", "-o", "out.dtbo", str(source)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    back = c_drivers.run(["dtc", "-q", "-I", "dtb", "-O", "dts", "out.dtbo"], tmp_path)
    for node_name in (f"fpgacomp-control@{address} {{", 'device-name = "fpgacomp-buffer"'):
        assert node_name in back


@pytest.mark.slow
def test_a_software_side_that_c_does_not_do_gets_a_page_instead(tmp_path: Path) -> None:
    gains = np.array([1.0, 0.5, 2.0, 1.5])
    model = convolution(node("InstanceNormalization", ["c", "gains", "gains"], "y"), gains=gains)
    options = Options(vectors=9, csim=False, checks="quick", backend="stream")
    assert compile(model, "pynq-z2", out=tmp_path / "build", options=options).status == "ok"
    assert [path.name for path in (tmp_path / "build" / FOLDER).iterdir()] == ["README.md"]
    text = (tmp_path / "build" / FOLDER / "README.md").read_text()
    assert "where: software.after" in text and "only ONNX Runtime computes" in text


NASTY = '*/ #error "\\\n`${x}` | -->'
# None of them may end a comment, a literal, a line or a cell of a table.
NAMES = (NASTY, "int", "fpgacomp", "FPGACOMP_x", "é" * 80, "NULL", "9", "")


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_names_of_strangers_are_data(number: int, tmp_path: Path) -> None:
    name = NAMES[number]
    ports = [c_drivers.port(f"{name} {n}", 3) for n in range(2)] + [c_drivers.port(f"{name}_1", 2)]
    plain = c_drivers.deployment(ports, ports, name=name)
    design = replace(plain, version=NASTY, engine=NASTY, board=NASTY)
    frames = {port.port: bytes(port.frame_bytes) for port in ports}
    project = c_driver(design, frames, family="zynq-7000")
    for path, content in project.files.items():
        assert all(c.isalnum() or c in "_./" for c in path) and path.isascii() and len(path) < 100
        if "/driver/" not in path:
            text = content.decode("ascii")
            bare = re.sub(r'"[^"\n]*"', "", text) if path.endswith((".c", ".h")) else text
            assert "#error" not in bare and "`${" not in bare and "x}" not in bare, path
    project.write(tmp_path)
    folder = tmp_path / FOLDER
    sources = map(str, folder.glob("*.c"))
    c_drivers.run(["gcc", *WARNINGS, f"-I{folder}", "-fsyntax-only", *sources], tmp_path)


def test_a_description_that_no_device_reads_gets_a_page_instead() -> None:
    content = {f"software/{FILE}": b'{"format": 1, "name": "%s"}' % (b"x" * 2000)}
    files = c_files(Project(content), family="zynq-7000").files
    assert list(files) == [f"{FOLDER}/README.md"]
    assert b"what: identity is missing" in files[f"{FOLDER}/README.md"]


def test_stored_frames_of_large_networks_are_few(tmp_path: Path) -> None:
    port = c_drivers.port("in0", 50_000)
    design = c_drivers.deployment([port], [port])
    frames = {"in0": bytes(4 * 50_000)}
    files = c_driver(design, frames, family="zynq-7000").files
    assert b"design_test_in0[50000]" in files[f"{FOLDER}/design_vectors.c"]


def test_the_driver_of_a_description_is_the_one_of_the_build(
    builds: dict[str, Path], tmp_path: Path
) -> None:
    """compile writes what the description says, and nothing besides."""
    build = builds["digits"]
    design = Deployment.read(build / "software" / FILE)
    ports = (*design.inputs, *design.outputs)
    frames = {
        p.port: (build / "software" / "selftest" / f"{p.port}.bin").read_bytes() for p in ports
    }
    for path, content in c_driver(design, frames, family="zynq-7000").files.items():
        assert (build / path).read_bytes() == content
