"""Which layer an instance in a tool's report works for, and what is left over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fpgacomp.results.tool_report import ReportedInstance, ToolReport

# What Vivado calls that which an instance takes without what is in it.
_OWN = re.compile(r"\(.*\)")


@dataclass
class Matched:
    """What the instances of reports take, by the layer that they work for.

    Args:
        layers: layer -> the outermost instances that work for it.
        left: instances of which neither they, what they are in, nor what is in them is a layer's.
    """

    layers: dict[str, list[ReportedInstance]] = field(default_factory=dict)
    left: list[ReportedInstance] = field(default_factory=list)


class PartNames:
    """Finds the name of a part of a build in the name of an instance or a module.

    Args:
        parts: name in the hardware -> layer; "" where it is no layer's.
    """

    def __init__(self, parts: Mapping[str, str]) -> None:
        self._parts = parts
        spelled = "|".join(re.escape(name) for name in sorted(parts, key=len, reverse=True))
        # Tools put something before a name or behind it, but break no word or number: `config1` is
        # not in `config12`, nor `s_fc` in `runs_fc`.
        self._pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{spelled})(?![A-Za-z0-9])|(?!)" if parts
                                   else r"(?!)")  # fmt: skip

    def layer(self, instance: ReportedInstance) -> str | None:
        """The layer that it works for, "" where it is known to work for none; None: unknown."""
        for text in (instance.name, instance.module):
            found = self._pattern.findall(text)
            if found:
                return self._parts[max(found, key=len)]
        return None


def matched(reports: Iterable[ToolReport], names: PartNames) -> Matched:
    """Sort the instances of reports by layer."""
    found = Matched()
    for report in reports:
        _sort(report.instances, names, found)
    return found


def _sort(instances: Sequence[ReportedInstance], names: PartNames, found: Matched) -> bool:
    """Whether any of these, or of what is in them, works for a layer."""
    any_layer = False
    for instance in instances:
        layer = names.layer(instance)
        if layer:
            found.layers.setdefault(layer, []).append(instance)
            any_layer = True
            continue
        if layer is None and instance.inside:
            before = len(found.left)
            if _sort(instance.inside, names, found):
                any_layer = True
                continue
            del found.left[before:]  # nothing in it is a layer's: the whole of it is told instead
        if not (_OWN.fullmatch(instance.name) and not any(instance.amounts.values())):
            found.left.append(instance)
    return any_layer
