"""Rewrite: BatchNormalization becomes what inference computes: five inputs, one output."""

from __future__ import annotations

from fpgacomp.network.editable import EditableGraph


def inference_batchnorm(graph: EditableGraph) -> None:
    """Drop the outputs that only training uses; a node left in training mode is
    taken as inference.
    """
    for node in graph.nodes:
        if node.op != "BatchNormalization" or node.domain:
            continue
        extra = [name for name in node.outputs[1:] if name]
        if any(graph.consumers(name) or name in graph.outputs for name in extra):
            why = "its training outputs are used."
            graph.report(node, why, "export the model in evaluation mode (model.eval()).")
            continue
        if node.attributes.get("training_mode", 0):
            why = "it is in training mode: it would normalize by the batch it sees."
            graph.report(node, why, "export the model in evaluation mode (model.eval()).")
        if node.attributes.get("spatial", 1) == 0:
            graph.report(node, "spatial is 0 (a mean per pixel).", "use one mean per channel.")
        del node.outputs[1:]
        node.attributes = {"epsilon": node.attributes.get("epsilon", 1e-5)}
