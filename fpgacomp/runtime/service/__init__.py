"""Predictions over MQTT and HTTP, from one process that owns the accelerator.

    python -m fpgacomp_runtime.service --package DIR --transport NAME --mqtt HOST:PORT --http PORT

A request carries an id. Its answer is written to a journal on the disk before it is sent, so that
the same id gets the same answer again, whatever happened in between: clients ask until they are
answered, and nothing is computed twice. paho-mqtt is needed for MQTT, bottle for HTTP: a framework
of one file without compiled parts, which runs wherever the runtime does.
"""

from __future__ import annotations

from .client import PredictionClient
from .core import PredictionService, ServiceLimits
from .refusal import ServiceRefusal

__all__ = ["PredictionClient", "PredictionService", "ServiceLimits", "ServiceRefusal"]
