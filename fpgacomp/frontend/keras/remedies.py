"""Says why a Keras layer that may stand in a file is not carried, and what to do: one answer
for each kind of reason.
"""

from __future__ import annotations

_RECURRENT = (
    "carries a state from step to step",
    "recurrent networks are not carried; use Conv1D, causal if need be.",
)
_ATTENTION = (
    "multiplies two tensors that are both computed from the input, element by row",
    "attention is not carried; use Dense or convolutions with trained weights.",
)
_STATISTICS = (
    "divides by statistics of each input",
    "use BatchNormalization, whose statistics are constants after training.",
)
_TRANSPOSED = (
    "is a transposed convolution",
    "use UpSampling (nearest) followed by a convolution.",
)
_THREE = ("works on volumes", "fold one axis into the channels and use the 2-D layer.")
_ITEMS = (
    "looks numbers up by an index",
    "do that in software and give the network what it finds.",
)
_PICTURES = (
    "prepares pictures",
    "do that in software before the network, and start the network behind it.",
)
_MASKED = (
    "tells later layers what to skip, depending on the values",
    "remove it and give inputs of full length.",
)
_ADAPTIVE = (
    "finds its range while it runs",
    "use QActivation with the range that training has found.",
)
_COMPOSED = (
    "is a composition that the reader does not know",
    "write it out with Dense, convolutions, pooling and quantized activations.",
)
_GENERAL = (
    "is not carried",
    "write it out with Dense, convolutions, pooling, BatchNormalization and activations.",
)

_KINDS: dict[tuple[str, ...], tuple[str, str]] = {
    (
        *("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "Bidirectional"),
        *("QLSTM", "QGRU", "QSimpleRNN", "QBidirectional", "StackedRNNCells"),
    ): _RECURRENT,
    ("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupedQueryAttention", "Dot"): (
        _ATTENTION
    ),
    (
        *("LayerNormalization", "GroupNormalization", "UnitNormalization", "RMSNormalization"),
    ): _STATISTICS,
    ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "QConv2DTranspose"): _TRANSPOSED,
    (
        *("Conv3D", "MaxPooling3D", "AveragePooling3D", "GlobalAveragePooling3D"),
        *("GlobalMaxPooling3D", "Cropping3D", "UpSampling3D", "ZeroPadding3D"),
    ): _THREE,
    ("Embedding",): _ITEMS,
    ("Resizing", "CenterCrop"): _PICTURES,
    ("Masking",): _MASKED,
    ("QAdaptiveActivation",): _ADAPTIVE,
    (
        *("QOctaveConv2D", "QMobileNetSeparableConv2D", "EinsumDense", "SpectralNormalization"),
        "RepeatVector",
    ): _COMPOSED,
}
_BY_CLASS = {name: kind for names, kind in _KINDS.items() for name in names}


def refusal(layer_class: str) -> tuple[str, str]:
    """Return why a layer of this class is not carried, and the remedy, one sentence each."""
    why, fix = _BY_CLASS.get(layer_class, _GENERAL)
    return f"layer class {layer_class} {why}.", fix
