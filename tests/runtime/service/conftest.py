"""One small build for all tests of the service."""

from __future__ import annotations

from pathlib import Path

import pytest

from fpgacomp.deploy.oracle import open_transport
from fpgacomp.flows.compile import compile
from fpgacomp.flows.options import Options
from fpgacomp.runtime.accelerator import Accelerator
from fpgacomp.runtime.deployment import Deployment
from tests.support.ordinary_networks import dense


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network from x [N, 4] to m [N, 3]."""
    folder = tmp_path_factory.mktemp("service") / "build"
    options = Options(vectors=9, csim=False, checks="quick", backend="stream")
    assert compile(dense(), "pynq-z2", out=folder, options=options).status == "ok"
    return folder


@pytest.fixture(scope="session")
def deployment(build: Path) -> Deployment:
    return Deployment.read(build / "software")


@pytest.fixture(scope="session")
def oracle(deployment: Deployment) -> Accelerator:
    """What every answer is compared with."""
    return Accelerator(deployment, open_transport(deployment))
