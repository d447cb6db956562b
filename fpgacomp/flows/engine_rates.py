"""`fpgacomp evaluate --engines`: whether the FPGA pays, beside engines in software."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Literal

import numpy as np
import onnx

from fpgacomp.devices.board import BoardPower
from fpgacomp.devices.read import list_boards, load_board
from fpgacomp.errors import FpgacompError, PackageError, ToolError, UsageError, raise_all
from fpgacomp.evidence.software import with_free_batch
from fpgacomp.flows import measured_folder
from fpgacomp.flows.build_facts import BuildFacts, build_facts
from fpgacomp.flows.estimate import estimate
from fpgacomp.flows.export import export
from fpgacomp.flows.options import Options
from fpgacomp.frontend import open_network
from fpgacomp.host.progress import Observer, silent
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.software_engines import SoftwareEngine, engine_of, open_on
from fpgacomp.report.build_files import read_bitstream
from fpgacomp.results.engine_rates import EngineRates, Rate
from fpgacomp.runtime.form import MAX_BYTES

if TYPE_CHECKING:
    import onnxruntime

BATCH = 64
_WARM_UP, _LEAST = 20, 30  # runs before anything counts, and the fewest that count
_ESTIMATE = "stated by you"


def engine_rates(
    sources: Sequence[str | Path],
    engines: Sequence[str],
    *,
    board: str | Path | None = None,
    options: Options | None = None,
    fpga_watts: float | None = None,
    engine_watts: float | None = None,
    seconds: float = 1.0,
    observer: Observer = silent,
) -> EngineRates:
    """Measure latency and throughput of networks on engines in software, beside the FPGA's cycles.

    Of a build directory its QDQ export is run, and its report says what the hardware does. A
    network file is run as it is where its operators are standard ones (float32), and its QDQ export
    where it is quantized; with a board, its hardware is estimated. Energy is watts over samples
    per second, and as good as the watts that were stated.

    Args:
        sources: build directories and network files.
        engines: names of `fpgacomp.network.software_engines.ENGINES`.
        board: to estimate network files for; None leaves the hardware out of them.
        options: target and backend of these estimates.
        fpga_watts: what the board takes while it computes. Without it, the power of an imported
            report counts, where a build has one, and else what the board file states as typical.
        engine_watts: what the processor or accelerator of the engines takes.
        seconds: how long each figure is measured, at least.
        observer: told each source.

    Raises:
        UsageError: no source, no or an unknown engine, or watts that are not possible.
        ToolError: an engine is not installed, with what installs it.
        FpgacompError: nothing of a source can be run.
    """
    if not sources or not engines:
        raise UsageError("--engines", "names nothing to measure.", "name a source and an engine.")
    for option, watts in (("--fpga-watts", fpga_watts), ("--engine-watts", engine_watts)):
        if watts is not None and not 0 < watts < 1e5:
            raise UsageError(f"{option} {watts:g}", "is not possible.", "give watts above 0.")
    chosen = _installed(engines)
    rates: list[Rate] = []
    notes: list[str] = []
    for source in sources:
        observer(str(source), None)
        forms: dict[Literal["float32", "qdq"], onnx.ModelProto] = {}
        if Path(source).is_dir():
            facts = build_facts(Path(source))
            rates.append(_of_build(str(source), facts, board, fpga_watts, notes))
            forms["qdq"] = export(source, options=Options(vectors=16)).model
        else:
            forms = _of_file(source, notes)
            if board is not None and "qdq" in forms:
                rates.append(_estimated(source, board, options or Options(), fpga_watts))
        for form, model in forms.items():
            for engine in chosen:
                found = _measured(str(source), form, model, engine, seconds, notes)
                rates.append(replace(
                    found, watts=engine_watts, watts_from=_ESTIMATE if engine_watts else "",
                ))  # fmt: skip
        observer(str(source), 1.0)
    return EngineRates(tuple(rates), tuple(dict.fromkeys(notes)))


def _installed(names: Sequence[str]) -> list[SoftwareEngine]:
    """The engines; all that are missing are told at once."""
    found, missing = [], list[FpgacompError]()
    for name in dict.fromkeys(names):
        try:
            found.append(engine_of(name))
        except FpgacompError as error:
            missing.append(error)
    raise_all(missing)
    return found


def _of_build(
    source: str,
    facts: BuildFacts,
    board: str | Path | None,
    watts: float | None,
    notes: list[str],
) -> Rate:
    """What a build's report says, with the power that Vivado estimates where it was imported."""
    stated = "" if watts is None else _ESTIMATE
    if watts is None and (reported := _reported_watts(source, facts, notes)) is not None:
        watts, stated = reported, "the imported power report, of the chip alone"
    if watts is None and (power := _board_power(facts.board, board)) is not None:
        watts, stated = power.typical, f"typical of the board: {power.source}"
    latency, interval = facts.figures["latency"].value, facts.figures["interval"].value
    if (
        most := _carried(source, facts, notes)
    ) is not None and most < facts.clock_mhz * 1e6 / interval:
        notes.append(
            f"{source}: its accelerator does {facts.clock_mhz * 1e6 / interval:,.0f} samples/s; "
            f"the host link of its bitstream carries {most:,.0f}, which counts."
        )
        interval = facts.clock_mhz * 1e6 / most
    notes.append(
        "the hardware's figures are its estimate in cycles at the clock of the design, without "
        "the time that samples take to the board and back."
    )
    return _hardware(source, facts.board, facts.clock_mhz, latency, interval, watts, stated)


