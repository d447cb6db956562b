"""BatchNormalization merged into the weights and bias of the layer in front of it."""

from __future__ import annotations

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights

from fpgacomp.compress.constraints import SHARED
from fpgacomp.compress.quantize.torch.sites import WEIGHTED, module_of


def merge_norms(network: fx.GraphModule) -> tuple[int, int]:
    """Merge normalizations into the layers in front of them, in place.

    A normalization is merged where nothing else reads the dense or convolution layer in front of
    it. It is left alone where the layer's weights share values, since each channel would scale
    them differently.

    Returns:
        The number of normalizations that were merged, and the number that were left alone because
        of shared values.
    """
    merged = kept = 0
    for node in list(network.graph.nodes):
        norm = module_of(network, node)
        if not isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d) or norm.running_mean is None:
            continue
        before = node.all_input_nodes[0]
        layer = module_of(network, before)
        if not isinstance(layer, WEIGHTED) or len(before.users) > 1:
            continue
        if getattr(layer, SHARED, None) is not None:
            kept += 1
            continue
        _fuse(layer, norm)
        node.replace_all_uses_with(before)
        network.graph.erase_node(node)
        merged += 1
    network.delete_all_unused_submodules()
    network.recompile()
    return merged, kept


def _fuse(layer: nn.Module, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
    assert isinstance(layer, WEIGHTED)
    assert norm.running_mean is not None and norm.running_var is not None
    statistics = (norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias)
    fuse = fuse_linear_bn_weights if isinstance(layer, nn.Linear) else fuse_conv_bn_weights
    layer.weight, layer.bias = fuse(layer.weight, layer.bias, *statistics)
