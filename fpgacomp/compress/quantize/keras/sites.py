"""Which tensors of a Keras model are quantized: found from the layers that need integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from fpgacomp.compress.quantize.keras.steps import (
    MERGES,
    NEEDY,
    NORMALIZING,
    PASSING,
    POOLS,
    POSITIVE,
    SiteStep,
)


@dataclass(eq=False)
class KerasSite:
    """A tensor that is quantized.

    Args:
        step: the call of a layer that computes it.
        names: names that a user may give bits for it by; the first is shown.
        signed: whether it can be negative. For the model's input only the data tell.
        is_input: whether it is the model's input, as it is or normalized.
        readers: calls that read the quantized tensor instead of the float one.
    """

    step: SiteStep
    names: tuple[str, ...]
    signed: bool
    is_input: bool
    readers: set[SiteStep] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The name that is shown."""
        return self.names[0]

    @property
    def relu(self) -> bool:
        """Whether a quantized ReLU can take the place of the step's own."""
        return self.step.function == "relu"


@dataclass(frozen=True)
class KerasSites:
    """All tensors of a model that are quantized.

    Args:
        sites: the tensors, in the order of execution.
        groups: those that are concatenated with each other, and need the same scale.
    """

    sites: tuple[KerasSite, ...]
    groups: tuple[tuple[KerasSite, ...], ...]


def find_sites(steps: Sequence[SiteStep], input_signed: bool) -> KerasSites:
    """Find every tensor that has to be quantized, and which of them share a scale.

    Args:
        steps: the calls of a float model's layers.
        input_signed: whether the samples have negative values.
    """
    return _KerasWalk(steps, input_signed).run()


class _KerasWalk:
    def __init__(self, steps: Sequence[SiteStep], input_signed: bool) -> None:
        self.steps = steps
        self.by_output = {step.output: step for step in steps}
        self.input_signed = input_signed
        self.sites: dict[SiteStep, KerasSite] = {}

    def run(self) -> KerasSites:
        joined: list[set[KerasSite]] = []
        for step in self.steps:
            if step.kind in NEEDY:
                adds = step.kind == "Add"
                found = [s for part in self._parts(step) for s in self._sources(step, part, adds)]
                if step.kind == "Concatenate":
                    joined.append(set(found))
        order = {step: index for index, step in enumerate(self.steps)}
        sites = sorted(self.sites.values(), key=lambda site: order[site.step])
        groups = [tuple(s for s in sites if s in group) for group in _connected(joined)]
        return KerasSites(tuple(sites), tuple(group for group in groups if len(group) > 1))

    def _parts(self, step: SiteStep) -> list[SiteStep]:
        return [self.by_output[source] for source in step.inputs]

    def _sources(self, reader: SiteStep, step: SiteStep, adds: bool) -> Iterator[KerasSite]:
        """The sites whose integers the reader sees at this input."""
        if step.kind == "Concatenate" or (adds and step.kind == "Add"):
            for part in self._parts(step):
                yield from self._sources(step, part, adds)
        elif step.kind in PASSING:
            yield from self._sources(step, self._parts(step)[0], adds)
        else:
            site = self.sites.get(step) or self._site(step)
            site.readers.add(reader)
            yield site

    def _site(self, step: SiteStep) -> KerasSite:
        is_input = self._is_input(step)
        site = KerasSite(step, self._names(step, is_input), not self._positive(step), is_input)
        self.sites[step] = site
        return site

    def _names(self, step: SiteStep, is_input: bool) -> tuple[str, ...]:
        if is_input:
            return ("input",) if step.kind == "InputLayer" else ("input", step.name)
        before = step
        while before.inputs and before.kind not in MERGES:
            if before.weighted:
                return (step.name,) if before is step else (step.name, before.name)
            before = self._parts(before)[0]
        return (step.name,)

    def _positive(self, step: SiteStep) -> bool:
        if step.kind == "InputLayer":
            return not self.input_signed
        if step.function != "linear":
            return step.function in POSITIVE
        if step.kind in (*PASSING, *POOLS, *MERGES):
            return all(self._positive(part) for part in self._parts(step))
        return False

    def _is_input(self, step: SiteStep) -> bool:
        if step.kind == "InputLayer":
            return True
        return step.kind in (*PASSING, *NORMALIZING) and self._is_input(self._parts(step)[0])


def _connected(sets: list[set[KerasSite]]) -> list[set[KerasSite]]:
    """Join the sets that have a member in common."""
    groups: list[set[KerasSite]] = []
    for members in sets:
        merged, apart = set(members), []
        for group in groups:
            if group & merged:
                merged |= group
            else:
                apart.append(group)
        groups = [*apart, merged]
    return groups