def _board_power(name: str, given: str | Path | None) -> BoardPower | None:
    """What the file of a build's board states: the one that is given, or one that ships."""
    boards = list_boards() if given is None else [load_board(given), *list_boards()]
    return next((board.power for board in boards if board.name == name), None)


def _reported_watts(source: str, facts: BuildFacts, notes: list[str]) -> float | None:
    """Watts of an imported power report; None without one, or where it is not of this build."""
    try:
        reports = measured_folder.imported(facts)
        stages = measured_folder.measured(facts, reports).stages if reports else ()
    except FpgacompError as error:
        notes.append(f"{source}: what was measured of it is left out: {error}")
        return None
    return next((x.power_w for x in reversed(stages) if x.power_w is not None), None)


def _carried(source: str, facts: BuildFacts, notes: list[str]) -> float | None:
    """Samples a second that the host link of a build's bitstream carries; None without one."""
    try:
        built = read_bitstream(facts.folder, facts.digest, most_bytes=MAX_BYTES)
    except PackageError as error:
        notes.append(f"{source}: its bitstream is left out: {error}")
        return None
    report = {} if built is None else built.report
    link = report.get("host_link") if isinstance(report, dict) else None
    most = link.get("frames_per_second") if isinstance(link, dict) else None
    return float(most) if isinstance(most, int | float) and most > 0 else None


def _estimated(
    source: str | Path, board: str | Path, options: Options, watts: float | None
) -> Rate:
    report = estimate(source, board, options=options)
    if not report.verdict.fits:
        raise UsageError(f"--board {board}", f"does not hold {source}.", "name a larger board.")
    found, power = report.estimate, report.board.power
    stated = "" if watts is None else _ESTIMATE
    if watts is None and power is not None:
        watts, stated = power.typical, f"typical of the board: {power.source}"
    return _hardware(
        str(source), report.board.name, found.clock_mhz, found.latency_cycles.value,
        found.interval_cycles.value, watts, stated,
    )  # fmt: skip


def _hardware(
    source: str, board: str, clock: float, latency: float, interval: float,
    watts: float | None, stated: str,
) -> Rate:  # fmt: skip
    return Rate(
        source, "hardware", "fpga", f"{board} at {clock:g} MHz", latency / clock, None,
        clock * 1e6 / interval, 1, False, watts, stated,
    )  # fmt: skip


