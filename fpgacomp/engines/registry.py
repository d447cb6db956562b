"""The engines by name, and what users may ask for: the one place that lists them."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.engines.adders.engine import ADDERS
from fpgacomp.engines.engine import AnyEngine, Companion
from fpgacomp.engines.finn.companion import FINN
from fpgacomp.engines.hls4ml.engine import HLS4ML
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.errors import ToolError, UsageError

# Where two designs are equally good the earlier engine's is taken.
ENGINES: tuple[AnyEngine, ...] = (STREAM, HLS4ML, ADDERS)
COMPANIONS: tuple[Companion, ...] = (FINN,)
AUTO = "auto"
BACKENDS: tuple[str, ...] = (
    AUTO,
    *(engine.name for engine in ENGINES),
    *(companion.name for companion in COMPANIONS),
)


@dataclass(frozen=True)
class Request:
    """What a backend's name asks for.

    Args:
        engines: the engines to choose from.
        companion: the companion whose files and execution are wanted, or None.
    """

    engines: tuple[AnyEngine, ...]
    companion: Companion | None = None


def request(backend: str) -> Request:
    """The engines that a name stands for; a companion's name is its engine and itself.

    Raises:
        UsageError: no engine has this name.
        ToolError: the companion asked for is not installed.
    """
    if backend == AUTO:
        return Request(ENGINES)
    for companion in COMPANIONS:
        if companion.name == backend:
            if (command := companion.install()) is not None:
                raise ToolError(f"--backend {backend}", f"{companion.title} is not installed.",
                                f"run: {command}")  # fmt: skip
            return Request((engine_named(companion.engine),), companion)
    return Request((engine_named(backend),))


def engine_named(name: str) -> AnyEngine:
    """The engine of a name, as reports spell it.

    Raises:
        UsageError: no engine has this name.
    """
    # Build folders of 0.1.0 call the streaming engine by its companion's name.
    renamed = {companion.name: companion.engine for companion in COMPANIONS}
    for engine in ENGINES:
        if engine.name == renamed.get(name, name):
            return engine
    raise UsageError(
        f"--backend {name}", "is no engine of fpgacomp.", f"use one of {', '.join(BACKENDS)}."
    )


def companions_of(engine: AnyEngine) -> tuple[Companion, ...]:
    """The companions that take this engine's designs."""
    return tuple(companion for companion in COMPANIONS if companion.engine == engine.name)
