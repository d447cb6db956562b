"""The list of rewrites that lead from a network as read to the canonical form, top to bottom."""

from __future__ import annotations

from collections.abc import Callable

from fpgacomp.errors import InvalidGraph
from fpgacomp.frontend.rewrites.absorb_pads import absorb_pads
from fpgacomp.frontend.rewrites.cancel_transposes import cancel_transposes
from fpgacomp.frontend.rewrites.channels_first import channels_first
from fpgacomp.frontend.rewrites.convert_qdq import convert_qdq
from fpgacomp.frontend.rewrites.dequantize_before_moves import dequantize_before_moves
from fpgacomp.frontend.rewrites.drop_constant_outputs import drop_constant_outputs
from fpgacomp.frontend.rewrites.explicit_pads import explicit_pads
from fpgacomp.frontend.rewrites.flatten_to_reshape import flatten_to_reshape
from fpgacomp.frontend.rewrites.float_inputs import float_inputs
from fpgacomp.frontend.rewrites.float_parameters import float_parameters
from fpgacomp.frontend.rewrites.floor_mode_pools import floor_mode_pools
from fpgacomp.frontend.rewrites.fold_quantized_constants import fold_quantized_constants
from fpgacomp.frontend.rewrites.gemm_to_matmul import gemm_to_matmul
from fpgacomp.frontend.rewrites.global_pools import global_pools
from fpgacomp.frontend.rewrites.inference_batchnorm import inference_batchnorm
from fpgacomp.frontend.rewrites.keep_batch_axis import keep_batch_axis
from fpgacomp.frontend.rewrites.merge_duplicates import merge_duplicates
from fpgacomp.frontend.rewrites.microsoft_activations import microsoft_activations
from fpgacomp.frontend.rewrites.modernize_opset import modernize_opset
from fpgacomp.frontend.rewrites.move_into_weights import move_into_weights
from fpgacomp.frontend.rewrites.nearest_resize import nearest_resize
from fpgacomp.frontend.rewrites.normalize_quantizers import normalize_quantizers
from fpgacomp.frontend.rewrites.pairs_of_tensors import pairs_of_tensors
from fpgacomp.frontend.rewrites.picks_to_products import picks_to_products
from fpgacomp.frontend.rewrites.qoperators_to_qdq import qoperators_to_qdq
from fpgacomp.frontend.rewrites.quantize_declared_integers import quantize_declared_integers
from fpgacomp.frontend.rewrites.quantizers_on_host import quantizers_on_host
from fpgacomp.frontend.rewrites.recognise_activations import recognise_activations
from fpgacomp.frontend.rewrites.relu_from_clip import relu_from_clip
from fpgacomp.frontend.rewrites.remove_no_ops import remove_no_ops
from fpgacomp.frontend.rewrites.set_batch_to_one import set_batch_to_one
from fpgacomp.frontend.rewrites.sink_depth_to_space import sink_depth_to_space
from fpgacomp.frontend.rewrites.softmax_axis import softmax_axis
from fpgacomp.frontend.rewrites.spell_layout import spell_layout
from fpgacomp.frontend.rewrites.spell_perms import spell_perms
from fpgacomp.frontend.rewrites.split_conv_bias import split_conv_bias
from fpgacomp.frontend.rewrites.standard_qdq import standard_qdq
from fpgacomp.frontend.rewrites.subtract_to_add import subtract_to_add
from fpgacomp.frontend.rewrites.upgrade_old_opsets import upgrade_old_opsets
from fpgacomp.frontend.rewrites.upgrade_trunc import upgrade_trunc
from fpgacomp.network.drop_unused import drop_unused
from fpgacomp.network.editable import EditableGraph
from fpgacomp.network.fold_constants import fold_constants
from fpgacomp.network.infer import infer_missing
from fpgacomp.network.validate import find_damage

Rewrite = Callable[[EditableGraph], None]

# What makes the file's network run on one sample; `Network.original` is taken after it.
AS_READ: tuple[Rewrite, ...] = (
    set_batch_to_one,
    normalize_quantizers,
    channels_first,
    upgrade_old_opsets,
)

# One spelling (opset 18, inference form), then all shapes and all constants. What
# follows relies on both.
SPELLED: tuple[Rewrite, ...] = (
    modernize_opset,
    standard_qdq,
    qoperators_to_qdq,
    microsoft_activations,
    inference_batchnorm,
    fold_constants,
    drop_constant_outputs,
)

REDUCED: tuple[Rewrite, ...] = (
    upgrade_trunc,
    float_parameters,
    spell_layout,
    spell_perms,
    softmax_axis,
    remove_no_ops,
    dequantize_before_moves,
    # From here on every quantizer is a Quant, a BipolarQuant, a Trunc or a MultiThreshold.
    float_inputs,
    convert_qdq,
    # Several spellings of one function become one operator.
    gemm_to_matmul,
    explicit_pads,
    split_conv_bias,
    flatten_to_reshape,
    move_into_weights,
    fold_quantized_constants,
    subtract_to_add,
    relu_from_clip,
    quantizers_on_host,
    pairs_of_tensors,
    picks_to_products,
    keep_batch_axis,
    global_pools,
    absorb_pads,
    floor_mode_pools,
    nearest_resize,
    recognise_activations,
    quantize_declared_integers,
    sink_depth_to_space,
    # The other rewrites leave nodes behind that change nothing: these go.
    remove_no_ops,
    cancel_transposes,
    merge_duplicates,
    drop_unused,
)


_BUG = "report this as a bug, with the model."


def apply(graph: EditableGraph, rewrites: tuple[Rewrite, ...]) -> None:
    """Run the rewrites in order and verify the graph after each.

    Raises:
        InvalidGraph: naming the rewrite that failed or left a broken graph.
    """
    for rewrite in rewrites:
        try:
            rewrite(graph)
        except Exception as error:  # a bug of the rewrite, which the user should hear of by name
            why = f"failed with {type(error).__name__}: {error}."
            raise InvalidGraph(f"rewrite {rewrite.__name__}", why, _BUG) from error
        if rewrite not in AS_READ + SPELLED:  # shapes are known from the end of SPELLED on
            infer_missing(graph)
        broken = find_damage(graph)
        if broken:
            raise InvalidGraph(f"rewrite {rewrite.__name__}", broken, _BUG)
