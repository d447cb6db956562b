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
from torch.nn import functional

from fpgacomp.compress.constraints import Constraint, constraints_of
from fpgacomp.compress.recipe import Epoch, History, Recipe, TrainingObserver, silent
from fpgacomp.compress.runs import (
    EVALUATION_BATCH,
    SMALLEST_PROBABILITY,
    carry_out,
    check_checkpoint,
    check_loss,
    fingerprint,
)
from fpgacomp.data.labelled import LabelledData, Samples
from fpgacomp.errors import TrainingError

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]  # (network, x, y) -> mean loss
State = dict[str, Any]


def cross_entropy(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Execute a network that ends in scores or in a softmax, and score its answers.

    Args:
        network: in the mode that it is to be executed in.
        x: float32 [N, *input shape].
        y: int64 [N], the right classes.

    Returns:
        The mean cross entropy, a scalar that has a gradient.
    """
    return output_cross_entropy(network, network(x), y)


def train(
    network: nn.Module,
    data: LabelledData,
    recipe: Recipe,
    *,
    loss: Loss = cross_entropy,
    constraints: Sequence[Constraint] = (),
    decided_by: Sequence[object] = (),
    observer: TrainingObserver = silent,
    what: str = "training",
) -> History:
    """Train a network in place and leave the best epoch's weights in it, in evaluation mode.

    Weights are fitted to the training split. The best epoch is the one with the highest accuracy
    on the validation split (then the lowest loss there), among those at whose end all constraints
    are settled. Ctrl-C ends the run and keeps the best epoch so far; before there is one, it is
    passed on. Zeros and shared values that the layers carry as constraints are kept.

    Args:
        network: computes scores [N, classes] from x [N, *input shape].
        data: the training split is fitted, the validation split judges, the test split is unused.
        recipe: how long and how fast to train.
        loss: (network, x, y) -> mean loss of a batch, a scalar with a gradient.
        constraints: what is to be kept beside the constraints that the layers carry.
        decided_by: options, teachers and whatever else decides how the run goes, beside network,
            data and recipe. A checkpoint of a run that others decided is refused.
        observer: is told every epoch.
        what: names the run to the observer.

    Returns:
        The epochs, and which of them was kept.

    Raises:
        TrainingError: the loss is not a number, or the checkpoint belongs to another run.
        InputDataError: the network has fewer outputs than there are classes.
    """
    if recipe.epochs == 0:
        network.eval()
        return History()
    with _settings(recipe):
        run = _TorchRun(network, data, recipe, loss, [*constraints_of(network), *constraints])
        run.identify(decided_by)
        data.check_outputs(scores(network, data.train.x[:2]).shape[1])
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
    """Share of the samples whose highest score is that of their label, 0..1."""
    return float(np.mean(scores(network, samples.x).argmax(axis=1) == samples.y))


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
        accuracy, validation_loss = _judge(self.network, self.data.validation)
        settled = all(constraint.settled(share) for constraint in self.constraints)
        rank = (accuracy, -validation_loss)
        best = settled and (self.best is None or rank > self.best.epoch.rank)
        mean = total / len(self.x)
        epoch = Epoch(self.done + 1, self.recipe.epochs, mean, accuracy, validation_loss, best)
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
        loss = self.loss(self.network, self.x[batch], self.y[batch])
        value = check_loss(loss.item(), self.done + 1, self.step, self.steps, self.recipe)
        loss.backward()
        for constraint in self.constraints:
            constraint.settle_gradient()
        self.optimizer.step()
        self.schedule.step()
        for constraint in self.constraints:
            constraint.project(self.step / self.steps)
        return value

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
        scratch = path.with_name(path.name + ".part")
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
        scratch.replace(path)

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


def _parts(decider: object) -> Iterator[object]:
    """Take a network apart into the names and values of its state; leave all else as it is."""
    if not isinstance(decider, nn.Module):
        yield decider
        return
    for name, value in decider.state_dict().items():
        yield name
        yield value.numpy() if isinstance(value, Tensor) else value


def _judge(network: nn.Module, samples: Samples) -> tuple[float, float]:
    """Score a network on a split: its accuracy, 0..1, and its mean cross entropy."""
    outputs = torch.from_numpy(scores(network, samples.x))
    labels = torch.from_numpy(samples.y)
    loss = output_cross_entropy(network, outputs, labels)
    return float((outputs.argmax(1) == labels).float().mean()), loss.item()


def output_cross_entropy(network: nn.Module, outputs: Tensor, y: Tensor) -> Tensor:
    """Mean cross entropy of outputs that are scores or, after a softmax, probabilities.

    Args:
        network: tells by its last layer which of the two the outputs are.
        outputs: [N, classes, ...], what the network computed.
        y: int64 [N], the right classes.
    """
    outputs = outputs.flatten(1)
    if ends_in_softmax(network):
        return functional.nll_loss(outputs.clamp(min=SMALLEST_PROBABILITY).log(), y)
    return functional.cross_entropy(outputs, y)


def ends_in_softmax(network: nn.Module) -> bool:
    """Tell whether the network's last layer is a softmax, so that it answers in probabilities."""
    return isinstance(_last(network), nn.Softmax)


def _last(network: nn.Module) -> nn.Module | None:
    """The module that computes the network's output; None where that is no module."""
    if isinstance(network, torch.fx.GraphModule):
        answer = next(node for node in reversed(network.graph.nodes) if node.op == "output")
        source = answer.args[0]
        if isinstance(source, torch.fx.Node) and source.op == "call_module":
            return network.get_submodule(str(source.target))
        return None
    children = list(network.children())
    return _last(children[-1]) if children else network


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
            str(path), f"is no checkpoint ({type(problem).__name__}).", "remove it."
        ) from problem
