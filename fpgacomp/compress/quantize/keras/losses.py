"""What a Keras model's output looks like, and the loss of its task."""

from __future__ import annotations

import math
from typing import assert_never

from fpgacomp.compress.recipe import Recipe
from fpgacomp.compress.runs import SMALLEST_PROBABILITY
from fpgacomp.compress.types import KerasModel, KerasTensor
from fpgacomp.data.labelled import LabelledData
from fpgacomp.data.tasks import FIND, Ending, OutputForm, OutputTask, TaskRequest
from fpgacomp.errors import ModelError
from fpgacomp.host.keras2 import tensorflow


def with_keras_task(
    model: KerasModel, data: LabelledData, task: TaskRequest = FIND
) -> LabelledData:
    """Return the data with the task that the model's output and the labels speak for.

    Args:
        model: has one output.
        data: in the model's shape. Data whose task is known keep it.
        task: what the user says of the task.

    Raises:
        ModelError: the model has several outputs.
        InputDataError: the labels do not go with the output.
    """
    return data.for_task((output_form(model),), task)


def output_form(model: KerasModel) -> OutputForm:
    """Tell what the output of a model looks like.

    Raises:
        ModelError: the model has several outputs.
    """
    if len(model.outputs) != 1:
        raise ModelError(
            str(model.name),
            f"has {len(model.outputs)} outputs, and QKeras trains models of one here.",
            "export it to ONNX: networks of several outputs are trained with PyTorch.",
        )
    return OutputForm(model.output_names[0], tuple(model.output_shape[1:]), ending_of(model))


def ending_of(model: KerasModel) -> Ending:
    """Tell what the values of a model's output are, by the layer that computes it."""
    tf = tensorflow()
    layer = model.layers[-1]
    for candidate in model.layers:
        if candidate.output is model.outputs[0]:
            layer = candidate
    activation = getattr(layer, "activation", None)
    if isinstance(layer, tf.keras.layers.Softmax) or activation is tf.keras.activations.softmax:
        return "softmax"
    if activation in (tf.keras.activations.sigmoid, tf.keras.activations.hard_sigmoid):
        return "sigmoid"
    return "scores"


def keras_loss(
    part: OutputTask, outputs: KerasTensor, y: KerasTensor, recipe: Recipe
) -> KerasTensor:
    """Mean loss of a batch: that of the task, or the user's own.

    Args:
        part: what the output is asked to tell.
        outputs: [N, ...].
        y: labels as `fpgacomp.data.labelled.Samples` keeps them.
        recipe: may hold a loss of the user's own.
    """
    tf = tensorflow()
    outputs = tf.reshape(outputs, (tf.shape(outputs)[0], -1))
    if recipe.loss is not None:
        return tf.cast(tf.reshape(recipe.loss(outputs, y), ()), tf.float32)
    match part.kind:
        case "classes":
            y = tf.cast(tf.reshape(y, (-1,)), tf.int64)
            each = _cross_entropy(part, outputs, y)
            if not part.class_weights:
                return tf.reduce_mean(each)
            weights = tf.gather(tf.constant(part.class_weights, tf.float32), y)
            return tf.reduce_sum(each * weights) / tf.maximum(tf.reduce_sum(weights), 1e-12)
        case "binary" | "multi-label":
            right = tf.cast(tf.reshape(y, tf.shape(outputs)), tf.float32)
            each = _yes_or_no(part, outputs, right)
            return tf.reduce_mean(each * _weights_of(part, right) if part.class_weights else each)
        case "regression" | "reconstruction":
            # The variance itself may exceed float32.
            deviation = tf.constant([math.sqrt(v) for v in part.spread or (1.0,)], tf.float32)
            error = outputs - tf.cast(tf.reshape(y, tf.shape(outputs)), tf.float32)
            return tf.reduce_mean((error / deviation) ** 2)
        case _:
            assert_never(part.kind)


def _weights_of(part: OutputTask, right: KerasTensor) -> KerasTensor:
    tf = tensorflow()
    weights = tf.constant(part.class_weights, tf.float32)
    if part.kind == "binary":
        return tf.gather(weights, tf.cast(right, tf.int64))
    return 1 + (weights - 1) * right


def _cross_entropy(part: OutputTask, outputs: KerasTensor, y: KerasTensor) -> KerasTensor:
    """Cross entropy of each sample, [N]."""
    tf = tensorflow()
    match part.form.ending:
        case "scores" | "log-softmax":
            return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=outputs)
        case "softmax":
            return -_log(tf.gather(outputs, y, axis=1, batch_dims=1))
        case "sigmoid":  # every class is a yes or no of its own
            right = tf.one_hot(y, part.form.size)
            return tf.reduce_mean(_yes_or_no(part, outputs, right), axis=1)
        case _:
            assert_never(part.form.ending)


def _yes_or_no(part: OutputTask, outputs: KerasTensor, right: KerasTensor) -> KerasTensor:
    tf = tensorflow()
    if part.form.ending == "sigmoid":
        return -(right * _log(outputs) + (1 - right) * _log(1 - outputs))
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=right, logits=outputs)


def _log(probabilities: KerasTensor) -> KerasTensor:
    tf = tensorflow()
    return tf.math.log(tf.maximum(probabilities, SMALLEST_PROBABILITY))
