"""A software side whose operators numpy does not have, in ONNX Runtime where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

import numpy as np

from .errors import DescriptionError, NotInstalled, SampleError
from .program import cast_samples, sample_array


class OnnxSide:
    """One side of the software, which runs sample by sample.

    Args:
        path: its ONNX file.

    Raises:
        NotInstalled: ONNX Runtime is not installed.
        DescriptionError: the file is missing or cannot be run.
    """

    def __init__(self, path: Path) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise NotInstalled(
                path.name,
                "has operators that numpy does not have, and onnxruntime is not installed.",
                "pip install onnxruntime, or end the network before these operators.",
            ) from None
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), providers=["CPUExecutionProvider"]
            )
        except Exception as problem:  # ONNX Runtime has no class for its errors
            reason = " ".join(str(problem).split())[:300]
            raise DescriptionError(str(path), f"ONNX Runtime does not take it: {reason}.",
                                   "install the package again.") from None  # fmt: skip
        self._inputs = {i.name: i for i in self._session.get_inputs()}
        self._outputs = [o.name for o in self._session.get_outputs()]

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs, in order."""
        return list(self._inputs)

    @property
    def outputs(self) -> list[str]:
        """Names of the outputs, in order."""
        return list(self._outputs)

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Compute the outputs of each sample; see `Program.run`."""
        feeds = {}
        for name, spec in self._inputs.items():
            if name not in inputs:
                known = ", ".join(self._inputs)
                raise SampleError(name, "no values were given.", f"give arrays for {known}.")
            kind = _TYPES.get(spec.type, "float32")
            array = sample_array(name, inputs[name])
            if array.ndim == 0 or len(array) == 0:
                raise SampleError(name, "there are no samples.", "give one or more.")
            feeds[spec.name] = np.ascontiguousarray(cast_samples(name, array, kind))
        count = {len(array) for array in feeds.values()}
        if len(count) != 1:
            raise SampleError("the samples", f"the inputs have {sorted(count)} samples.",
                              "give as many samples for each input.")  # fmt: skip
        parts = []
        for sample in range(count.pop()):
            one = {name: array[sample : sample + 1] for name, array in feeds.items()}
            try:
                parts.append(self._session.run(None, one))
            except Exception as problem:
                reason = " ".join(str(problem).split())[:300]
                raise SampleError("the samples", f"ONNX Runtime: {reason}.",
                                  "give samples as the network takes them.") from None  # fmt: skip
        return {
            name: np.concatenate([part[number] for part in parts])
            for number, name in enumerate(self._outputs)
        }


_TYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(bool)": "bool",
}
