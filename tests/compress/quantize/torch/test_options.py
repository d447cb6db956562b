"""Options: what is refused, and which layer gets which bits."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fpgacomp.compress.quantize.options import QuantizeOptions
from fpgacomp.errors import Problems, UsageError

LAYERS = ("conv1", "conv2", "fc")


def test_first_and_last_layer_stay_wide():
    bits = QuantizeOptions(weight_bits=2).weights_of(LAYERS)
    assert bits == {"conv1": 8, "conv2": 2, "fc": 8}


def test_bits_that_no_layer_has_are_said():
    options = QuantizeOptions(weight_bits=2)
    bits = options.weights_of(LAYERS)
    (note,) = options.notes_on(bits)
    assert note == (
        "the first and the last layer (conv1, fc) have 8 weight bits unless they are named, the "
        "others 2; --first-last-bits same treats all alike"
    )
    assert options.notes_on({})[0].startswith("the first and the last layer have 8 weight bits")
    (note,) = options.notes_on(options.weights_of(LAYERS[:2]))
    assert note.startswith("no layer has 2 weight bits: the first and the last have 8")
    assert QuantizeOptions().notes_on(QuantizeOptions().weights_of(LAYERS[:1])) == ()


def test_first_and_last_layer_like_the_others():
    bits = QuantizeOptions(weight_bits="ternary", first_last_bits=None).weights_of(LAYERS)
    assert set(bits.values()) == {"ternary"}


def test_a_named_layer_counts_before_first_and_last():
    options = QuantizeOptions(weight_bits={"conv1": 3, "*": 1})
    bits = options.weights_of(LAYERS)
    assert bits == {"conv1": 3, "conv2": 1, "fc": 8}
    (note,) = options.notes_on(bits)
    assert "last layer (fc) have 8 weight bits" in note and "the others 1" in note
    every = QuantizeOptions(weight_bits={"conv1": 3, "fc": 3, "*": 1})
    assert every.notes_on(every.weights_of(LAYERS)) == ()


def test_activation_is_found_by_its_own_name_and_by_the_layer_before_it():
    options = QuantizeOptions(activation_bits={"relu1": 2, "conv2": 3, "relu2": 5, "*": 4})
    places = {"relu1": ("relu1", "conv1"), "relu2": ("relu2", "conv2"), "add": ("add",)}
    assert options.activations_of(places) == {"relu1": 2, "relu2": 5, "add": 4}


def test_unknown_and_missing_layers_are_all_told():
    options = QuantizeOptions(weight_bits={"conv9": 2, "conv1": 2, "fc": 2})
    with pytest.raises(Problems) as caught:
        options.weights_of(LAYERS)
    text = str(caught.value)
    assert "--weight-bits of conv9: there is no such layer" in text
    assert "--weight-bits of conv2: is not given" in text


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"weight_bits": 0}, "--weight-bits: is 0"),
        ({"weight_bits": 9}, "use 1 to 8, or"),
        ({"weight_bits": True}, "--weight-bits: is True"),
        ({"weight_bits": {"fc": "binary"}}, "--weight-bits of fc: is 'binary'"),
        ({"activation_bits": "ternary"}, "--activation-bits: is 'ternary'"),
        ({"input_bits": 16}, "--input-bits: is 16"),
        ({"first_last_bits": 2.5}, "--first-last-bits: is 2.5"),
        ({"scale": "pow2"}, "use 'free' or 'power-of-two'"),
        ({"granularity": "layer"}, "use 'channel' or 'tensor'"),
    ],
)
def test_refused(given, text):
    with pytest.raises(UsageError, match=text):
        QuantizeOptions(**given)


@pytest.mark.slow
def test_options_need_no_torch():
    code = (
        "import sys, fpgacomp.compress.quantize as q; q.QuantizeOptions();"
        "sys.exit('torch' in sys.modules or 'brevitas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
