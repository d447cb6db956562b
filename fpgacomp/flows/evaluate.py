"""Comparison of networks: each is executed on the test samples, and estimated for a board."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import onnx

import fpgacomp
from fpgacomp.compress import evaluate as stage
from fpgacomp.compress.evaluate import EvaluateOptions, ValueRange
from fpgacomp.compress.types import KerasModel
from fpgacomp.data.labelled import LabelledData, Samples, load_data
from fpgacomp.data.sources import DataSource
from fpgacomp.data.tasks import FIND, Task, TaskRequest
from fpgacomp.devices.board import Board
from fpgacomp.devices.read import load_board
from fpgacomp.errors import (
    FpgacompError,
    Problems,
    ToolError,
    UsageError,
    raise_all,
)
from fpgacomp.flows.estimate import estimate
from fpgacomp.flows.executor import executor, input_shape, reshape_samples
from fpgacomp.flows.options import Options
from fpgacomp.frontend import facts, open_network, output_forms
from fpgacomp.host.progress import Observer, silent
from fpgacomp.network.canonical import Network
from fpgacomp.network.onnx_file import stored_bytes
from fpgacomp.results.comparison import (
    BoardFigures,
    Candidate,
    Comparison,
    DisturbedScore,
    Footprint,
    Scores,
    TestSet,
)
from fpgacomp.results.estimate import Figure
from fpgacomp.results.report import Report

EvaluatedModel: TypeAlias = str | Path | onnx.ModelProto | KerasModel
QUANTIZE_FIRST = "is float: quantize first for the figures of a board."


def evaluate(
    models: Iterable[EvaluatedModel] | Mapping[str, EvaluatedModel],
    data: DataSource | LabelledData,
    *,
    test: DataSource | None = None,
    board: str | None = None,
    options: Options | None = None,
    evaluation: EvaluateOptions | None = None,
    task: TaskRequest = FIND,
    observer: Observer = silent,
) -> Comparison:
    """Compare networks on the test split of labelled data, and on a board.

    Args:
        models: ONNX (float, QONNX, QCDQ, FINN) or Keras files, or such models in memory; a
            mapping names them, otherwise the file does.
        data: samples with labels; see `load_data`. Only the test split is answered; the range
            of the disturbed samples is the training split's.
        test: a test set of its own, instead of a part held out of `data`.
        board: estimate quantized networks for this one; float ones are never quantized here.
        options: target, backend and bounds of the designs; calibration data is not used.
        evaluation: noise, brightness, attacks, and the score that the best must reach.
        task: what the networks are asked to tell; it is found from the first network's outputs
            and the labels where this does not say it.
        observer: told each network's name, and 1.0 when it is done.

    Returns:
        One candidate per model, in order. What failed for one is in its notes.

    Raises:
        UsageError: no model, an unknown board, an unknown network to transfer from.
        InputDataError: data that cannot be read.
        FpgacompError: no network could be scored at all; every reason.
    """
    evaluation = evaluation or EvaluateOptions()
    named = _named(models)
    the_board = None if board is None else load_board(board)
    samples = data if isinstance(data, LabelledData) else load_data(data, test)
    wanted = evaluation.transfer_from
    if wanted not in (None, stage.AUTO, *named):
        raise UsageError(
            "transfer_from", f"no network is called {wanted}.", f"name one of {', '.join(named)}."
        )
    runs = []
    for name, model in named.items():
        observer(name, None)
        runs.append(_Evaluation(name, model))
        samples = _score(runs[-1], samples, task, evaluation)
        if the_board is not None:
            _estimate(runs[-1], the_board, options or Options())
        observer(name, 1.0)
    if all(run.scores is None for run in runs):
        raise_all([problem for run in runs for problem in run.problems])
    source = _transfer(runs, samples, evaluation)
    return Comparison(
        fpgacomp=fpgacomp.__version__,
        test=_test_set(samples),
        candidates=tuple(run.candidate() for run in runs),
        board=None if the_board is None else the_board.name,
        board_title=None if the_board is None else the_board.title,
        transfer_from=source,
        seed=evaluation.seed,
        floor=_floor(runs, evaluation),
        floor_is_given=evaluation.floor is not None,
        at_one_pace=the_board is None or (options or Options()).target.goal == "area",
    )


def _test_set(samples: LabelledData) -> TestSet:
    inside, task = ValueRange.of(samples), samples.known_task
    return TestSet(
        samples.test_name or samples.name, len(samples.test), _classes(samples), inside.low,
        inside.high, samples.notes, task.kind, task.text, task.metric.key, samples.is_held_out,
    )  # fmt: skip


def _classes(samples: LabelledData) -> int | None:
    """How many classes the labels have; None where they are no classes."""
    if samples.known_task.kind not in ("classes", "binary"):
        return None
    splits = (samples.train, samples.validation, samples.test)
    return 1 + max(int(split.y.max()) for split in splits)


def _floor(runs: list[_Evaluation], evaluation: EvaluateOptions) -> float:
    """The score that a network must reach to be named the best by its costs."""
    if evaluation.floor is not None:
        return evaluation.floor
    best = max(run.scores.score for run in runs if run.scores is not None)
    return best - evaluation.max_drop


@dataclass
class _Evaluation:
    """What is known of one network so far; filled step by step while networks are compared."""

    name: str
    model: EvaluatedModel
    network: Network | None = None
    execute: stage.Execute | None = None
    gradient: stage.GradientAttack | None = None
    scores: Scores | None = None
    task: Task | None = None
    footprint: Footprint | None = None
    board: BoardFigures | None = None
    notes: list[str] = field(default_factory=list)
    problems: list[FpgacompError] = field(default_factory=list)

    @contextmanager
    def noting(self, what: str) -> Iterator[None]:
        """Turn errors into notes on this network, so that the others are compared all the same."""
        try:
            yield
        except FpgacompError as error:
            self._failed(what, error)
        except Exception as error:  # a fault of ours must not lose the figures of the others
            why = f"failed with {type(error).__name__}: {error}."
            self._failed(what, ToolError(self.name, why, "report this as a bug, with the model."))

    def _failed(self, what: str, error: FpgacompError) -> None:
        self.problems += error.problems if isinstance(error, Problems) else (error,)
        self.notes.append(f"{what}: {error}")

    def candidate(self) -> Candidate:
        """Everything that is known, as a value."""
        file = str(self.model) if isinstance(self.model, str | Path) else ""
        return Candidate(
            name=self.name,
            file=file,
            format="" if self.network is None else self.network.format,
            scores=self.scores,
            footprint=self.footprint,
            board=self.board,
            notes=tuple(self.notes),
        )


def _named(
    models: Iterable[EvaluatedModel] | Mapping[str, EvaluatedModel],
) -> dict[str, EvaluatedModel]:
    """Give each model a name of its own: that of its file, with its folder, or with a number."""
    whole: object = models  # whoever calls from Python need not heed the types
    if isinstance(models, str | Path | onnx.ModelProto):
        models = [models]
    elif not isinstance(whole, Iterable):
        why = f"is a {type(whole).__name__}."
        raise UsageError("models", why, "give a list of networks, or a mapping by name.")
    if isinstance(models, Mapping):
        named = dict(models)
    else:
        unnamed = list(models)
        names = [_name(model) for model in unnamed]
        counts = Counter(names)
        named = {}
        for model, name in zip(unnamed, names):
            if counts[name] > 1 and isinstance(model, str | Path) and Path(model).parent.name:
                name = f"{Path(model).parent.name}/{Path(model).name}"
            wish, number = name, 1
            while name in named:
                number += 1
                name = f"{wish} ({number})"
            named[name] = model
    if not named:
        raise UsageError("models", "there is none.", "give one or more networks.")
    return named


def _name(model: EvaluatedModel) -> str:
    if isinstance(model, str | Path):
        return Path(model).stem
    if isinstance(model, onnx.ModelProto):
        return model.graph.name or "model"
    return str(getattr(model, "name", "model"))


def _score(
    run: _Evaluation, samples: LabelledData, task: TaskRequest, evaluation: EvaluateOptions
) -> LabelledData:
    """Open one network, count its operations, and score it.

    Returns:
        The samples with the task, once a network told it.
    """
    with run.noting("not scored"):
        run.network = network = open_network(run.model)
        run.notes += network.warnings
        run.footprint = stage.cost(
            network.model,
            network.original,
            parameters=facts(network).parameters,
            file_bytes=_file_bytes(run.model, network),
        )
        fitting = reshape_samples(samples, input_shape(network))
        fitting = fitting.for_task(output_forms(network), task)
        run.task = fitting.known_task
        samples = reshape_samples(fitting, samples.shape)
        run.execute = executor(network)
        outputs = run.execute(fitting.test.x)
        inside = ValueRange.of(fitting)
        run.scores = stage.scores(run.execute, fitting, outputs, evaluation, inside)
        if evaluation.epsilons:
            with run.noting("no gradient attack"):
                run.gradient = stage.gradient_of(network, fitting.test, run.task, outputs, inside)
                own = _own_attack(run, fitting.test, evaluation)
                run.scores = stage.add_disturbed(run.scores, *own)
    return samples


def _own_attack(
    run: _Evaluation, test: Samples, evaluation: EvaluateOptions
) -> list[DisturbedScore]:
    """The score of a network on samples that are attacked by its own gradient."""
    assert run.gradient is not None and run.execute is not None and run.task is not None
    found = []
    for epsilon in evaluation.epsilons:
        share = None
        if run.gradient.attack is not None:
            x = run.gradient.attack(test, epsilon)
            share = stage.score_on(run.execute, run.task, Samples(x, test.y))
        found.append(DisturbedScore("gradient", epsilon, share, run.gradient.note))
    return found


def _transfer(
    runs: list[_Evaluation], samples: LabelledData, evaluation: EvaluateOptions
) -> str | None:
    """Execute every network on the samples that the gradient of one of them attacked.

    Returns:
        The name of that one; None where there is no such attack.
    """
    source = _source(runs, evaluation)
    if source is None or source.gradient is None or source.gradient.attack is None:
        return None
    assert source.network is not None
    test = reshape_samples(samples, input_shape(source.network)).test
    for epsilon in evaluation.epsilons:
        x = source.gradient.attack(test, epsilon)
        for run in runs:
            if not (run.scores and run.network and run.execute and run.task):
                continue
            with run.noting("no transfer attack"):
                moved = Samples(x.reshape(-1, *input_shape(run.network)), samples.test.y)
                share = stage.score_on(run.execute, run.task, moved)
                note = f"samples attacked by the gradient of {source.name}"
                run.scores = stage.add_disturbed(
                    run.scores, DisturbedScore("transfer", epsilon, share, note)
                )
    return source.name


def _source(runs: list[_Evaluation], evaluation: EvaluateOptions) -> _Evaluation | None:
    """Choose the network whose gradient attacks the samples of all; None for no such attack."""
    if evaluation.transfer_from is None or not evaluation.epsilons:
        return None
    if evaluation.transfer_from == stage.AUTO:
        able = [
            run
            for run in runs
            if run.gradient is not None
            and run.gradient.attack is not None
            and run.network is not None
            and run.network.format == "float"
        ]
        if len(runs) < 2:
            return None
        return max(able, key=lambda run: run.scores.score if run.scores else 0.0, default=None)
    source = next(run for run in runs if run.name == evaluation.transfer_from)
    if source.gradient is None or source.gradient.attack is None:
        source.notes.append("no samples of it could be given to the other networks.")
    return source


def _estimate(run: _Evaluation, board: Board, options: Options) -> None:
    """Estimate a network for the board; a float one gets a note instead."""
    if run.network is None:
        return
    if run.network.format == "float":
        run.notes.append(QUANTIZE_FIRST)
        return
    with run.noting(f"not estimated for {board.name}"):
        report = estimate(run.model, str(board.path), options=replace(options, calibration=None))
        run.board = _figures(report)


def _figures(report: Report) -> BoardFigures:
    found = report.estimate
    cycles = found.latency_cycles
    microseconds = (n / found.clock_mhz for n in (cycles.value, cycles.low, cycles.high))
    return BoardFigures(
        fits=report.verdict.fits,
        limiting_resource=report.verdict.limiting_resource,
        backend=report.backend,
        clock_mhz=found.clock_mhz,
        latency_us=Figure(*microseconds),
        frames_per_second=found.frames_per_second,
        resources=found.resources,
        certainty=report.certainty,
    )


def _file_bytes(model: EvaluatedModel, network: Network) -> int:
    """Bytes of a model's file and of the files of its weights; in memory, of it as ONNX."""
    if not isinstance(model, str | Path):
        found = model if isinstance(model, onnx.ModelProto) else network.original
        return int(found.ByteSize())
    return stored_bytes(Path(model))
