"""What a package's model card says: figures of the build's report, and what is not known."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath, PureWindowsPath

from fpgacomp.data.metrics import METRICS, Metric
from fpgacomp.deploy.package.facts import Facts
from fpgacomp.deploy.package.input_range import InputRange
from fpgacomp.deploy.package.texts import rendered
from fpgacomp.deploy.systemd import transport_of
from fpgacomp.runtime.deployment import Deployment

_RESOURCES = ("lut", "ff", "dsp", "bram18", "uram")
_FIGURES = {
    **METRICS,
    "top1": Metric("top1", "accuracy (top 1)"),
    "score": Metric("score", "mean score of all outputs", is_share=False),
}
_STAGES = {"csynth": "C synthesis", "logic_synth": "logic synthesis"}


def model_card(
    name: str,
    version: int,
    report: Facts,
    deployment: Deployment,
    ranges: Mapping[str, InputRange | None],
    *,
    self_test_frames: int,
    built: Facts | None = None,
) -> bytes:
    """The model card in Markdown.

    Args:
        name, version: of the package.
        report: the build's report.json.
        deployment: the build's software/deployment.json.
        ranges: of each network input, in its own units.
        self_test_frames: how many frames the package holds for the self-test.
        built: the report.json of the bitstream; None where the package holds sources.
    """
    return rendered(
        "MODEL_CARD.md.j2",
        name=name,
        version=version,
        facts=list(_design(report, deployment, built)),
        task=list(_task(report)),
        accuracy=list(_accuracy(report)),
        compression=_compression(report),
        exactness=list(_exactness(report, self_test_frames)),
        speed=[*_speed(report), *(() if built is None else built_lines(built))],
        stage=_stage(report),
        resources=list(_resources(report)),
        placed="" if built is None else placed_line(built),
        limits=list(_limits(report, deployment, ranges)),
    )


def built_lines(report: Facts) -> Iterator[str]:
    """What the build of a bitstream found out, from its report.json."""
    tools = report.get("tools")
    named = "tools that its report does not name"
    if isinstance(tools, Mapping) and tools:
        named = ", ".join(f"{tool} {version}" for tool, version in sorted(tools.items()))
    if report.at("brought").values:
        yield from _brought_lines(report, named if tools else "")
        return
    wanted, achieved = report.number("clock_mhz.wanted"), report.number("clock_mhz.achieved")
    if achieved is not None:
        asked = f", {wanted:g} MHz wanted" if wanted is not None else ""
        yield f"Clock after place and route, by {named}: {achieved:g} MHz{asked}."
    else:
        yield f"The bitstream was built with {named}; its timing was met, as its report says."
    runs_at = report.number("clock_mhz.set")
    if runs_at is not None:
        yield f"The bitstream sets its clock to {runs_at:g} MHz."
    seed = report.number("seed")
    if seed is not None:
        yield f"Place and route began from seed {seed:.0f}."
    rate = report.number("host_link.frames_per_second")
    if rate is not None:
        yield f"Predicted with the host link: {rate:,.0f} frames a second."


def _brought_lines(report: Facts, tools: str) -> Iterator[str]:
    """What is known of a bitstream that somebody brought."""
    by = f" by {tools}, as it says of itself" if tools else ""
    files = report.get("brought.files")
    for path in sorted(files) if isinstance(files, Mapping) else ():
        digest = Facts(files[path]).text("sha256") or "not known"
        yield f"{path} was brought in by hand: fpgacomp did not build it. SHA-256 {digest}."
    yield f"The bitstream was built elsewhere{by}."
    if checked := report.texts("brought.checked"):
        yield f"Checked when it was brought: {'; '.join(checked)}."
    yield from report.texts("brought.unchecked")
    if report.text("brought.timing") == "met":
        setup = report.number("slack_ns.setup")
        slack = "" if setup is None else f", with {setup:g} ns to spare"
        yield f"Its clock is met, as the timing report says that came with it{slack}."
    runs_at = report.number("clock_mhz.set")
    if runs_at is not None:
        yield f"The bitstream sets its clock to {runs_at:g} MHz."


def placed_line(report: Facts) -> str:
    """What the bitstream takes, as place and route counted it; "" where its report does not say."""
    resources = report.get("resources")
    found = []
    for name in sorted(resources) if isinstance(resources, Mapping) else ():
        row = Facts(resources[name])
        used, available = row.number("used"), row.number("available")
        if used is not None:
            found.append(f"{name} {used:,.0f} of {_count(available)}")
    return f"After place and route: {'; '.join(found)}." if found else ""


def _design(
    report: Facts, deployment: Deployment, built: Facts | None
) -> Iterator[tuple[str, str]]:
    model = report.at("model")
    yield "network", f"{_file(model.text('file'))}, SHA-256 {model.text('sha256') or 'not known'}"
    for heading, key in (("parameters", "parameters"), ("multiply-accumulates a frame", "macs")):
        yield heading, _count(model.number(key))
    part = report.text("board.part") or "not known"
    yield "board", f"{report.text('board.title') or deployment.board}, part {part}"
    yield "clock", f"{deployment.clock_mhz:g} MHz"
    yield "engine", f"{deployment.engine} of fpgacomp {deployment.version}"
    yield "identity of the design", deployment.identity
    if built is None:
        what = "the sources of the design; a vendor's or an open tool makes the bitstream of them"
        yield "holds", what
        return
    brought = " that was brought in by hand" if built.at("brought").values else ""
    yield "holds", f"the bitstream{brought}"
    if command := built.texts("program"):
        yield "loaded in bitstream/ by", shlex.join(command)
    baud = built.number("host_link.baud")
    if baud is not None:
        port = transport_of("none", None, baud)
        yield "reached over", f"a UART at {baud:,.0f} baud, for instance --transport {port}"


def _task(report: Facts) -> Iterator[str]:
    found = report.text("accuracy.task_found")
    yield f"Task: {found or 'not known, as the network was compiled without labels'}."
    samples = report.number("accuracy.samples")
    if samples is not None:
        yield f"Samples that were scored: {samples:,.0f} of {_file(report.text('options.inputs'))}."
    held_out = report.text("accuracy.held_out_of")
    if held_out:
        yield f"They are a part that is held out of {_file(held_out)}; the network may have been trained on all of it."  # noqa: E501
    yield "Data that the network was trained on: not known to fpgacomp."


def _accuracy(report: Facts) -> Iterator[tuple[str, str]]:
    for key, value in report.at("accuracy").numbers():
        output, _, figure = key.rpartition(".")
        metric = _FIGURES.get(figure)
        if metric is not None:
            yield f"{output}: {metric.title}" if output else metric.title, metric.text(value)


def _compression(report: Facts) -> str:
    quantized = report.flag("model.quantized_here")
    if quantized:
        return "Quantization: by fpgacomp, when the network was compiled."
    before = "not by fpgacomp's compile, but before" if quantized is False else "not known"
    return f"Quantization: {before}. Other compression: not known."


def _exactness(report: Facts, frames: int) -> Iterator[str]:
    exact = report.at("exactness")
    vectors, mismatches = exact.number("vectors"), exact.number("network_mismatches")
    if vectors and mismatches is not None:
        ties = exact.number("ties") or 0
        yield (f"Integer graph and network in float64, by fpgacomp, {vectors:,.0f} vectors: "
               f"{mismatches:,.0f} integers differ, and {ties:,.0f} at a rounding "
               "boundary.")  # fmt: skip
    else:
        yield "Integer graph and network in float64: not compared."
    integers = exact.number("integers")
    each = f", {integers:,.0f} integers each" if integers else ""
    for title, key in (
        ("Emitted C++ in C-simulation", "csim_mismatches"),
        ("Emitted C++, loop by loop on arbitrary-precision types", "hls_mismatches"),
        ("Emitted SystemVerilog, cycle by cycle", "rtl_mismatches"),
        ("FINN's own execution", "finn_mismatches"),
    ):
        found = exact.number(key)
        if found is None:
            yield f"{title}: not run when the network was compiled."
        else:
            count = _vectors(exact, key, vectors)
            more = each if key == "csim_mismatches" else ""
            yield f"{title} and integer graph, by fpgacomp, {count} vectors{more}: {found:,.0f} integers differ."  # noqa: E501
    top1 = exact.number("float32.top1")
    if top1 is not None:
        samples = exact.number("float32.samples") or 0
        yield (f"Integer graph and network in float32, by fpgacomp, {samples:,.0f} vectors: the "
               f"largest output is the same on {100 * top1:.4g} % of them.")  # fmt: skip
    yield (f"The package holds {frames:,} frames with the integers that every output must give, "
           "for the self-test on the device.")  # fmt: skip
    yield "On a device, fpgacomp has measured nothing."


def _vectors(exact: Facts, key: str, vectors: float | None) -> str:
    """How many vectors a check ran on, where the report says so."""
    level = {"hls_mismatches": "hls", "rtl_mismatches": "rtl"}.get(key)
    if key == "finn_mismatches":
        vectors = exact.number("finn_vectors")
    elif level is not None:
        further = exact.get("further")
        found = [Facts(item) for item in further] if isinstance(further, list) else []
        vectors = next((f.number("vectors") for f in found if f.text("level") == level), None)
    return "an unknown number of" if vectors is None else f"{vectors:,.0f}"


def _speed(report: Facts) -> Iterator[str]:
    for title, key in (("Latency", "latency_cycles"), ("Interval of frames", "interval_cycles")):
        found = report.at(f"estimate.{key}")
        value = found.number("value")
        if value is None:
            yield f"{title}: not known."
        else:
            low, high = _count(found.number("low")), _count(found.number("high"))
            yield f"{title}: {value:,.0f} clock cycles predicted by fpgacomp ({low} to {high})."
    clock, fps = report.number("estimate.clock_mhz"), report.number("estimate.frames_per_second")
    if clock and fps:
        yield f"That is {fps:,.0f} frames a second at {clock:g} MHz, if the clock is met."
    rtl = report.at("measured.rtl")
    latency, interval = rtl.number("latency_cycles"), rtl.number("interval_cycles")
    if latency is None and interval is None:
        yield "Clock cycles in RTL simulation: not measured."
    else:
        yield (f"In RTL simulation by fpgacomp: latency {_count(latency)} and interval "
               f"{_count(interval)} clock cycles, on {_count(rtl.number('frames'))} "
               "frames.")  # fmt: skip
    yield "Time on a device, with its transfers and software: not measured."


def _stage(report: Facts) -> str:
    level, stage = report.number("estimate.level"), report.text("estimate.stage")
    share = f"{100 * level:.0f} % of" if level else "most"
    told = _STAGES.get(stage or "", stage or "an unknown stage")
    return f"Predicted by fpgacomp for {told}; the range is to hold {share} designs."


def _resources(report: Facts) -> Iterator[dict[str, str]]:
    for key in _RESOURCES:
        row = report.at(f"estimate.resources.{key}")
        if row.values:
            yield {
                "name": key.upper(),
                **{column: _count(row.number(column))
                   for column in ("value", "low", "high", "available")},
            }  # fmt: skip


def _limits(
    report: Facts, deployment: Deployment, ranges: Mapping[str, InputRange | None]
) -> Iterator[str]:
    shapes = report.at("model.inputs")
    for name, found in ranges.items():
        shape = shapes.get(name)
        size = f" ({' x '.join(map(str, shape))})" if isinstance(shape, list) else ""
        if found is None:
            yield f"Input {name}{size}: its range in the network's units is not known."
        else:
            steps = "at most " if found.by_channel else ""
            channels = " Channels differ; these are the outermost ends." if found.by_channel else ""
            yield (f"Input {name}{size}: {found.low:g} to {found.high:g} in the network's own "
                   f"units, in steps of {steps}{found.step:g}. What lies outside is taken as the "
                   f"nearest end, without an error.{channels}")  # fmt: skip
    yield "An input that is not a finite number is refused by the device runtime."
    for port in deployment.inputs:
        yield f"Integers of {port.tensor} at the hardware: {port.lowest:,} to {port.highest:,}."
    certainty = report.text("verdict.certainty")
    if certainty in ("probable", "doubtful"):
        yield f"Whether the design fits the board is {certainty} before it is synthesized."
    yield from (f"Warning of the compiler: {line}" for line in report.texts("warnings"))
    yield "Behaviour on inputs unlike those above, and fitness for a purpose: not known."


def _file(path: str | None) -> str:
    """The name of a file without its folders, which belong to one machine."""
    name = PureWindowsPath(PurePosixPath(path or "").name).name
    return name or "a source that the report does not name"


def _count(value: float | None) -> str:
    return "not known" if value is None else f"{value:,.0f}"
