"""Every request is answered once, whatever is killed; tests.harness.service asks far more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.harness.service import Run
from tests.support import services


@pytest.mark.slow
@pytest.mark.skipif(services.ANY_BROKER is None, reason=services.NO_BROKER)
def test_every_request_is_answered_once_to_its_client(build: Path, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    assert services.ANY_BROKER is not None
    with services.broker(services.ANY_BROKER, tmp_path) as broker:
        run = Run(build, samples, tmp_path, broker)
        try:
            outcome = run.run(requests=300, clients=8)
        finally:
            run.close()
    assert outcome.requests == 296 and outcome.sent > 296
    assert outcome.refused["disk full"] > 0
