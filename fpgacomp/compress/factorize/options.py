"""What a user asks of factorization: how layers are split, and how small they get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from fpgacomp.errors import UsageError

FactorizeKind = Literal["svd", "spatial", "tucker", "separable", "grouped"]
LOW_RANK = ("svd", "spatial", "tucker")


@dataclass(frozen=True, kw_only=True)
class FactorizeOptions:
    """How layers are split, and how small they get.

    At most one of `rank`, `energy` and `within` is given, and only with the kinds svd, spatial
    and tucker. With none of them half of the full rank is kept. The last layer, whose rank tells
    the classes apart, keeps all of it unless `rank` names that layer.

    Args:
        kind: "svd" splits dense and convolution layers into two of a lower rank; "spatial" splits
            k x k convolutions into k x 1 and 1 x k; "tucker" splits them into 1 x 1, k x k and
            1 x 1 (spatial and tucker split dense layers and 1 x 1 convolutions as svd does);
            "separable" splits k x k convolutions into depthwise and pointwise ones; "grouped"
            replaces them by convolutions in groups.
        rank: share of the full rank that is kept, over 0 and up to 1. One number is for every
            layer; a mapping gives it by layer name, and layers that it does not name are left
            alone.
        energy: share of the sum of squared singular values that is kept, over 0 and up to 1.
        within: percentage points of validation accuracy that splitting may cost before the
            training, 0 or more. The lowest energy that keeps to it is searched.
        groups: number of groups of the kind "grouped", 2 or more.
        leave: names of layers that are left alone.

    Raises:
        UsageError: a value is out of its range, or options do not go together.
    """

    kind: FactorizeKind = "svd"
    rank: float | Mapping[str, float] | None = None
    energy: float | None = None
    within: float | None = None
    groups: int = 2
    leave: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in get_args(FactorizeKind):
            raise UsageError(
                "kind", f"is {self.kind!r}.", f"use {', '.join(get_args(FactorizeKind))}."
            )
        chosen = [n for n in ("rank", "energy", "within") if getattr(self, n) is not None]
        if len(chosen) > 1 or (chosen and self.kind not in LOW_RANK):
            raise UsageError(
                " and ".join(chosen),
                f"do not go together, or not with kind {self.kind}.",
                f"give one of them, and only with {', '.join(LOW_RANK)}.",
            )
        ranks = self.rank if isinstance(self.rank, Mapping) else {"": self.rank}
        for name, rank in [*ranks.items(), ("energy", self.energy)]:
            if rank is not None and not 0 < rank <= 1:
                where = name if name == "energy" else f"rank {name}".strip()
                raise UsageError(where, f"is {rank:g}.", "use over 0 and up to 1.")
        if self.within is not None and self.within < 0:
            raise UsageError("within", f"is {self.within:g}.", "use 0 or more points.")
        if self.groups < 2:
            raise UsageError("groups", f"is {self.groups}.", "use 2 or more.")
