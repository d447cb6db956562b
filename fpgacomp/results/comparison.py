"""Networks side by side: how well each answers, what it holds, what it takes on a board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from fpgacomp.devices.resources import Resources
from fpgacomp.results.certainty import Certainty
from fpgacomp.results.estimate import Figure, WithResources

Attack = Literal["noise", "brightness", "gradient", "transfer"]


@dataclass(frozen=True)
class LayerFootprint:
    """What one layer with weights (MatMul, Conv) holds and computes for one sample.

    Args:
        macs: multiply-accumulates; those with padding are counted.
        weights: how many weights the layer has.
        nonzero: how many of them are not zero once they are quantized.
        weight_bits, activation_bits: widths of the two factors in bits; 32 where nothing
            quantizes them.
        storage: how the weights are packed: "float32", "4-bit", "codebook of 16".
        stored_bits: bits of the packed weights; 0 where another layer stores the same ones.
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
class Footprint:
    """What a network holds and computes, whatever it runs on.

    Args:
        layers: one entry for each layer with weights.
        parameters: numbers of all weights, biases and normalisations.
        file_bytes: bytes of the file with its external data, or of the model in memory as ONNX.
    """

    layers: tuple[LayerFootprint, ...]
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
        """Bytes of the packed weights; each layer is filled up to a whole byte."""
        return sum(-(-layer.stored_bits // 8) for layer in self.layers)


@dataclass(frozen=True)
class DisturbedScore:
    """The score on test samples that were disturbed on purpose.

    Args:
        attack: how they were disturbed. noise: a random number is added to every value;
            brightness: the same number is added; gradient: one step along the sign of the
            network's own gradient; transfer: the same step by another network's gradient.
        strength: standard deviation of the noise, the number added as brightness, or the size
            of the step, as a share of the range of the training samples.
        score: by the task's metric, 1 being perfect; None where it cannot be known, and `note`
            says why.
        note: how the gradient was computed, or why there is none.
    """

    attack: Attack
    strength: float
    score: float | None
    note: str = ""


@dataclass(frozen=True)
class Scores:
    """How well a network answers the test samples.

    Args:
        score: by the task's metric, 1 being perfect: the share of right answers for classes and
            yes or no, F1 over all labels for multi-label, R2 for numbers.
        figures: output name -> key of `fpgacomp.data.metrics.METRICS` -> value.
        disturbed: scores on disturbed samples.
    """

    score: float
    figures: Mapping[str, Mapping[str, float]]
    disturbed: tuple[DisturbedScore, ...] = ()

    def figure(self, key: str) -> float | None:
        """A figure of a network with one output; None where it has several, or no such figure."""
        found = list(self.figures.values())
        return found[0].get(key) if len(found) == 1 else None


@dataclass(frozen=True)
class BoardFigures(WithResources):
    """What a network is predicted to take on one board.

    Args:
        fits: whether the design fits the board and keeps the pace asked for.
        limiting_resource: the one of RESOURCE_FIELDS that runs out first, or None.
        backend: the code generator.
        clock_mhz: of the design, in megahertz.
        latency_us: microseconds from the first input to the last output of a frame.
        frames_per_second: frames that the design takes in a second.
        resources: of the whole design.
        certainty: how sure it is that it fits; None where it does not.
    """

    fits: bool
    limiting_resource: str | None
    backend: str
    clock_mhz: float
    latency_us: Figure
    frames_per_second: float
    resources: Resources[Figure]
    certainty: Certainty | None

    @property
    def certain(self) -> bool:
        """Whether it fits even with the high ends of its resources."""
        return self.certainty == "certain"


@dataclass(frozen=True)
class Candidate:
    """One network of a comparison. What could not be found out is None, and `notes` says why.

    Args:
        name: unique in the comparison.
        file: path of the network as it was given.
        format: qonnx, qcdq, finn, float or keras; "" where the file could not be opened.
        scores: how well it answers.
        footprint: what it holds and computes.
        board: what it takes on the board.
        notes: what failed or was assumed, one sentence each.
    """

    name: str
    file: str
    format: str
    scores: Scores | None = None
    footprint: Footprint | None = None
    board: BoardFigures | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TestSet:
    """The samples that the networks were tested on.

    Args:
        name: of the file or the data set.
        samples: how many there are.
        classes: how many classes their labels have; None where they are no classes.
        low, high: smallest and largest value of the training samples; strengths of attacks
            are shares of this range.
        notes: what was left out of the data, in sentences.
        task: kind of what the networks are asked to tell.
        task_found: the task in words, and how it was found.
        metric: key of `fpgacomp.data.metrics.METRICS`, the figure that scores are.
        is_held_out: whether the samples are a part of the data that networks may have been
            trained on.
    """

    __test__ = False  # no test of pytest's

    name: str
    samples: int
    classes: int | None
    low: float
    high: float
    notes: tuple[str, ...] = ()
    task: str = "classes"
    task_found: str = ""
    metric: str = "accuracy"
    is_held_out: bool = False


@dataclass(frozen=True)
class Comparison:
    """Any number of networks on the same test samples.

    Args:
        fpgacomp: the version that compared them.
        test: the samples.
        candidates: the networks in the order in which they were given.
        board, board_title: name and title of the board; None where none was asked for.
        transfer_from: name of the network whose gradient made the transferred samples; None
            where there are none.
        seed: of the random noise.
        floor: score that a network must reach to be named the best by its costs; None: none.
        floor_is_given: whether the user set it; otherwise it follows from the best score.
        at_one_pace: True where each network's figures are of its smallest design that keeps the
            pace asked for, False where they are of its fastest design.
    """

    fpgacomp: str
    test: TestSet
    candidates: tuple[Candidate, ...]
    board: str | None = None
    board_title: str | None = None
    transfer_from: str | None = None
    seed: int = 0
    floor: float | None = None
    floor_is_given: bool = False
    at_one_pace: bool = True

    def above_floor(self) -> tuple[Candidate, ...]:
        """The scored networks that reach the floor."""
        return tuple(c for c in self.candidates if c.scores and not self._is_below(c.scores))

    def below_floor(self) -> tuple[Candidate, ...]:
        """The scored networks that do not reach the floor."""
        return tuple(c for c in self.candidates if c.scores and self._is_below(c.scores))

    def _is_below(self, scores: Scores) -> bool:
        return self.floor is not None and scores.score < self.floor


MEASURES = ("weight_bytes", "bops", "macs", "lut", "dsp", "bram18", "latency_us")


def amount(candidate: Candidate, measure: str) -> float | None:
    """What a network holds or takes by one of `MEASURES`; None where that is not known."""
    footprint, board = candidate.footprint, candidate.board
    match measure:
        case "weight_bytes":
            return None if footprint is None else float(footprint.weight_bytes)
        case "bops":
            return None if footprint is None else footprint.bops
        case "macs":
            return None if footprint is None else float(footprint.macs)
        case "latency_us":
            return None if board is None else board.latency_us.value
        case _:
            return None if board is None else board.resources[measure].value


def pareto_front(candidates: Iterable[Candidate], measure: str) -> tuple[str, ...]:
    """Names of the networks that no other beats in its score at the same cost or less.

    Args:
        candidates: the networks; those without scores or without this measure are left out.
        measure: one of `MEASURES`, the cost.

    Returns:
        The cheapest first; of networks that are equal in both figures all are named.
    """
    points = []
    for candidate in candidates:
        cost = amount(candidate, measure)
        if candidate.scores is not None and cost is not None:
            points.append((cost, -candidate.scores.score, candidate.name))
    front: list[tuple[float, float, str]] = []
    for point in sorted(points):
        if not front or point[1] < front[-1][1] or point[:2] == front[-1][:2]:
            front.append(point)
    return tuple(name for _, _, name in front)
