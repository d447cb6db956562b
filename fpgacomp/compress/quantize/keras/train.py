"""The training loop for Keras 2 models: seeded, resumable, interruptible, as `training` is."""

from __future__ import annotations

import json
import math
import random
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fpgacomp.compress.quantize.keras.losses import keras_loss, with_keras_task
from fpgacomp.compress.quantize.keras.schedule import learning_rate_at
from fpgacomp.compress.quantize.keras.scores import keras_scores
from fpgacomp.compress.recipe import Epoch, History, Recipe, TrainingObserver, silent
from fpgacomp.compress.runs import (
    carry_out,
    check_checkpoint,
    check_loss,
    fingerprint,
)
from fpgacomp.compress.types import KerasLayer, KerasModel, KerasTensor
from fpgacomp.data.labelled import LabelledData, Samples
from fpgacomp.data.user_code import call_users, function_name, users_code
from fpgacomp.errors import TrainingError
from fpgacomp.host.keras2 import tensorflow
from fpgacomp.host.whole_file import whole_file

Array = npt.NDArray[Any]
TrainStep = Callable[[Array, Array, float], KerasTensor]  # (x, y, learning rate) -> mean loss


def train_keras(
    model: KerasModel,
    data: LabelledData,
    recipe: Recipe,
    observer: TrainingObserver = silent,
    *,
    decided_by: Sequence[object] = (),
    what: str = "training",
) -> History:
    """Train a Keras 2 or QKeras model in place and leave the best epoch's weights in it.

    Weights are fitted to the training split by Adam under a one-cycle schedule; the best
    epoch has the highest score on the validation split, then the lowest loss there.
    Losses that the model's own regularizers add are added. Ctrl-C ends the run after the
    best epoch so far; before there is one it is passed on.

    The random states of Python and NumPy are put back afterwards. TensorFlow's seed and its
    deterministic kernels cannot be put back, and stay set. TensorFlow takes `recipe.threads` only
    before its first operation (see `set_threads`).

    Args:
        model: computes its answers [N, ...] from x [N, *input shape].
        data: the training split is fitted, the validation split judges, the test split is unused.
        recipe: how long and how fast to train.
        observer: is told every epoch.
        decided_by: options and whatever else decides how the run goes, beside model, data and
            recipe. A checkpoint of a run that others decided is refused.
        what: names the run to the observer.

    Returns:
        The epochs, and which of them was kept.

    Raises:
        TrainingError: the loss is not a number, the checkpoint belongs to another run, or the
            recipe has a training step of the user's own.
        InputDataError: the labels do not go with the output, or the samples have another shape
            than the input.
        ModelError: the model has several outputs.
    """
    if recipe.epochs == 0:
        return History()
    data = data.reshaped(tuple(model.input_shape[1:]))
    data = with_keras_task(model, data)
    if recipe.step is not None:
        raise TrainingError(
            "the training step of your own",
            "is for networks that PyTorch trains, and a Keras model is trained by TensorFlow.",
            "give a loss of your own instead, or export the network to ONNX.",
        )
    with _settings(recipe):
        _check_own_loss(model, data, recipe)
        run = _KerasRun(model, data, recipe)
        run.identify(decided_by)
        return carry_out(run, recipe, observer, what)


_MEND = "mend the function: it takes outputs and labels of a batch and returns a scalar tensor."


def _check_own_loss(model: KerasModel, data: LabelledData, recipe: Recipe) -> None:
    """Call the loss of the user's own once: as it runs here, its own lines are in an exception.

    Later it is a part of a TensorFlow function, which rewrites it.

    Raises:
        InputDataError: the function raised an exception.
        TrainingError: it returned anything but one number.
    """
    if recipe.loss is None:
        return
    tf, few = tensorflow(), data.train.take(slice(recipe.batch))
    outputs = tf.reshape(tf.constant(keras_scores(model, few.x)), (len(few), -1))
    value = call_users(recipe.loss, outputs, tf.constant(few.y), fix=_MEND)
    if not tf.is_tensor(value) or tf.size(value) != 1 or not value.dtype.is_floating:
        what = f"a tensor of {value.shape}" if tf.is_tensor(value) else type(value).__name__
        name = function_name(recipe.loss)
        raise TrainingError(
            f"the loss of your own, {name}", f"returned {what}, not one number.", _MEND
        )


