"""The reuse factors that hls4ml takes as they are (backends/fpga/fpga_backend.py)."""

from __future__ import annotations

from functools import lru_cache
from math import ceil

from fpgacomp.engines.shared.divisors import divisors


@lru_cache(maxsize=4096)
def resource_reuse_factors(n_in: int, n_out: int) -> tuple[int, ...]:
    """Reuse factors of an n_in x n_out product under the Resource strategy, ascending.

    They are exactly those that hls4ml's `_validate_reuse_factor` does not change.
    """
    return tuple(rf for rf in divisors(n_in * n_out) if _accepted(n_in, n_out, rf))


def _accepted(n_in: int, n_out: int, rf: int) -> bool:
    multipliers = ceil(n_in * n_out / min(n_in, rf))
    whole_outputs = multipliers % n_out == 0 or rf >= n_in
    whole_inputs = rf % n_in == 0 or rf < n_in
    return whole_outputs and whole_inputs and n_in * n_out % rf == 0
