"""Writes report.json. Its keys are stable: keys are added, never renamed or removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from fpgacomp.devices.board import Board
from fpgacomp.report.plain_json import json_text
from fpgacomp.results.agreement import Mismatch
from fpgacomp.results.area import MeasuredArea
from fpgacomp.results.distribution import Histogram
from fpgacomp.results.estimate import LEVEL, Estimate, Figure, PredictedFigures
from fpgacomp.results.report import (
    Exactness,
    Float32Agreement,
    LayerReport,
    LevelEvidence,
    PeerEvidence,
    Report,
)


def to_json(report: Report) -> str:
    """The document as text, with two spaces of indent, sorted keys and a newline at the end.

    A figure that is not a finite number is null; whole numbers are written as such.
    """
    return json_text(_document(report), indent=2)


def _document(report: Report) -> dict[str, object]:
    return {
        "fpgacomp": report.fpgacomp,
        "status": report.status,
        "model": asdict(report.model),
        "board": _board(report.board),
        "backend": report.backend,
        "target": {
            "goal": report.target.goal,
            "fps": report.target.fps,
            "latency_us": report.target.latency_us,
        },
        "verdict": {
            **asdict(report.verdict),
            "certain": report.certain,
            "certainty": report.certainty,
        },
        "exactness": _exactness(report.exactness),
        "estimate": _estimate(report.estimate, report.predictions, report.board),
        "measured": _measured(report),
        "layers": [_layer(layer, report.area) for layer in report.layers],
        "software": {"before": report.software_before, "after": report.software_after},
        "accuracy": None if report.accuracy is None else {**report.accuracy, **report.task},
        "confusion": None if report.confusion is None else report.confusion.counts,
        "options": report.options,
        "timings_s": report.timings_s,
        "warnings": report.warnings,
        "reasons": report.reasons,
        "folder": report.folder,
        **{peer.name: _peer(peer) for peer in report.exactness.peers},
    }


def _peer(peer: PeerEvidence) -> dict[str, object] | None:
    """What another toolchain added to the build; null where it added nothing."""
    if not peer.files and not peer.notes:
        return None
    return {
        "files": peer.files,
        "vectors": peer.vectors,
        "mismatches": peer.mismatches,
        "notes": peer.notes,
    }


def _board(board: Board) -> dict[str, object]:
    return {
        "name": board.name,
        "title": board.title,
        "vendor": board.vendor,
        "part": board.part,
        "family": board.family,
        "resources": {
            **asdict(board.resources),
            "lutram": board.lutram,
            "spram": board.spram,
        },
        "shell": asdict(board.shell),
        "host": board.host,
        "uart_baud": board.pins.uart.baud if board.pins and board.pins.uart else None,
        "toolchain": board.device.toolchain,
    }


def _exactness(exactness: Exactness) -> dict[str, object]:
    return {
        "vectors": exactness.vectors,
        "integers": exactness.integers,
        "csim_mismatches": exactness.csim_mismatches,
        "hls_mismatches": exactness.hls_mismatches,
        "rtl_mismatches": exactness.rtl_mismatches,
        "further": [_further(found) for found in exactness.further],
        **{f"{peer.name}_mismatches": peer.mismatches for peer in exactness.peers},
        **{f"{peer.name}_vectors": peer.vectors for peer in exactness.peers},
        "network_mismatches": exactness.network_mismatches,
        "ties": exactness.ties,
        "top1_agreement_float32": exactness.top1_agreement_float32,
        "float32": _float32(exactness.float32),
        "first_csim_mismatch": _mismatch(exactness.first_csim_mismatch),
        "first_network_mismatch": _mismatch(exactness.first_network_mismatch),
    }


def _measured(report: Report) -> dict[str, object]:
    """What a simulation of the RTL and Yosys measured; null where they were not run."""
    found = report.exactness.measured.get("rtl")
    return {
        "rtl": None if found is None else asdict(found),
        "yosys": None if report.area is None else _area(report.area),
    }


def _area(area: MeasuredArea) -> dict[str, object]:
    return {
        "family": area.family,
        "version": area.version,
        "command": area.command,
        "resources": dict(area.resources),
        "instances": area.units,
        "distinct": area.distinct,
        "not_counted": area.not_counted,
    }


def _further(found: LevelEvidence) -> dict[str, object]:
    agreement = found.agreement
    return {
        "level": found.level,
        "title": found.title,
        "vectors": 0 if agreement is None else agreement.vectors,
        "mismatches": found.mismatches,
        "first_mismatch": None if agreement is None else _mismatch(agreement.first),
        "note": found.note,
    }


def _float32(found: Float32Agreement | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        **asdict(found),
        "quantized": _float32(found.quantized),
        "share_differ": found.differ / found.values if found.values else 0.0,
        "labels_differ": None if found.top1 is None else 1 - found.top1,
        "reason": found.reason,
    }


def _mismatch(mismatch: Mismatch | None) -> dict[str, object] | None:
    return None if mismatch is None else asdict(mismatch)


def _estimate(
    estimate: Estimate, predictions: Sequence[PredictedFigures], board: Board
) -> dict[str, object]:
    rate = estimate.frames_per_second if estimate.interval_cycles.value > 0 else None
    return {
        "stage": estimate.stage,
        "basis": asdict(estimate.basis),
        "level": LEVEL,
        "clock_mhz": estimate.clock_mhz,
        "latency_cycles": _figure(estimate.latency_cycles),
        "latency_us": estimate.latency_us,
        "interval_cycles": _figure(estimate.interval_cycles),
        "frames_per_second": rate,
        "predictions": [
            {
                "basis": asdict(one.basis),
                "resources": {name: _figure(figure) for name, figure in one.resources.items()},
            }
            for one in predictions
        ],
        "resources": {
            name: {
                **_figure(figure),
                "available": board.budget[name],
                "device": board.resources[name],
            }
            for name, figure in estimate.resources.items()
        },
    }


def _figure(figure: Figure) -> dict[str, float]:
    return {"value": figure.value, "low": figure.low, "high": figure.high}


def _layer(layer: LayerReport, area: MeasuredArea | None) -> dict[str, object]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "shape": layer.shape,
        "weight_bits": layer.weight_bits,
        "input_bits": layer.input_bits,
        "accumulator_bits": layer.accumulator_bits,
        "folding": layer.folding,
        "cycles": layer.estimate.cycles.value,
        "latency_cycles": _figure(layer.estimate.cycles),
        "interval_cycles": _figure(layer.estimate.interval),
        "resources": {name: _figure(figure) for name, figure in layer.estimate.resources.items()},
        "yosys": None if area is None else area.layers.get(layer.name),
        "exact": layer.exact,
        "inputs": layer.inputs,
        "output_type": layer.output_type,
        "fifo_depth": layer.fifo_depth,
        "start_cycle": layer.estimate.start,
        "weights": _histogram(layer.weights),
        "activations": _histogram(layer.activations),
    }


def _histogram(histogram: Histogram | None) -> dict[str, object] | None:
    return None if histogram is None else asdict(histogram)
