"""What a user asks of factorizing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from fpgacomp.errors import UsageError

FactorizeKind = Literal["svd", "spatial", "tucker", "separable", "grouped"]
LOW_RANK = ("svd", "spatial", "tucker")


@dataclass(frozen=True, kw_only=True)
class FactorizeOptions:
    """How layers are split. Of rank, energy and within, one is given; none is rank 0.5.

    Args:
        kind: "svd": dense and convolution layers into two of a lower rank; "spatial": k x k
            convolutions into k x 1 and 1 x k; "tucker": into 1 x 1, k x k and 1 x 1 (both
            split dense layers and 1 x 1 convolutions as svd does); "separable": k x k
            convolutions into depthwise and pointwise; "grouped": into groups.
        rank: of svd, spatial, tucker: share of the full rank that is kept, or by layer name.
        energy: of these: share of the sum of squared singular values that is kept.
        within: of these: points of validation accuracy (1 is a per cent) that splitting may
            cost before any training; the lowest energy that keeps to it is found.
        groups: of grouped.
        leave: names of layers that are left alone.
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
        given = [n for n in ("rank", "energy", "within") if getattr(self, n) is not None]
        if len(given) > 1 or (given and self.kind not in LOW_RANK):
            raise UsageError(
                " and ".join(given),
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
