"""Types that every technique of compression shares, usable where torch is not installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

# A `torch.fx.GraphModule` of known modules, as `compress.trainable` reads it, or the same network
# with Brevitas layers in it. PyTorch is optional and mypy does not follow it, so that to the type
# checker its classes are Any; this alias says which Any is meant.
TorchNetwork: TypeAlias = Any

# A dense or convolution layer, of torch or of Brevitas, which may carry the buffers of
# `compress.constraints`.
TorchLayer: TypeAlias = Any

# A Keras 2 model (tf_keras), float or of QKeras layers. TensorFlow is optional, too.
KerasModel: TypeAlias = Any

# A layer, a tensor or a quantizer of Keras or QKeras.
KerasLayer: TypeAlias = Any
KerasTensor: TypeAlias = Any
KerasQuantizer: TypeAlias = Any

# Estimates what a network costs: figures by resource, e.g. {"lut": 1200.0, "dsp": 4.0}.
CostFunction: TypeAlias = Callable[[TorchNetwork], Mapping[str, float]]
