"""The pictures of report.html as values: what is drawn where, and what is said beside it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from fpgacomp.report import charts
from fpgacomp.report.answers import score_answers
from fpgacomp.report.network_picture import BOX_HEIGHT, BOX_WIDTH, draw_network
from fpgacomp.report.next_steps import next_steps
from fpgacomp.results.distribution import Confusion, Histogram
from fpgacomp.results.estimate import Figure
from fpgacomp.results.report import LayerReport
from tests.support import report_samples as samples


def residual() -> tuple[LayerReport, ...]:
    """stem -> a -> b -> sum, with a bypass from stem and one from a."""
    return (
        samples.layer("stem", "Conv", (4, 4, 2)),
        samples.layer("a", "Conv", (4, 4, 2), after=("stem",)),
        samples.layer("side", "Conv", (4, 4, 2), after=("stem",)),
        samples.layer("b", "Conv", (4, 4, 2), after=("a", "side")),
        samples.layer("sum", "Add", (4, 4, 2), after=("b", "stem", "a")),
    )


def test_boxes_do_not_overlap_and_stand_below_what_they_read() -> None:
    picture = draw_network(residual())
    at = {box.name: (box.x, box.y) for box in picture.boxes}
    for layer in residual():
        assert all(at[name][1] + BOX_HEIGHT < at[layer.name][1] for name in layer.inputs)
    assert at["a"][1] == at["side"][1] and abs(at["a"][0] - at["side"][0]) > BOX_WIDTH
    assert all(box.x + BOX_WIDTH <= picture.width for box in picture.boxes)
    assert all(box.y + BOX_HEIGHT <= picture.height for box in picture.boxes)


def test_long_wires_go_around_in_lanes_of_their_own() -> None:
    picture = draw_network(residual())
    assert len(picture.wires) == 7
    edge = max(box.x for box in picture.boxes) + BOX_WIDTH
    lanes = [int(found[1]) for wire in picture.wires if (found := re.search(r"H(\d+)V\d+H", wire))]
    assert len(lanes) == len(set(lanes)) == 2 and min(lanes) > edge
    assert max(lanes) <= picture.width


def test_a_box_says_type_and_fifo() -> None:
    boxes = {box.name: box for box in draw_network(samples.LAYERS).boxes}
    assert boxes["act1"].output == "uint4, FIFO of 32"
    without = replace(samples.LAYERS[0], fifo_depth=None)
    assert draw_network([without]).boxes[0].output == "uint4"


def test_nothing_is_drawn_of_nothing() -> None:
    assert draw_network(()).boxes == () and not list(charts.timeline(()))


def test_the_timeline_ends_with_the_last_layer() -> None:
    spans = list(charts.timeline(samples.LAYERS))
    assert spans[0].start == 0
    assert max(span.start + span.length for span in spans) == 100
    starts = [span.start for span in spans]
    assert starts == sorted(starts)
    assert [span.name for span in spans if span.slowest] == ["conv2"]


def test_bars_of_lut_name_what_no_layer_owns() -> None:
    bars = {bar.name: bar for bar in charts.lut_bars(samples.LAYERS, 22_400)}
    assert bars["conv2"].length == 100 and bars["conv2"].share == "44 %"
    assert bars["between layers"].value == "1,450"
    whole = sum(layer.estimate.lut.value for layer in samples.LAYERS)
    assert "between layers" not in {bar.name for bar in charts.lut_bars(samples.LAYERS, whole)}


def test_a_histogram_says_how_many_are_zero() -> None:
    layer = replace(samples.LAYERS[1], weights=Histogram(-1, 1, (1, 2, 1), zeros=2))
    (view,) = charts.weight_histograms([layer])
    assert view.detail == "4 bits, 4 weights, 50 % are 0"
    assert (view.low, view.high) == ("-1", "1")
    assert [column.height for column in view.columns] == [50, 100, 50]


def test_the_pairs_confused_most_often_come_first() -> None:
    view = charts.confusion_view(Confusion(((5, 1, 0), (0, 6, 3), (0, 0, 9))))
    assert view is not None
    assert view.pairs == ("1 taken for 2: 3 times", "0 taken for 1: once")
    assert len(view.cells) == 9 and sum(cell.right for cell in view.cells) == 3


def test_many_classes_are_listed_and_not_drawn() -> None:
    counts = tuple(tuple(int(row == column) for column in range(20)) for row in range(20))
    view = charts.confusion_view(Confusion(counts))
    assert view is not None and view.cells == () and view.pairs == ()


def test_confusion_of_logits_labels_and_one_hot_is_the_same() -> None:
    logits = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
    labels = np.array([1, 0, 0])
    expected = Confusion(((1, 1), (0, 1)))
    assert confusion({"y": logits}, labels) == expected
    assert confusion({"y": logits}, np.eye(2, dtype=np.int64)[labels]) == expected
    assert confusion({"y": np.array([[1], [0], [1]])}, labels) == expected


def test_there_is_no_confusion_without_one_class_a_sample() -> None:
    assert confusion({"y": np.array([[0.2], [0.7]])}, np.array([0.1, 0.5])) is None
    assert confusion({"y": np.zeros((2, 3))}, np.full((2, 3), 0.5)) is None
    assert confusion({"y": np.zeros((2, 3))}, np.array([[1, 1, 0], [0, 1, 0]])) is None


def test_yes_and_no_are_two_classes() -> None:
    logits = {"y": np.array([[-0.2], [0.7], [0.3]])}
    assert confusion(logits, np.array([0, 1, 0])) == Confusion(((1, 1), (0, 1)))


def confusion(outputs: dict[str, np.ndarray], labels: np.ndarray) -> Confusion | None:
    return score_answers(outputs, labels).confusion


def test_next_steps_suit_the_verdict() -> None:
    fits = samples.fits()
    commands = [step.command for step in next_steps(fits)]
    assert commands[0] == "cd build/digits/hls && vitis_hls -f build_prj.tcl"
    missed = samples.does_not_fit()
    assert [step.text for step in next_steps(missed)] == list(missed.verdict.remedies)
    wrong = replace(samples.is_wrong(), folder="digits.failed")
    assert next_steps(wrong)[0].text == "Do not use this design. The evidence is in digits.failed."
    unsure = samples.with_figures(fits, lut=Figure(40_000, 33_000, 54_000))
    assert next_steps(unsure)[0].text.startswith("Whether it fits is not sure before synthesis")
    estimated = replace(fits, folder=None)
    (only,) = next_steps(estimated)
    assert only.text.startswith("Nothing was written yet") and only.command == ""


def test_next_steps_quote_folders_for_the_shell() -> None:
    steps = next_steps(replace(samples.fits(), folder="my builds/a'b"))
    assert steps[0].command.startswith("cd 'my builds/a'\"'\"'b'/hls")