def _of_file(
    source: str | Path, notes: list[str]
) -> dict[Literal["float32", "qdq"], onnx.ModelProto]:
    """The network as it is, and its QDQ export, as far as there are such."""
    network = open_network(source)
    found: dict[Literal["float32", "qdq"], onnx.ModelProto] = {}
    if all(node.domain in ("", "ai.onnx") for node in network.original.graph.node):
        found["float32"] = network.original
    else:
        notes.append(f"{source}: has operators that no engine knows, so that only its QDQ "
                     "export is run; name its float original beside it.")  # fmt: skip
    try:
        found["qdq"] = export(source, options=Options(vectors=16)).model
    except FpgacompError as error:
        notes.append(f"{source}: has no QDQ export: {error}")
    if not found:
        raise ToolError(str(source), "has no form that an engine runs.", "see the notes above.")
    return found


# ---- measuring


def _measured(
    source: str,
    form: Literal["float32", "qdq"],
    model: onnx.ModelProto,
    engine: SoftwareEngine,
    seconds: float,
    notes: list[str],
) -> Rate:
    trials = [
        _Trial(threads, list(_times(open_on(engine, model, threads), 1, seconds)),
               *_together(engine, model, threads, seconds))
        for threads in engine.threads
    ]  # fmt: skip
    alone = min(trials, key=lambda trial: float(np.median(trial.times)))
    best = max(trials, key=lambda trial: trial.rate)
    if best.batch == 1:
        notes.append(f"{source} ({form}): keeps its batch of 1, so that its rate is of that.")
    devices = dict.fromkeys(engine.device(trial.threads) for trial in (alone, best))
    return Rate(
        source, form, engine.name, "; rate: ".join(devices),
        latency_us=1e6 * float(np.median(alone.times)),
        latency_p99_us=1e6 * float(np.quantile(alone.times, 0.99)),
        samples_per_second=best.rate, batch=best.batch, measured=True,
    )  # fmt: skip


@dataclass(frozen=True)
class _Trial:
    """What so many threads gave: seconds of single samples, and the rate of batches."""

    threads: int
    times: list[float]
    batch: int
    rate: float


def _together(
    engine: SoftwareEngine, model: onnx.ModelProto, threads: int, seconds: float
) -> tuple[int, float]:
    """(samples at once, samples per second)."""
    batch, session = _batched(engine, model, threads)
    times = list(_times(session, batch, seconds))
    return batch, batch * len(times) / sum(times)


def _batched(
    engine: SoftwareEngine, model: onnx.ModelProto, threads: int
) -> tuple[int, onnxruntime.InferenceSession]:
    """(samples at once, a session that takes them), one by one where the network is made so."""
    for free in (model, with_free_batch(model)):
        try:
            session = open_on(engine, free, threads)
            session.run(None, _feeds(session, BATCH))
            return BATCH, session
        except Exception:  # ONNX Runtime has no class for its errors
            continue
    # What stops it from running at all is told by the first run of `_times`; the table says 1.
    return 1, open_on(engine, model, threads)


def _times(session: onnxruntime.InferenceSession, batch: int, seconds: float) -> Iterator[float]:
    """Seconds of each run, after some that do not count."""
    feeds = _feeds(session, batch)
    for _ in range(_WARM_UP):
        session.run(None, feeds)
    begin, count = perf_counter(), 0
    while count < _LEAST or perf_counter() - begin < seconds:
        start = perf_counter()
        session.run(None, feeds)
        yield perf_counter() - start
        count += 1


def _feeds(session: onnxruntime.InferenceSession, batch: int) -> dict[str, AnyArray]:
    """Random samples; how long a network takes does not depend on their values."""
    draw = np.random.default_rng(0)
    found: dict[str, AnyArray] = {}
    for given in session.get_inputs():
        shape = [batch, *(size if isinstance(size, int) else 1 for size in given.shape[1:])]
        dtype = _TYPES.get(given.type)
        if dtype is None:
            why = f"has the type {given.type}, of which no samples are made."
            raise ToolError(f"the input {given.name}", why, "leave this network out.")
        found[given.name] = draw.uniform(0, 1, shape).astype(dtype)
    return found


_TYPES = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8, "tensor(int32)": np.int32, "tensor(int64)": np.int64,
}  # fmt: skip
