"""The loss of each task, for a network's outputs and for a student under its teacher."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

import torch
from torch import Tensor, nn
from torch.nn import functional

from fpgacomp.compress.recipe import Recipe
from fpgacomp.compress.runs import SMALLEST_PROBABILITY
from fpgacomp.data.labelled import LabelledData
from fpgacomp.data.tasks import OutputTask, Task
from fpgacomp.data.user_code import call_users, function_name
from fpgacomp.errors import TrainingError

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]  # (network, x, y) -> mean loss


def loss_of(data: LabelledData, recipe: Recipe | None = None) -> Loss:
    """Make the loss function of a training: the user's own, or that of the task.

    Args:
        data: its task is known.
        recipe: may hold a loss of the user's own; None has none.

    Returns:
        A function (network, x, y) -> mean loss of a batch, a scalar with a gradient.
    """
    answers_loss = loss_of_answers(data.known_task, recipe)
    return lambda network, x, y: answers_loss(network(x), y)


def loss_of_answers(task: Task, recipe: Recipe | None = None) -> Callable[[Tensor, Tensor], Tensor]:
    """Make the function (outputs, labels) -> mean loss of a batch; see `loss_of`."""
    own = None if recipe is None else recipe.loss
    if own is None:
        return lambda outputs, y: task_loss(task, outputs, y)

    return lambda outputs, y: _own_loss(own, outputs, y)


def _own_loss(own: Callable[..., Any], outputs: Tensor, y: Tensor) -> Tensor:
    """The loss that a user's function gives for a batch, a scalar.

    Raises:
        InputDataError: the function raised an exception.
        TrainingError: it returned anything but one number, or one without a gradient.
    """
    fix = "return a scalar tensor with a gradient."
    value = call_users(
        own, outputs, y, fix=f"mend the function: it takes outputs and labels of a batch; {fix}"
    )
    if not isinstance(value, Tensor):
        why = f"returned {type(value).__name__}, not one number."
    elif value.numel() != 1 or not value.is_floating_point():
        why = f"returned {value.dtype} of shape {list(value.shape)}, not one number."
    elif torch.is_grad_enabled() and not value.requires_grad:
        why = "returned a number that does not depend on the outputs by PyTorch's operators."
    else:
        return value.reshape(())
    raise TrainingError(f"the loss of your own, {function_name(own)}", why, fix)


def task_loss(task: Task, outputs: Tensor, y: Tensor) -> Tensor:
    """Mean loss of a batch, the sum over the outputs.

    Args:
        task: what the network is asked to tell.
        outputs: [N, ...], all outputs side by side where there are several.
        y: labels as `fpgacomp.data.labelled.Samples` keeps them.

    Returns:
        Cross entropy for classes and for yes or no, with the classes' weights; for numbers the
        squared error in units of the labels' variance.
    """
    parts = [
        _output_loss(part, _columns(task, part, outputs), _labels(task, part, y))
        for part in task.parts
    ]
    return torch.stack(parts).sum() if len(parts) > 1 else parts[0]


def guided_loss(
    task: Task, guide: Task, student: Tensor, teacher: Tensor, temperature: float
) -> Tensor:
    """How far a student's outputs are from its teacher's, the sum over the outputs.

    Classes and yes or no are compared by the divergence of their probabilities at a temperature
    (Hinton, Vinyals and Dean, 2015), numbers by the squared error in units of the labels'
    variance.

    Args:
        task, guide: what student and teacher are asked to tell; they may end differently.
        student, teacher: [N, ...], all outputs side by side where there are several.
        temperature: divides the scores of both.
    """
    total = torch.zeros(())
    for part, its in zip(task.parts, guide.parts, strict=True):
        ours, theirs = _columns(task, part, student), _columns(guide, its, teacher)
        total = total + _guided(part, its, ours, theirs, temperature)
    return total


def soft_divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)), the mean over the batch.

    Args:
        student, teacher: scores [N, classes].
        temperature: T.
    """
    theirs = functional.log_softmax(teacher / temperature, dim=1)
    ours = functional.log_softmax(student / temperature, dim=1)
    divergence = functional.kl_div(ours, theirs, reduction="batchmean", log_target=True)
    return divergence * temperature**2


