"""Knowledge distillation: a student learns from a teacher's answers, not from labels alone."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from fpgacomp.compress.losses import Loss, guided_loss, loss_of_answers
from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.recipe import Recipe, TrainingObserver, silent
from fpgacomp.compress.training import scores, train, with_task
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import ModelError, UsageError


@dataclass(frozen=True, kw_only=True)
class DistillOptions:
    """How much a student is guided by its teacher, and by what of it.

    Args:
        temperature: divides the scores of both networks before their softmax, over 0. Above 1 it
            makes the probabilities more even; 1 leaves them as they are.
        soft_share: weight of the teacher's answers in the loss, 0..1. The labels have the rest.
        hidden: pairs (teacher layer, student layer) whose outputs are made alike.
        hidden_weight: weight in the loss of each of these pairs, 0 or more.

    Raises:
        UsageError: a value is out of its range.
    """

    temperature: float = 4.0
    soft_share: float = 0.9
    hidden: tuple[tuple[str, str], ...] = ()
    hidden_weight: float = 100.0

    def __post_init__(self) -> None:
        if self.temperature <= 0:
            raise UsageError("temperature", f"is {self.temperature:g}.", "use more than 0.")
        if not 0 <= self.soft_share <= 1:
            raise UsageError("soft share", f"is {self.soft_share:g}.", "use 0 to 1.")
        if self.hidden_weight < 0:
            raise UsageError("hidden weight", f"is {self.hidden_weight:g}.", "use 0 or more.")


def distill(
    student: nn.Module,
    teacher: nn.Module,
    data: LabelledData,
    options: DistillOptions,
    recipe: Recipe,
    *,
    observer: TrainingObserver = silent,
) -> TechniqueOutcome:
    """Train a copy of a student on the labels and on the teacher's softened answers.

    The loss is (1 - a) CE(student, labels) + a T^2 KL(teacher/T, student/T) (Hinton, Vinyals
    and Dean, 2015), where a is `options.soft_share` and T the temperature. Hidden layers are
    compared by which samples of a batch they respond to alike (similarity-preserving
    distillation, Tung and Mori, ICCV 2019), so that their shapes need not agree.

    Args:
        student: may be quantized; its zeros and shared values are kept. It is not changed.
        teacher: a trained network for the same samples. It is not changed.
        data: the training split is fitted, the validation split judges.
        options: the weights of the loss.
        recipe: how the student is trained.
        observer: is told every epoch.

    Returns:
        The student, in evaluation mode; the details hold the temperature.

    Raises:
        ModelError: teacher and student have different numbers of classes.
        UsageError: `options.hidden` names a layer that a network does not have.
    """
    student = copy.deepcopy(student)
    probe = data.train.x[:2]
    theirs, ours = scores(teacher, probe).shape[1], scores(student, probe).shape[1]
    if theirs != ours:
        raise ModelError(
            "student", f"has {ours} outputs, its teacher {theirs}.", "give both the same outputs."
        )
    data = with_task(student, data)
    with _taps(teacher, student, options) as taps:
        loss = distillation_loss(teacher, options, data, recipe, taps)
        history = train(
            student, data, recipe,
            loss=loss, decided_by=[options, teacher], observer=observer, what="distill",
        )  # fmt: skip
    return TechniqueOutcome(student, history, (), {"temperature": options.temperature})


# For each pair of hidden layers: its name, and by that name the latest output of the teacher's
# layer and of the student's.
Taps = list[tuple[str, dict[str, Tensor], dict[str, Tensor]]]


def distillation_loss(
    teacher: nn.Module,
    options: DistillOptions,
    data: LabelledData,
    recipe: Recipe,
    taps: Taps | None = None,
) -> Loss:
    """Make the loss function of a student under this teacher; see `distill` for the formula.

    Args:
        teacher: is put into evaluation mode.
        options: the weights of the loss.
        data: tells the student's task.
        recipe: may hold a loss of the user's own, which takes the place of the labels' part.
        taps: outputs of hidden layers, filled by the forward passes; None for none.
    """
    teacher.eval()
    known = with_task(teacher, data)
    task, theirs = (data if data.task else known).known_task, known.known_task
    labels_loss = loss_of_answers(task, recipe)

    def loss(student: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        with torch.no_grad():
            guide = teacher(x)
        answer = student(x)
        hard = labels_loss(answer, y)
        soft = guided_loss(task, theirs, answer, guide, options.temperature)
        total = (1 - options.soft_share) * hard + options.soft_share * soft
        for name, guided, own in taps or ():
            total = total + options.hidden_weight * _dissimilarity(own[name], guided[name])
        return total

    return loss


def _dissimilarity(ours: Tensor, theirs: Tensor) -> Tensor:
    """Mean squared difference of the batch's row-normalized Gram matrices."""
    return functional.mse_loss(_alikeness(ours), _alikeness(theirs.detach()))


def _alikeness(activation: Tensor) -> Tensor:
    flat = activation.flatten(1)
    return functional.normalize(flat @ flat.T, dim=1)


@contextmanager
def _taps(teacher: nn.Module, student: nn.Module, options: DistillOptions) -> Iterator[Taps]:
    """Record what the paired hidden layers compute in each forward pass, until the block ends."""
    handles = []
    taps: Taps = []
    try:
        for theirs, ours in options.hidden:
            stores: list[dict[str, Tensor]] = []
            name = f"{theirs}:{ours}"
            for role, network, layer in (("teacher", teacher, theirs), ("student", student, ours)):
                store: dict[str, Tensor] = {}
                module = _layer(network, layer, role)
                handles.append(module.register_forward_hook(_keeper(store, name)))
                stores.append(store)
            taps.append((name, stores[0], stores[1]))
        yield taps
    finally:
        for handle in handles:
            handle.remove()


def _keeper(store: dict[str, Tensor], name: str) -> Callable[[nn.Module, object, object], None]:
    def keep(module: nn.Module, inputs: object, output: object) -> None:
        # A Brevitas layer may return a QuantTensor, whose field `value` is the tensor.
        value = getattr(output, "value", output)
        assert isinstance(value, Tensor)
        store[name] = value

    return keep


def _layer(network: nn.Module, name: str, role: str) -> nn.Module:
    layers = dict(network.named_modules())
    if name not in layers or not name:
        known = ", ".join(n for n in layers if n and "." not in n)
        raise UsageError(
            "hidden layers", f"the {role} has no layer {name}.", f"name one of {known}."
        )
    return layers[name]
