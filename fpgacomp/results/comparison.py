"""Networks side by side: how well each answers, what it holds, what it takes on a board."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fpgacomp.devices.resources import Resources
from fpgacomp.results.estimate import Figure, WithResources

Attack = Literal["noise", "brightness", "gradient", "transfer"]


@dataclass(frozen=True)
class LayerCost:
    """One multiplication by weights (MatMul, Conv) for one sample.

    Args:
        macs: multiply-accumulates, padding counted.
        weights: how many it has, `nonzero` of them not zero once quantized.
        weight_bits, activation_bits: of the two factors; 32 where nothing quantizes them.
        storage: how the weights are packed: "float32", "4-bit", "codebook of 16".
        stored_bits: bits of the packed weights; 0 where another layer stores them already.
        bops: macs x density x weight_bits x activation_bits.
        bops_with_additions: macs x (density x weight_bits x activation_bits + weight_bits
            + activation_bits + log2(fan-in)), with the accumulation (Hawks et al. 2021).
    """

    name: str
    kind: str
    macs: int
    weights: int
    nonzero: int
    weight_bits: int
    activation_bits: int
    storage: str
    stored_bits: int
    bops: float
    bops_with_additions: float


@dataclass(frozen=True)
class Cost:
    """What a network holds and computes, whatever it runs on.

    Args:
        parameters: weights, biases and normalisations.
        file_bytes: of the file, external data included, or of the model in memory as ONNX.
    """

    layers: tuple[LayerCost, ...]
    parameters: int
    file_bytes: int

    @property
    def weights(self) -> int:
        return sum(layer.weights for layer in self.layers)

    @property
    def nonzero(self) -> int:
        return sum(layer.nonzero for layer in self.layers)

    @property
    def sparsity(self) -> float:
        """Share of the weights that are zero, 0..1."""
        return 1 - self.nonzero / self.weights if self.weights else 0.0

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def bops(self) -> float:
        return sum(layer.bops for layer in self.layers)

    @property
    def bops_with_additions(self) -> float:
        return sum(layer.bops_with_additions for layer in self.layers)

    @property
    def weight_bytes(self) -> int:
        """Packed weights of all layers, each layer filled up to a whole byte."""
        return sum(-(-layer.stored_bits // 8) for layer in self.layers)


@dataclass(frozen=True)
class Disturbed:
    """Accuracy on disturbed test samples.

    Args:
        strength: noise: standard deviation; brightness: what is added; gradient and transfer:
            the largest change of a value. All as shares of the range of the training samples.
        accuracy: 0..1; None where it cannot be known, and `note` says why.
        note: how the gradient came about, or why there is none.
    """

    attack: Attack
    strength: float
    accuracy: float | None
    note: str = ""


@dataclass(frozen=True)
class Scores:
    """Shares of the test split, 0..1.

    Args:
        macro_f1: unweighted mean of the classes' F1, over the classes that occur in the labels
            or in the answers.
    """

    accuracy: float
    macro_f1: float
    disturbed: tuple[Disturbed, ...] = ()


@dataclass(frozen=True)
class BoardFigures(WithResources):
    """The estimate for one board; latency with the range of the estimate."""

    fits: bool
    limiting_resource: str | None
    backend: str
    clock_mhz: float
    latency_us: Figure
    frames_per_second: float
    resources: Resources[Figure]


@dataclass(frozen=True)
class Candidate:
    """One network of a comparison; what could not be found out is None and told in `notes`.

    Args:
        name: unique in the comparison.
        format: qonnx, qcdq, finn, float, keras; "" where the file could not be opened.
        notes: what failed or was assumed, one sentence each.
    """

    name: str
    file: str
    format: str
    scores: Scores | None = None
    cost: Cost | None = None
    board: BoardFigures | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TestSet:
    """What the networks were asked.

    Args:
        samples: size of the test split.
        low, high: range of the training samples; strengths are shares of it.
        notes: what was dropped, in sentences.
    """

    __test__ = False  # no test of pytest's

    name: str
    samples: int
    classes: int
    low: float
    high: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Any number of networks on the same test samples.

    Args:
        board: its name; None where none was asked for.
        transfer_from: the network whose gradient made the transferred samples; None: no such.
        seed: of the noise.
        at_one_pace: whether the board's figures are the least that keeps a pace asked for, and
            not each network's own fastest design.
    """

    fpgacomp: str
    test: TestSet
    candidates: tuple[Candidate, ...]
    board: str | None = None
    board_title: str | None = None
    transfer_from: str | None = None
    seed: int = 0
    at_one_pace: bool = True


MEASURES = ("weight_bytes", "bops", "macs", "lut", "dsp", "bram18", "latency_us")


def amount(candidate: Candidate, measure: str) -> float | None:
    """What a network costs by one of `MEASURES`; None where that is not known."""
    cost, board = candidate.cost, candidate.board
    match measure:
        case "weight_bytes":
            return None if cost is None else float(cost.weight_bytes)
        case "bops":
            return None if cost is None else cost.bops
        case "macs":
            return None if cost is None else float(cost.macs)
        case "latency_us":
            return None if board is None else board.latency_us.value
        case _:
            return None if board is None else board.resources[measure].value


def pareto_front(candidates: Iterable[Candidate], measure: str) -> tuple[str, ...]:
    """Names of the networks that none beats in accuracy at no more cost, cheapest first.

    Of networks equal in both figures all are named.
    """
    points = []
    for candidate in candidates:
        cost = amount(candidate, measure)
        if candidate.scores is not None and cost is not None:
            points.append((cost, -candidate.scores.accuracy, candidate.name))
    front: list[tuple[float, float, str]] = []
    for point in sorted(points):
        if not front or point[1] < front[-1][1] or point[:2] == front[-1][:2]:
            front.append(point)
    return tuple(name for _, _, name in front)