def _columns(task: Task, part: OutputTask, outputs: Tensor) -> Tensor:
    """The values of one output, [N, size]."""
    start = 0
    for form in task.forms:
        if form.name == part.form.name:
            break
        start += form.size
    return outputs.flatten(1)[:, start : start + part.form.size]


def _labels(task: Task, part: OutputTask, y: Tensor) -> Tensor:
    return y if len(task.parts) == 1 else y[:, task.columns(part)]


def _output_loss(part: OutputTask, outputs: Tensor, y: Tensor) -> Tensor:
    weights = torch.tensor(part.class_weights) if part.class_weights else None
    match part.kind:
        case "classes":
            return _cross_entropy(part, outputs, y.reshape(-1).long(), weights)
        case "binary":
            right = y.reshape(-1).long()
            each = None if weights is None else weights[right]
            return _yes_or_no(part, outputs[:, 0], right.to(outputs.dtype), each)
        case "multi-label":
            right = y.to(outputs.dtype)
            each = None if weights is None else 1 + (weights - 1) * right
            return _yes_or_no(part, outputs, right, each)
        case "regression" | "reconstruction":
            return (((outputs - y.to(outputs.dtype)) / _deviation(part, outputs)) ** 2).mean()
        case _:
            assert_never(part.kind)


def _cross_entropy(part: OutputTask, outputs: Tensor, y: Tensor, weights: Tensor | None) -> Tensor:
    match part.form.ending:
        case "scores":
            return functional.cross_entropy(outputs, y, weights)
        case "softmax":
            return functional.nll_loss(_log(outputs), y, weights)
        case "log-softmax":
            return functional.nll_loss(outputs, y, weights)
        case "sigmoid":  # every class is a yes or no of its own
            right = functional.one_hot(y, outputs.shape[1]).to(outputs.dtype)
            each = None if weights is None else weights[y][:, None]
            return _yes_or_no(part, outputs, right, each)
        case _:
            assert_never(part.form.ending)


def _yes_or_no(part: OutputTask, outputs: Tensor, right: Tensor, weights: Tensor | None) -> Tensor:
    if part.form.ending == "sigmoid":
        surprise = -(right * _log(outputs) + (1 - right) * _log(1 - outputs))
    else:
        surprise = functional.binary_cross_entropy_with_logits(outputs, right, reduction="none")
    return surprise.mean() if weights is None else (surprise * weights).mean()


def _guided(
    part: OutputTask, guide: OutputTask, ours: Tensor, theirs: Tensor, temperature: float
) -> Tensor:
    match part.kind:
        case "classes":
            return soft_divergence(_scores(part, ours), _scores(guide, theirs), temperature)
        case "binary" | "multi-label":
            wanted = torch.sigmoid(_scores(guide, theirs) / temperature)
            given = _scores(part, ours) / temperature
            return temperature**2 * functional.binary_cross_entropy_with_logits(given, wanted)
        case "regression" | "reconstruction":
            return (((ours - theirs) / _deviation(part, ours)) ** 2).mean()
        case _:
            assert_never(part.kind)


def _deviation(part: OutputTask, like: Tensor) -> Tensor:
    """Square root of the labels' variance by column; the variance itself may exceed float32."""
    return torch.tensor(part.spread or (1.0,), dtype=torch.float64).sqrt().to(like.dtype)


def _scores(part: OutputTask, outputs: Tensor) -> Tensor:
    """Outputs as scores of any size: logarithms of probabilities, log-odds of yes."""
    match part.form.ending:
        case "scores" | "log-softmax":
            return outputs
        case "softmax":
            return _log(outputs)
        case "sigmoid":
            return _log(outputs) - _log(1 - outputs)
        case _:
            assert_never(part.form.ending)


def _log(probabilities: Tensor) -> Tensor:
    return probabilities.clamp(min=SMALLEST_PROBABILITY).log()
