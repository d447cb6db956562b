"""Lets ONNX's own checker judge a model, after two faults that real exports have are repaired."""

from __future__ import annotations

import onnx
from onnx import checker

from fpgacomp.errors import ModelError
from fpgacomp.network.operators import QONNX_DOMAIN, QUANTIZERS
from fpgacomp.network.scan import all_bodies

_QUANTIZERS = {"IntQuant", *QUANTIZERS}
_DEPRECATED = {"Upsample"}


def check_standard(model: onnx.ModelProto, where: str) -> None:
    """Refuse what onnx.checker refuses in a repaired copy of the model.

    Raises:
        ModelError: the checker's reason.
    """
    try:
        checker.check_model(repaired(model))
    except (checker.ValidationError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split("==>")[0].split())[:300].rstrip(". ")
        why = f"is not valid ONNX: {reason}."
        raise ModelError(where, why, "export the model again.") from None


def repaired(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy whose outputs state a shape and whose domains are all imported.

    Many exporters leave these out, and nothing here needs them. Quantizers without a domain get
    QONNX's, and operators that are deprecated but carried get one that the checker passes over.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value in copy.graph.output:
        kind = value.type.WhichOneof("value")
        if kind in (None, "tensor_type"):
            tensor = value.type.tensor_type
            tensor.elem_type = tensor.elem_type or onnx.TensorProto.FLOAT
            tensor.shape.SetInParent()
    used = set()
    for body in all_bodies(copy):
        for node in body.node:
            if node.domain in ("", "ai.onnx") and node.op_type in _QUANTIZERS:
                node.domain = QONNX_DOMAIN
            elif node.domain in ("", "ai.onnx") and node.op_type in _DEPRECATED:
                node.domain = "deprecated"
            used.add(node.domain)
    for owner in (copy, *copy.functions):
        _import_missing(owner, used)
    return copy


def _import_missing(owner: onnx.ModelProto | onnx.FunctionProto, used: set[str]) -> None:
    listed = {entry.domain for entry in owner.opset_import}
    for domain in sorted(used - listed - {"", "ai.onnx"}):
        owner.opset_import.append(onnx.helper.make_opsetid(domain, 1))
