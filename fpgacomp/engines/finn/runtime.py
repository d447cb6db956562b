"""The only place that touches FINN's global state: settings, import tricks, its log, a function."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import sys
import types
import warnings
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fpgacomp.engines.finn.packing import quick_packing
from fpgacomp.errors import ToolError
from fpgacomp.host.scratch import scratch_folder

FINN_VERSION = "1.6.1"
INSTALL = f"pip install 'fpgacomp[finn]' && pip install --no-deps finn-plus=={FINN_VERSION}"
# FINN's layernorm.py imports torch at module level and uses it in no operator that we build.
_TORCH = ("torch", "torch.nn", "torch.nn.functional")


def finn_version() -> str | None:
    """Version of finn-plus, or None where it is missing."""
    try:
        return version("finn-plus")
    except PackageNotFoundError:
        return None


@contextlib.contextmanager
def finn_session() -> Iterator[Path]:
    """FINN ready for use, silent, with a build folder of its own that goes when it ends.

    Everything global (FINN's settings object, its packing of words, warnings, standard output) is
    as before afterwards; the environment is neither read nor changed.

    Yields:
        The folder below which FINN writes.

    Raises:
        ToolError: FINN is missing or of another version.
    """
    found = finn_version()
    if found is None:
        raise ToolError("FINN", "the package finn-plus is not installed.", INSTALL)
    if found != FINN_VERSION:
        raise ToolError("FINN", f"finn-plus is {found}, not {FINN_VERSION}.", INSTALL)
    with (
        scratch_folder() as folder,
        warnings.catch_warnings(),
        _quiet(),
    ):
        warnings.simplefilter("ignore")
        _import_finn()
        with _settings(folder), quick_packing():
            yield folder


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    log = logging.getLogger("finn_logger")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        log.setLevel(level)


@contextlib.contextmanager
def _settings(folder: Path) -> Iterator[None]:
    from finn.interface.settings import FINNSettings
    from finn.util import settings

    before = settings._SETTINGS
    settings._SETTINGS = FINNSettings.init(
        flow_config=folder / "flow.yaml",
        finn_build_dir=str(folder),
        auto_set_environment_vars=False,
    )
    try:
        yield
    finally:
        settings._SETTINGS = before


def _import_finn() -> None:
    """Register FINN's operators; empty modules stand in for a torch that is not loaded."""
    if "finn.custom_op.fpgadataflow.rtl" in sys.modules:
        return
    stand_ins = [name for name in _TORCH if "torch" not in sys.modules]
    sys.modules.update({name: types.ModuleType(name) for name in stand_ins})
    try:
        importlib.import_module("finn.custom_op.fpgadataflow.hls")
        importlib.import_module("finn.custom_op.fpgadataflow.rtl")
    except ImportError as error:
        raise ToolError("FINN", f"finn-plus does not import: {error}.", INSTALL) from error
    finally:
        for name in stand_ins:
            del sys.modules[name]