def _own_code(recipe: Recipe) -> AbstractContextManager[None]:
    """What an exception within becomes: the user's where the loss is the user's own."""
    if recipe.loss is None:
        return nullcontext()
    return users_code(function_name(recipe.loss), None, _MEND)


def set_threads(threads: int) -> str | None:
    """Set the number of CPU threads that TensorFlow may use.

    Returns:
        None, or a sentence where TensorFlow was already running with another number.
    """
    threading = tensorflow().config.threading
    try:
        threading.set_intra_op_parallelism_threads(threads)
        threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        running = threading.get_intra_op_parallelism_threads()
        if running == threads:
            return None
        number = f"{running} threads" if running else "as many threads as there are cores"
        return (
            f"TensorFlow was already running, with {number} instead of {threads}: "
            "the result is repeatable with that number"
        )
    return None


@dataclass
class _BestWeights:
    epoch: Epoch
    weights: list[Array]


class _KerasRun:
    """The state of a training run between two epochs, which is what a checkpoint holds."""

    def __init__(self, model: KerasModel, data: LabelledData, recipe: Recipe) -> None:
        self.tf = tensorflow()
        self.model = model
        self.data = data
        self.recipe = recipe
        self.task = data.known_task
        self.optimizer = _optimizer(self.tf, model, recipe)
        self.steps = math.ceil(len(data.train) / recipe.batch) * recipe.epochs
        self.step = 0
        self.epochs: list[Epoch] = []
        self.best: _BestWeights | None = None
        # A layer that draws random numbers keeps the seed that it was compiled with, so that it is
        # compiled again for each epoch.
        self.draws = any(hasattr(layer, "seed") for layer in model.layers)
        self._compiled: TrainStep | None = None
        self._identity = ""

    def identify(self, decided_by: Sequence[object]) -> None:
        """Digest what decides the run, before its first epoch changes the model."""
        if self.recipe.checkpoint is not None:
            layers = [_structure(layer) for layer in self.model.layers]
            parts = [layers, *self.model.get_weights(), *decided_by]
            self._identity = fingerprint(self.recipe, self.data, parts)

    @property
    def done(self) -> int:
        return len(self.epochs)

    @property
    def has_best(self) -> bool:
        return self.best is not None

    def epoch(self) -> Epoch:
        """Train one epoch and judge it on the validation split."""
        train = self.data.train
        seed = int(np.random.SeedSequence([self.recipe.seed, self.done]).generate_state(1)[0])
        self.tf.keras.utils.set_random_seed(seed)
        if self.draws or self._compiled is None:
            self._compiled = self._compile()
        order = np.random.default_rng(seed).permutation(len(train))
        total = 0.0
        for start in range(0, len(train), self.recipe.batch):
            batch = order[start : start + self.recipe.batch]
            total += self._batch(self._compiled, batch) * len(batch)
        score, validation_loss = self._judge(self.data.validation)
        best = self.best is None or (score, -validation_loss) > self.best.epoch.rank
        mean, metric = total / len(train), self.task.metric.key
        epoch = Epoch(
            self.done + 1, self.recipe.epochs, mean, score, validation_loss, best, metric
        )  # fmt: skip
        if best:
            self.best = _BestWeights(epoch, self.model.get_weights())
        self.epochs.append(epoch)
        return epoch

    def _batch(self, compiled: TrainStep, batch: Array) -> float:
        rate = learning_rate_at(self.step, self.steps, self.recipe.learning_rate)
        self.step += 1
        # Batch normalization cannot compute the variance of a single sample.
        if len(batch) < 2:
            return 0.0
        with _own_code(self.recipe):
            loss = float(compiled(self.data.train.x[batch], self.data.train.y[batch], rate))
        return check_loss(loss, self.done + 1, self.step, self.steps, self.recipe)

    def _compile(self) -> TrainStep:
        tf, model, optimizer = self.tf, self.model, self.optimizer
        x_spec = tf.TensorSpec((None, *self.data.shape), tf.float32)
        specs = [
            x_spec,
            tf.TensorSpec((None, *self.data.train.y.shape[1:]), self.data.train.y.dtype),
            tf.TensorSpec((), tf.float32),
        ]

        @tf.function(input_signature=specs)
        def step(x: KerasTensor, y: KerasTensor, rate: KerasTensor) -> KerasTensor:
            optimizer.learning_rate.assign(rate)
            with tf.GradientTape() as tape:
                loss = self._loss(model(x, training=True), y)
                whole = tf.add_n([loss, *model.losses])
            gradients = tape.gradient(whole, model.trainable_variables)
            # A loss that is not finite must not reach the weights.
            if tf.math.is_finite(whole):
                optimizer.apply_gradients(zip(gradients, model.trainable_variables))
            return whole

        return step  # type: ignore[no-any-return]

    def _loss(self, outputs: KerasTensor, y: KerasTensor) -> KerasTensor:
        return keras_loss(self.task.parts[0], outputs, y, self.recipe)

    def _judge(self, samples: Samples) -> tuple[float, float]:
        """Score the model on a split: its score by the task's metric, and its mean loss."""
        outputs = keras_scores(self.model, samples.x)
        score = self.task.quality(self.task.split(outputs), samples.y)
        with _own_code(self.recipe):
            loss = float(self._loss(self.tf.constant(outputs), self.tf.constant(samples.y)))
        return score, check_loss(loss, self.done + 1, self.step, self.steps, self.recipe)

    def finish(self, interrupted: bool) -> History:
        """Put the best epoch's weights into the model."""
        assert self.best is not None, "every epoch is compared"
        self.model.set_weights(self.best.weights)
        return History(tuple(self.epochs), self.best.epoch, interrupted)

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        path = self.recipe.checkpoint
        if path is None:
            return
        assert self.best is not None
        told = {
            "run": self._identity,
            "step": self.step,
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "best": asdict(self.best.epoch),
        }
        arrays: dict[str, Any] = {"told": np.array(json.dumps(told))}
        parts = {"weights": self.model.get_weights(), "best": self.best.weights,
                 "optimizer": [np.asarray(v) for v in self.optimizer.variables]}  # fmt: skip
        for part, values in parts.items():
            arrays |= {f"{part}_{index}": value for index, value in enumerate(values)}
        with whole_file(path) as scratch, scratch.open("wb") as file:
            np.savez(file, **arrays)

    def resume(self) -> None:
        """Read the checkpoint of this very run, if there is one."""
        path = self.recipe.checkpoint
        if path is None or not path.exists():
            return
        arrays, told = _load(path)
        check_checkpoint(path, told["run"], self._identity)
        self.model.set_weights(_numbered(arrays, "weights"))
        for variable, value in zip(self.optimizer.variables, _numbered(arrays, "optimizer")):
            variable.assign(value)
        self.step = told["step"]
        self.epochs = [Epoch(**epoch) for epoch in told["epochs"]]
        self.best = _BestWeights(Epoch(**told["best"]), _numbered(arrays, "best"))


