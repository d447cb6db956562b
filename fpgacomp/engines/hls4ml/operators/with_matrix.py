"""What Dense and Conv have in common: a matrix of weights that every output position shares."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, prod
from typing import TypeVar

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, Hls4mlStrategy, IoType, Setting
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.limits import MAX_REUSE, UNROLL_LIMIT, Complaint, beyond
from fpgacomp.engines.hls4ml.operators.base import CalibrationKind, Operator
from fpgacomp.engines.hls4ml.registers import output_registers
from fpgacomp.engines.hls4ml.reuse_factors import resource_reuse_factors
from fpgacomp.engines.hls4ml.shared_sums import (
    MOST_DIGITS,
    Additions,
    PredictedSums,
    SharedSums,
    digits_of,
)
from fpgacomp.engines.hls4ml.thinning import thinned
from fpgacomp.engines.hls4ml.timing import Timing, product_cycles
from fpgacomp.engines.shared.circuit.nodes import Range
from fpgacomp.engines.shared.circuit.solve import INSTALL, AdderGraph, installed, solve
from fpgacomp.engines.shared.divisors import divisors
from fpgacomp.engines.shared.products import Product, product_terms
from fpgacomp.engines.shared.terms import Strategy, Terms, unit_terms
from fpgacomp.engines.shared.weight_stats import cached_weight_stats
from fpgacomp.ir.layers import WeightLayer
from fpgacomp.ir.types import IntArray, Ints

WeightLayerT_co = TypeVar("WeightLayerT_co", bound=WeightLayer, covariant=True)
# Cycles that an io_parallel Resource convolution adds per position: the window is filled,
# the accumulators are set and the result is cast outside the reuse loop.
RESOURCE_STEP = 5
# Cycles per input pixel that completes no window, of a Resource layer in io_stream.
STREAM_PIXEL = 4
# Reuse factors that a search considers. Under Latency only products bound to DSPs are shared:
# a few factors are enough.
MOST_LATENCY = 8
MOST_RESOURCE = 32
SHARED_KIND: CalibrationKind = "shared"


@dataclass(frozen=True)
class MatrixOperator(Operator[WeightLayerT_co]):
    """Sums of products of the input with an n_in x n_out matrix, at one or many positions."""

    @property
    @abstractmethod
    def matrix_shape(self) -> tuple[int, int]:
        """(n_in, n_out) of the matrix, zeros of groups and dilation included."""

    @property
    @abstractmethod
    def products(self) -> int:
        """Multiplications per output position, zeros of groups and dilation included."""

    @property
    @abstractmethod
    def summands(self) -> int:
        """How many products are added up to one output."""

    @property
    @abstractmethod
    def matrix(self) -> IntArray:
        """The weights [n_in, n_out], zeros of groups and dilation included."""

    @property
    @abstractmethod
    def strategies(self) -> tuple[Hls4mlStrategy, ...]:
        """Strategies under which this engine builds the layer correctly."""

    @property
    @abstractmethod
    def is_pointwise(self) -> bool:
        """Whether hls4ml makes it a PointwiseConv: a 1x1 kernel at one or more positions."""

    @property
    @abstractmethod
    def has_positions(self) -> bool:
        """Whether hls4ml builds it as a convolution, which loops over output positions."""

    @abstractmethod
    def stream_buffers(self) -> Iterator[Terms]:
        """What io_stream keeps of the input until a sum of products can start."""

    @property
    def positions(self) -> int:
        """Output positions of one frame that share the weights."""
        return self.layer.output.pixels

    def unit(self, folding: Hls4mlFolding, setting: Setting) -> Product | Additions:
        """The layer's sums under this folding, its weight values included."""
        if folding.strategy == "distributed_arithmetic":
            return self._additions(folding, setting)
        return self._product(folding, folding.strategy, setting)

    @property
    def input_range(self) -> Range:
        """Range of each input of the matrix: of the layer's input, and of the zeros around it."""
        values = self.layer.input.type
        # The solver leaves out an input that has one value alone.
        return min(values.lo, 0), max(values.hi, 0 if values.lo < 0 else 1)

    @property
    def shared_graph(self) -> AdderGraph:
        """The matrix as additions that its outputs share.

        Raises:
            ToolError: the solver is not installed.
            UnsupportedLayer: the matrix is beyond what the solver takes.
        """
        return solve(self.matrix, self._input_ranges)

    @property
    def _input_ranges(self) -> tuple[Range, ...]:
        return (self.input_range,) * self.matrix_shape[0]

    def _additions(self, folding: Hls4mlFolding, setting: Setting) -> Additions:
        unit = PredictedSums(
            matrix=self.matrix, spans=self._input_ranges, n_out=self.matrix_shape[1],
            at_once=folding.parallelization, acc_bits=self.layer.output.type.bits,
            clock_ns=setting.clock_ns, level_ns=setting.level_ns,
        )  # fmt: skip
        if setting.predicted:
            return unit
        return SharedSums(
            graph=self.shared_graph, spans=unit.spans, n_out=unit.n_out, at_once=unit.at_once,
            acc_bits=unit.acc_bits, clock_ns=unit.clock_ns, level_ns=unit.level_ns,
        )  # fmt: skip

    def planned_sums(self, planner: Planner) -> AdderGraph | None:
        """What takes the place of hls4ml's products, under strategy distributed_arithmetic."""
        if planner.folding(self.layer).strategy != "distributed_arithmetic":
            return None
        return self.shared_graph

    def _product(self, folding: Hls4mlFolding, strategy: Strategy, setting: Setting) -> Product:
        layer = self.layer
        depthwise = self.products != prod(self.matrix_shape)
        return Product(
            n_in=self.summands, n_out=self.matrix_shape[1], products=self.products,
            stats=cached_weight_stats(layer.weight, depthwise=depthwise),
            in_bits=layer.input.type.bits,
            weight_bits=_weight_bits(layer.weight), acc_bits=layer.output.type.bits,
            strategy=strategy, reuse_factor=folding.reuse_factor,
            at_once=folding.parallelization, clock_ns=setting.clock_ns, level_ns=setting.level_ns,
        )  # fmt: skip

    # ------------------------------------------------------------ cost and cycles

    def terms(self, folding: Hls4mlFolding, setting: Setting) -> Iterator[Terms]:
        unit = self.unit(folding, setting)
        yield unit.terms if isinstance(unit, Additions) else product_terms(unit)
        if setting.stream:
            yield from self.stream_buffers()
            return
        yield output_registers(self.layer.output, setting)
        steps = ceil(self.positions / folding.parallelization)
        if steps > 1:  # the window is selected from the whole input array
            layer, at_once = self.layer, folding.parallelization
            window = self.matrix_shape[0] * at_once * layer.input.type.bits
            written = layer.output.channels * at_once * layer.output.type.bits
            yield unit_terms({"partition_mux": (window + written) * steps}, {"window": window})

    def parallel_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        per_step, interval = product_cycles(self.unit(folding, setting))
        steps = ceil(self.positions / folding.parallelization)
        if steps == 1:
            return Timing(per_step, per_step, interval)
        if folding.strategy == "resource":
            cycles = steps * (folding.reuse_factor + RESOURCE_STEP)
        else:
            cycles = steps * interval + per_step
        return Timing(cycles, cycles, cycles)

    def shares_hardware(self, folding: Hls4mlFolding) -> bool:
        return folding.strategy == "resource" or self.positions > folding.parallelization

    def least_step(self, folding: Hls4mlFolding) -> int:
        return folding.reuse_factor if folding.strategy == "resource" else 1

    @property
    def maps_words(self) -> bool:
        return False

    @property
    def is_process(self) -> bool:
        return True

    # ------------------------------------------------------------ what is legal

    def reuse_factors(self, strategy: Strategy, io_type: IoType) -> tuple[int, ...]:
        """Legal reuse factors at one output position at a time, ascending (may be empty)."""
        if strategy == "latency":  # hls4ml takes any; these leave no multiplier idle
            valid = divisors(self.products)
        else:
            valid = resource_reuse_factors(*self.matrix_shape)
        foldings = (Hls4mlFolding(strategy, rf) for rf in valid)
        return tuple(f.reuse_factor for f in foldings if not any(self.folding_problems(f, io_type)))

    def foldings(self, io_type: IoType) -> tuple[Hls4mlFolding, ...]:
        latency = thinned(self.reuse_factors("latency", io_type), MOST_LATENCY)
        resource = [rf for rf in self.reuse_factors("resource", io_type) if rf > 1]
        return (
            *(Hls4mlFolding("latency", rf) for rf in latency),
            *self._shared(io_type),
            *(Hls4mlFolding("resource", rf) for rf in thinned(resource, MOST_RESOURCE)),
        )

    def _shared(self, io_type: IoType) -> Iterator[Hls4mlFolding]:
        """Strategy distributed_arithmetic, where it is legal and its cost soon known."""
        folding = Hls4mlFolding("distributed_arithmetic")
        legal = installed() and not any(self.folding_problems(folding, io_type))
        if legal and 0 < digits_of(self.matrix) <= MOST_DIGITS:
            yield folding

    def stream_problems(self) -> Iterator[Complaint]:
        n_in, _ = self.matrix_shape
        if n_in > UNROLL_LIMIT:
            fix = "split or narrow the layer."
            yield beyond(f"{n_in} inputs per output are partitioned", fix)
        if self.is_pointwise and self.products > UNROLL_LIMIT:
            yield beyond(f"a pointwise stream layer partitions all {self.products} weights",
                         "use io_parallel, or narrow the layer.")  # fmt: skip

    def folding_problems(self, folding: Hls4mlFolding, io_type: IoType) -> Iterator[Complaint]:
        if folding.strategy not in self.strategies:
            why = ("a depthwise convolution under Resource aborts in C-simulation."
                   if folding.strategy == "resource" else
                   "the filters of a depthwise convolution have no inputs in common.")  # fmt: skip
            yield why, "use the Latency strategy."
            return
        if folding.strategy == "distributed_arithmetic" and not installed():
            why = "strategy distributed_arithmetic needs alkaid, which is not installed."
            yield why, f"run: {INSTALL}"
        yield from self._reuse_problems(folding, io_type)
        yield from self._position_problems(folding.parallelization, io_type)
        if folding.reuse_factor >= 1 and folding.parallelization >= 1:
            yield from self._unroll_problems(folding, io_type)

    def _reuse_problems(self, folding: Hls4mlFolding, io_type: IoType) -> Iterator[Complaint]:
        (n_in, n_out), rf = self.matrix_shape, folding.reuse_factor
        resource = folding.strategy == "resource"
        if resource and rf not in resource_reuse_factors(n_in, n_out):
            valid = ", ".join(map(str, resource_reuse_factors(n_in, n_out)))
            yield f"reuse factor {rf} is not valid for {n_in}x{n_out}.", f"use one of {valid}."
        elif rf > MAX_REUSE:
            yield f"reuse factor {rf} is beyond {MAX_REUSE}.", "choose a smaller one."
        elif folding.strategy == "distributed_arithmetic" and rf != 1:
            yield f"reuse factor {rf} under distributed_arithmetic, which reuses nothing.", "use 1."
        elif not 1 <= rf <= self.products:
            yield f"reuse factor {rf} is not within 1..{self.products}.", "choose one that is."
        if resource and rf > n_in and self.has_positions and io_type == "io_parallel":
            # nnet_conv2d_resource.h works through at most one column per position.
            yield (f"reuse factor {rf} exceeds the {n_in} inputs of an io_parallel convolution.",
                   f"use at most {n_in}.")  # fmt: skip

    def _position_problems(self, at_once: int, io_type: IoType) -> Iterator[Complaint]:
        if io_type == "io_stream" and at_once != 1:
            yield (f"parallelization {at_once} in io_stream, which takes one pixel at a time.",
                   "use 1.")  # fmt: skip
        elif at_once < 1 or self.positions % at_once:
            yield (f"parallelization {at_once} does not divide {self.positions} output positions.",
                   "use a divisor.")  # fmt: skip

    def _unroll_problems(self, folding: Hls4mlFolding, io_type: IoType) -> Iterator[Complaint]:
        """Latency unrolls and partitions all products, Resource one block of them per cycle.

        Shared additions are straight-line code without an array of weights.
        """
        per_pixel = self.products
        if folding.strategy == "resource":
            per_pixel = ceil(per_pixel / folding.reuse_factor)
        unrolled = per_pixel * folding.parallelization
        shared = folding.strategy == "distributed_arithmetic"
        if unrolled > UNROLL_LIMIT and not shared:
            fix = "use the Resource strategy with a larger reuse factor."
            yield beyond(f"{unrolled} products are unrolled", fix)
        buffered = self.matrix_shape[0] * folding.parallelization
        if io_type == "io_parallel" and self.has_positions and buffered > UNROLL_LIMIT:
            yield beyond(
                f"{buffered} window elements are partitioned", "lower the parallelization."
            )


@lru_cache(maxsize=128)
def _weight_bits(weight: Ints) -> int:
    """Width as a signed number, at least 2: hls4ml would misread a narrower type."""
    low, high = int(weight.array.min()), int(weight.array.max())
    return max(max(high, -low - 1, 0).bit_length() + 1, 2)
