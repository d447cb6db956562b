"""The training loop: seeded, resumable, interruptible, and honest about its splits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from fpgacomp.compress.constraints import Constraint, constraints_of
from fpgacomp.compress.losses import Loss, loss_of, loss_of_answers
from fpgacomp.compress.recipe import Epoch, History, Recipe, TrainingObserver, silent
from fpgacomp.compress.runs import (
    EVALUATION_BATCH,
    carry_out,
    check_checkpoint,
    check_loss,
    fingerprint,
)
from fpgacomp.compress.trainable.outputs import output_forms
from fpgacomp.data.labelled import LabelledData, Samples
from fpgacomp.data.tasks import Task
from fpgacomp.data.user_code import call_users, function_name
from fpgacomp.errors import TrainingError
from fpgacomp.host.whole_file import whole_file
from fpgacomp.ir.types import AnyArray

State = dict[str, Any]


def with_task(network: nn.Module, data: LabelledData) -> LabelledData:
    """Return the data with the task that the network's outputs and the labels speak for.

    Data whose task is known keep it; only the form of the outputs is the network's own.

    Raises:
        InputDataError: the labels do not go with the outputs.
    """
    return data.for_task(output_forms(network, data.train.x))


def train(
    network: nn.Module,
    data: LabelledData,
    recipe: Recipe,
    *,
    loss: Loss | None = None,
    constraints: Sequence[Constraint] = (),
    decided_by: Sequence[object] = (),
    observer: TrainingObserver = silent,
    what: str = "training",
) -> History:
    """Train a network in place and leave the best epoch's weights in it, in evaluation mode.

    Weights are fitted to the training split. The best epoch is the one with the highest score on
    the validation split (the task's metric, then the lowest loss there), among those at whose end
    all constraints are settled. Ctrl-C ends the run and keeps the best epoch so far; before there
    is one, it is passed on. Zeros and shared values that the layers carry as constraints are kept.

    Args:
        network: computes its answers [N, ...] from x [N, *input shape].
        data: the training split is fitted, the validation split judges, the test split is unused.
        recipe: how long and how fast to train, and by which loss and step of the user's own.
        loss: (network, x, y) -> mean loss of a batch, a scalar with a gradient. None takes the
            recipe's, or that of the task.
        constraints: what is to be kept beside the constraints that the layers carry.
        decided_by: options, teachers and whatever else decides how the run goes, beside network,
            data and recipe. A checkpoint of a run that others decided is refused.
        observer: is told every epoch.
        what: names the run to the observer.

    Returns:
        The epochs, and which of them was kept.

    Raises:
        TrainingError: the loss is not a number, or the checkpoint belongs to another run.
        InputDataError: the labels do not go with the network's outputs.
    """
    if recipe.epochs == 0:
        network.eval()
        return History()
    with _settings(recipe):
        data = with_task(network, data)
        loss = loss or loss_of(data, recipe)
        run = _TorchRun(network, data, recipe, loss, [*constraints_of(network), *constraints])
        run.identify(decided_by)
        return carry_out(run, recipe, observer, what)


def scores(network: nn.Module, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Execute a network in evaluation mode; its own mode is left as it was.

    Args:
        network: any torch module.
        x: float32 [N, *input shape].

    Returns:
        Its outputs, float32 [N, classes].
    """
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            parts = [
                network(torch.from_numpy(x[start : start + EVALUATION_BATCH]))
                for start in range(0, len(x), EVALUATION_BATCH)
            ]
        return np.asarray(torch.cat(parts).float().flatten(1).numpy())
    finally:
        network.train(training)


def accuracy(network: nn.Module, samples: Samples) -> float:
    """Share of samples, 0..1, whose highest score is that of their class; see `quality` for all
    tasks."""
    return float(np.mean(scores(network, samples.x).argmax(axis=1) == samples.y))


def answers(network: nn.Module, task: Task, x: npt.NDArray[np.float32]) -> dict[str, AnyArray]:
    """Execute a network in evaluation mode: output name -> [N, size]."""
    return task.split(scores(network, x))


def measure(network: nn.Module, data: LabelledData) -> dict[str, dict[str, float]]:
    """Score a network on the test split: output name -> figures by the keys of `METRICS`.

    Args:
        network: any torch module for the task.
        data: its task is known.
    """
    task = with_task(network, data).known_task
    found = task.measure(answers(network, task, data.test.x), data.test.y)
    return data.known_task.renamed(found)


def quality(network: nn.Module, data: LabelledData, samples: Samples) -> float:
    """Score a network by the task's metric: higher is better, 1 is perfect.

    Args:
        network: any torch module for the task.
        data: tells the task.
        samples: one of its splits.
    """
    with_labels = with_task(network, data)
    if data.task is None:  # the labels of the split were brought into the form of the task
        splits = ("train", "validation", "test")
        samples = next(getattr(with_labels, n) for n in splits if getattr(data, n) is samples)
    task = with_labels.known_task
    return task.quality(answers(network, task, samples.x), samples.y)


@dataclass
class _BestState:
    epoch: Epoch
    state: State


class _TorchRun:
    """The state of a training run between two epochs, which is what a checkpoint holds."""

    def __init__(
        self,
        network: nn.Module,
        data: LabelledData,
        recipe: Recipe,
        loss: Loss,
        constraints: Sequence[Constraint],
    ) -> None:
        self.network = network
        self.data = data
        self.recipe = recipe
        self.loss = loss
        self.constraints = constraints
        self.x, self.y = torch.from_numpy(data.train.x), torch.from_numpy(data.train.y)
        self.optimizer = torch.optim.AdamW(_parameter_groups(network, recipe), eps=1e-8)
        self.steps = math.ceil(len(self.x) / recipe.batch) * recipe.epochs
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, max_lr=recipe.learning_rate, total_steps=self.steps + 1
        )
        self.step = 0
        self.epochs: list[Epoch] = []
        self.best: _BestState | None = None
        self._identity = ""

    def identify(self, decided_by: Sequence[object]) -> None:
        """Digest what decides the run, before its first epoch changes the network."""
        if self.recipe.checkpoint is not None:
            parts = [*_parts(self.network), *(p for o in decided_by for p in _parts(o))]
            self._identity = fingerprint(self.recipe, self.data, parts)

    @property
    def done(self) -> int:
        return len(self.epochs)

    @property
    def has_best(self) -> bool:
        return self.best is not None

    def epoch(self) -> Epoch:
        """Train one epoch and judge it on the validation split."""
        self.network.train()
        total = 0.0
        for batch in torch.randperm(len(self.x)).split(self.recipe.batch):
            total += self._batch(batch) * len(batch)
        share = self.step / self.steps
        score, validation_loss = self._judge(self.data.validation)
        settled = all(constraint.settled(share) for constraint in self.constraints)
        rank = (score, -validation_loss)
        best = settled and (self.best is None or rank > self.best.epoch.rank)
        mean = total / len(self.x)
        metric = self.data.known_task.metric.key
        epoch = Epoch(
            self.done + 1, self.recipe.epochs, mean, score, validation_loss, best, metric
        )  # fmt: skip
        if best:
            self.best = _BestState(epoch, _copy(self.network.state_dict()))
        self.epochs.append(epoch)
        return epoch

    def _batch(self, batch: Tensor) -> float:
        self.step += 1
        self.optimizer.zero_grad()
        # Batch normalization cannot compute the variance of a single sample.
        if len(batch) < 2:
            self.schedule.step()
            return 0.0
        value = self._optimize(self.x[batch], self.y[batch])
        self.schedule.step()
        for constraint in self.constraints:
            constraint.project(self.step / self.steps)
        return value

    def _optimize(self, x: Tensor, y: Tensor) -> float:
        """Make one step of the optimizer, the user's own where there is one; return the loss."""
        step = self.recipe.step
        if step is not None:
            # The step calls backward and optimizer.step itself; the gradient is settled between.
            hook = self.optimizer.register_step_pre_hook(lambda *_: self._settle_gradient())
            try:
                value = _own_step(step, self.network, self.optimizer, x, y)
            finally:
                hook.remove()
            return check_loss(value, self.done + 1, self.step, self.steps, self.recipe)
        loss = self.loss(self.network, x, y)
        value = check_loss(loss.item(), self.done + 1, self.step, self.steps, self.recipe)
        loss.backward()
        self._settle_gradient()
        self.optimizer.step()
        return value

    def _settle_gradient(self) -> None:
        for constraint in self.constraints:
            constraint.settle_gradient()

    def _judge(self, samples: Samples) -> tuple[float, float]:
        """Score the network on a split: its score by the task's metric, and its mean loss."""
        task = self.data.known_task
        outputs = scores(self.network, samples.x)
        with torch.no_grad():
            loss = loss_of_answers(task, self.recipe)(
                torch.from_numpy(outputs), torch.from_numpy(samples.y)
            )
        value = check_loss(loss.item(), self.done + 1, self.step, self.steps, self.recipe)
        return task.quality(task.split(outputs), samples.y), value

    def finish(self, interrupted: bool) -> History:
        """Put the best epoch's state into the network.

        Its constraints were settled, so that it needs no further projection.
        """
        assert self.best is not None, "no constraint is unsettled at the end"
        self.network.load_state_dict(self.best.state)
        self.network.eval()
        return History(tuple(self.epochs), self.best.epoch, interrupted)

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        path = self.recipe.checkpoint
        if path is None:
            return
        with whole_file(path) as scratch:
            torch.save(
                {
                    "run": self._identity,
                    "network": self.network.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "schedule": _plain(self.schedule.state_dict()),
                    "random": torch.get_rng_state(),
                    "step": self.step,
                    "epochs": [asdict(epoch) for epoch in self.epochs],
                    "best": None
                    if self.best is None
                    else {"epoch": asdict(self.best.epoch), "state": self.best.state},
                },
                scratch,
            )

    def resume(self) -> None:
        """Read the checkpoint of this very run, if there is one."""
        path = self.recipe.checkpoint
        if path is None or not path.exists():
            return
        saved = _load(path)
        check_checkpoint(path, saved["run"], self._identity)
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.schedule.load_state_dict(saved["schedule"])
        torch.set_rng_state(saved["random"])
        self.step = saved["step"]
        self.epochs = [Epoch(**epoch) for epoch in saved["epochs"]]
        if saved["best"] is not None:
            self.best = _BestState(Epoch(**saved["best"]["epoch"]), saved["best"]["state"])