def _structure(layer: KerasLayer) -> tuple[Any, ...]:
    """Describe what a layer computes, without its name, which Keras numbers anew in each run."""
    members = [getattr(layer, role, None) for role in ("quantizer", "activation")]
    members += getattr(layer, "quantizers", [])
    quantizers = [m.get_config() for m in members if m is not None and hasattr(m, "get_config")]
    shapes = [tuple(weight.shape) for weight in layer.weights]
    return type(layer).__name__, shapes, layer.trainable, repr(quantizers)


def _optimizer(tf: Any, model: KerasModel, recipe: Recipe) -> Any:
    """Adam; kernels of layers decay, biases and normalization do not."""
    if recipe.weight_decay == 0:
        optimizer = tf.keras.optimizers.Adam(epsilon=1e-8, jit_compile=False)
    else:
        optimizer = tf.keras.optimizers.AdamW(
            weight_decay=recipe.weight_decay, epsilon=1e-8, jit_compile=False
        )
        others = [v for v in model.trainable_variables if "kernel" not in v.name.split("/")[-1]]
        optimizer.exclude_from_weight_decay(var_list=others)
    optimizer.build(model.trainable_variables)
    return optimizer


@contextmanager
def _settings(recipe: Recipe) -> Iterator[None]:
    """Set threads and determinism for the run, and put the random states back afterwards."""
    tf = tensorflow()
    set_threads(recipe.threads)
    tf.config.experimental.enable_op_determinism()
    python, numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def _numbered(arrays: dict[str, Array], part: str) -> list[Array]:
    count = sum(name.rpartition("_")[0] == part for name in arrays)
    return [arrays[f"{part}_{index}"] for index in range(count)]


def _load(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        told: dict[str, Any] = json.loads(str(arrays.pop("told")))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as problem:
        raise TrainingError(
            str(path), f"is no checkpoint ({type(problem).__name__}).", "name another file."
        ) from problem
    return arrays, told
