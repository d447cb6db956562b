"""Exports Brevitas modules as QONNX, through Brevitas' own export."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from fpgacomp.errors import ModelError, ToolError, raise_all
from fpgacomp.host.scratch import scratch_folder
from fpgacomp.host.toolchain import INSTALL_BREVITAS as INSTALL
from fpgacomp.host.whole_file import whole_file
from fpgacomp.network.attributes import initializers, int_attribute
from fpgacomp.network.onnx_file import load_onnx
from fpgacomp.network.operators import QUANTIZERS


def export_brevitas(module: Any, example_input: Any, path: Path) -> onnx.ModelProto:
    """Export a trained Brevitas (torch.nn) module and write it to `path`.

    The module's training mode is left as it was. The export traces one forward pass, so
    that branches on data are frozen as the example takes them.

    Args:
        module: torch.nn.Module with Brevitas layers.
        example_input: a torch tensor, or a tuple of them, batch axis first.

    Raises:
        ToolError: torch, Brevitas or what their export needs is not installed.
        ModelError: the module cannot be exported, holds no quantizer, or one that QONNX has
            no form for.
    """
    torch, export_qonnx = _tools()
    where = f"module {type(module).__name__}"
    if not isinstance(module, torch.nn.Module):
        raise ModelError(where, "it is not a torch.nn.Module.", "give the trained Brevitas module.")
    inputs = example_input if isinstance(example_input, tuple) else (example_input,)
    if others := [type(x).__name__ for x in inputs if not isinstance(x, torch.Tensor)]:
        fix = "give a torch tensor, for instance torch.from_numpy(array)."
        raise ModelError("example_input", f"is a {others[0]}.", fix)
    path = Path(path)
    if not path.parent.is_dir():
        raise ModelError(str(path), "its folder does not exist.", "create it first.")
    training = module.training
    with scratch_folder() as scratch:
        traced = scratch / "traced.onnx"
        try:
            # dynamo=True is slower and leaves an external data file beside the model
            export_qonnx(module.eval(), example_input, export_path=str(traced), dynamo=False)
            model = load_onnx(traced).model
        except Exception as problem:
            raise _explained(where, problem) from problem
        finally:
            module.train(training)
    if not any(node.op_type in QUANTIZERS for node in model.graph.node):
        raise ModelError(
            where,
            "its export holds no quantizer.",
            "use brevitas.nn layers, or export it as a float network and give --calibration.",
        )
    _refuse_signed_bits(model)
    with whole_file(path) as written:
        onnx.save(model, written)
    return model


def _refuse_signed_bits(model: onnx.ModelProto) -> None:
    """Refuse signed quantizers of one bit: QONNX reads -1 and 1, Brevitas means -1 and 0."""
    constants = initializers(model.graph)
    signed_bits = [
        node.name
        for node in model.graph.node
        if node.op_type == "Quant"
        and int_attribute(node, "signed", 0) == 1
        and np.all(constants.get(node.input[3]) == 1)
    ]
    why = "it is a signed integer of one bit (-1 and 0), which QONNX has no form for."
    fix = "make it binary (QuantType.BINARY, -1 and 1), unsigned, or give it two bits."
    raise_all([ModelError(name, why, fix) for name in signed_bits])


def _tools() -> tuple[Any, Any]:
    """Return torch, and Brevitas' export function."""
    try:
        torch = import_module("torch")
        return torch, import_module("fpgacomp.host.brevitas_qonnx").Manager.export
    except ImportError as missing:
        raise ToolError(
            "Brevitas",
            f"modules are exported through Brevitas itself ({missing}).",
            INSTALL,
        ) from missing


def _explained(where: str, problem: Exception) -> Exception:
    if isinstance(problem, ImportError):
        return ToolError("Brevitas", f"its export needs another package ({problem}).", INSTALL)
    reason = " ".join(str(problem).split())[:300]
    return ModelError(
        where,
        f"Brevitas cannot export it: {type(problem).__name__}: {reason}",
        "check that module(example_input) runs, and that every layer has an ONNX form.",
    )