def _own_step(step: Callable[..., Any], *arguments: object) -> float:
    """Make a training step of the user's own, and return the loss.

    Raises:
        InputDataError: the function raised an exception.
        TrainingError: it returned anything but one number.
    """
    fix = "return the loss of the batch, one number."
    loss = call_users(
        step,
        *arguments,
        fix=f"mend the function: it takes network, optimizer, inputs and labels; {fix}",
    )
    if isinstance(loss, Tensor) and loss.numel() == 1:
        loss = loss.item()
    if isinstance(loss, int | float | np.integer | np.floating):
        return float(loss)
    what = f"a tensor of shape {list(loss.shape)}" if isinstance(loss, Tensor) else repr(loss)[:80]
    raise TrainingError(
        f"the training step of your own, {function_name(step)}", f"returned {what}.", fix
    )


def _parts(decider: object) -> Iterator[object]:
    """Take a network apart into the names and values of its state; leave all else as it is."""
    if not isinstance(decider, nn.Module):
        yield decider
        return
    for name, value in decider.state_dict().items():
        yield name
        yield value.numpy() if isinstance(value, Tensor) else value


def _parameter_groups(network: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Group parameters: weights of layers decay; biases, normalizations and scales do not."""
    decayed = [
        m.weight for m in network.modules() if isinstance(m, nn.Linear | nn.Conv1d | nn.Conv2d)
    ]
    chosen = {id(p) for p in decayed}
    others = [p for p in network.parameters() if id(p) not in chosen]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay},
              {"params": others, "weight_decay": 0.0}]  # fmt: skip
    return [{**group, "lr": recipe.learning_rate} for group in groups if group["params"]]


@contextmanager
def _settings(recipe: Recipe) -> Iterator[None]:
    """Set seed, threads and determinism for the run, and put back what was set before."""
    threads, exact = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        torch.set_num_threads(recipe.threads)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(exact)


def _copy(state: State) -> State:
    return {
        name: value.detach().clone() if isinstance(value, Tensor) else value
        for name, value in state.items()
    }


def _plain(state: State) -> State:
    """Drop the schedule's functions, which a checkpoint cannot hold."""
    return {name: value for name, value in state.items() if not callable(value)}


def _load(path: Path) -> State:
    try:
        return torch.load(path, weights_only=True)  # type: ignore[no-any-return]
    except Exception as problem:
        raise TrainingError(
            str(path), f"is no checkpoint ({type(problem).__name__}).", "name another file."
        ) from problem
