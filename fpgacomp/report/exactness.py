"""Says what was compared with what, and how much of it differs, a line for each comparison."""

from __future__ import annotations

from collections.abc import Iterator

from fpgacomp.data.percents import agreement_text, part_text
from fpgacomp.results.report import Exactness, Float32Agreement, Report


def exactness_lines(report: Report) -> list[str]:
    """One line for each comparison: what with what, on how many integers, how many differ."""
    exact = report.exactness
    integers = exact.vectors * exact.integers
    network = "quantized network" if report.model.quantized_here else "network"
    over = f"in {integers:,} integers, {_of(exact.vectors, 'vector')}"
    ties = "" if exact.ties is None else f", {_of(exact.ties, 'tie')}"
    runs = [
        ("C-simulation vs integer graph", exact.csim_mismatches, over),
        *(
            (
                f"{found.title} vs integer graph",
                found.agreement.mismatches,
                f"in {found.agreement.integers * found.agreement.vectors:,} integers, "
                f"{_of(found.agreement.vectors, 'vector')}",
            )
            for found in exact.further
            if found.agreement is not None
        ),
        (
            f"integer graph vs {network} (float64)",
            exact.network_mismatches,
            f"on {_of(exact.vectors, 'vector')}{ties}",
        ),
    ]
    lines = [
        f"{what}: {_of(found, 'mismatch')} {rest}"
        for what, found, rest in runs
        if found is not None
    ]
    lines += [
        f"{peer.title}'s execution vs integer graph: {_of(peer.mismatches, 'mismatch')} "
        f"on {_of(peer.vectors, 'vector')}"
        for peer in exact.peers
        if peer.mismatches is not None
    ]
    lines += _cycle_lines(exact)
    lines += _float32_lines(report)
    proved = sum(layer.exact.startswith("proved") for layer in report.layers)
    if proved:
        what = "activation" if proved == 1 else "activations"
        rest = f"; checked on the vectors: the other {len(report.layers) - proved} layers"
        ran = exact.csim_mismatches is not None
        lines.append(f"proved for every input: {proved} {what}{rest if ran else ''}")
    if exact.first_csim_mismatch:
        lines.append(f"first C-simulation mismatch: {exact.first_csim_mismatch}")
    lines += [
        f"first mismatch of the {found.title}: {found.agreement.first}"
        for found in exact.further
        if found.agreement is not None and found.agreement.first is not None
    ]
    if exact.first_network_mismatch:
        lines.append(f"first mismatch against the network: {exact.first_network_mismatch}")
    lines += [found.note for found in exact.further if found.note]
    skipped = ["C-simulation"] if exact.csim_mismatches is None else []
    # A level that could not run has a note of its own.
    skipped += [] if any(x.level == "rtl" for x in exact.further) else ["RTL simulation"]
    skipped += ["comparison with the network"] if exact.network_mismatches is None else []
    return [*lines, f"not run: {', '.join(skipped)}"] if skipped else lines


def _of(count: int, what: str) -> str:
    """So many of something, in words."""
    if count == 1:
        return f"1 {what}"
    return f"{count:,} {what}{'es' if what.endswith('ch') else 's'}"


def _cycle_lines(exact: Exactness) -> Iterator[str]:
    """What the simulations of hardware measured."""
    for found in exact.further:
        if found.measured is not None:
            measured = found.measured
            every = f", {measured.interval_text}" if measured.interval_text else ""
            yield (
                f"measured in {found.title}: the first frame takes {measured.latency_cycles:,} "
                f"cycles{every}"
            )


def _float32_lines(report: Report) -> Iterator[str]:
    """How many answers are not those of the network's framework, and why."""
    top1, found = report.exactness.top1_agreement_float32, report.exactness.float32
    if found is None:
        if top1 is not None:
            yield f"same top-1 as ONNX Runtime in float32: {agreement_text(top1)}"
        return
    if not found.quantized_here:
        yield from _in_float32("network", found)
        return
    yield _quantization_line(found, is_float=report.model.format == "float")
    if found.quantized is not None:
        yield from _in_float32("quantized network", found.quantized)


def _in_float32(network: str, found: Float32Agreement) -> Iterator[str]:
    """The answers of a network in float32 that are not those of the same network's integers."""
    share = f" ({part_text(found.differ / found.values)})" if found.differ else ""
    labels = "" if found.top1 is None else f", same top-1: {agreement_text(found.top1)}"
    yield (
        f"{network} in float32: {found.differ:,} of {found.values:,} outputs differ{share}{labels}"
    )
    if found.reason:
        yield f"why: {found.reason}"


def _quantization_line(found: Float32Agreement, *, is_float: bool) -> str:
    """What quantization changed in the answers of the network that the user handed in."""
    whose = "your float network" if is_float else "your network"
    labels = "" if found.top1 is None else f"same top-1 {agreement_text(found.top1)}, "
    outputs = f"{found.differ:,} of {found.values:,} outputs"
    if not found.differ:
        return f"{whose} against its quantized form: {labels}{outputs} differ"
    return (
        f"{whose} against its quantized form: {labels}largest difference "
        f"{found.largest_difference:.2g} ({outputs} beyond rounding): the cost of quantization"
    )
