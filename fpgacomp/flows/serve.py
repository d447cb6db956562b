"""A compiled design as the service that its device runs, with software in the board's place."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from fpgacomp.errors import FileSystemError, FpgacompError, ToolError, UsageError
from fpgacomp.flows.emulate import emulate
from fpgacomp.flows.options import checked_path
from fpgacomp.report import folder
from fpgacomp.runtime.errors import DescriptionError, DeviceError
from fpgacomp.runtime.service.command import (
    broker_settings,
    read_deployment,
    service_limits,
    shown_transport,
    transport_factory,
    web_settings,
)
from fpgacomp.runtime.service.mqtt import BrokerSettings
from fpgacomp.runtime.service.refusal import SettingsError, StateError
from fpgacomp.runtime.service.run import ServiceSettings, run_service, stop_on_signals
from fpgacomp.runtime.service.web import WebSettings
from fpgacomp.runtime.transports import UnknownTransport

# What computes where nothing else is said: the integer graph.
ORACLE = "fpgacomp.deploy.oracle:open_transport"
STATE = "fpgacomp-service"


def serve(
    build: str | Path,
    *,
    broker: BrokerSettings | None = None,
    web: WebSettings | None = None,
    transport: str = "oracle",
    state: str | Path | None = None,
    prefix: str = "",
    queue: int = 256,
    batch: int = 64,
    request_bytes: int = 1 << 20,
    stop: threading.Event | None = None,
    trust: bool = False,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Serve predictions over MQTT and HTTP, until it is stopped.

    Args:
        build: the folder that `compile` wrote.
        broker: how the MQTT broker is reached; None serves no MQTT.
        web: where HTTP listens; None serves none.
        transport: what computes: "oracle", the integer graph in software; "emulated", the design
            itself behind a model of AXI DMA; or a function from a Deployment to a Transport, as
            MODULE:FUNCTION. It runs in a process of its own.
        state: folder for the answers that were given; None: fpgacomp-service in the current folder.
        prefix: the topics begin with it; "": fpgacomp/NAME, with the network's name.
        queue: requests that may wait.
        batch: samples that are sent to the device together.
        request_bytes: of one request.
        stop: ends the service; None: SIGTERM and SIGINT do.
        trust: serve a build that this user did not make here.
        tell: takes lines about where it serves.

    Returns:
        What was counted, by name.

    Raises:
        UsageError: the folder is no build, a file of it was changed, neither this user made it nor
            `trust` is given, or an option is wrong.
        ToolError: a Python package is missing, or what computes does not begin.
        FileSystemError: the folder for the answers cannot be used.
    """
    place = checked_path("build", build)
    built = folder.read_build(place)  # a changed file is refused
    if not (built.own or trust):
        raise UsageError(
            str(place),
            "was not made by you on this machine, and would be served with your rights.",
            "read its files and add --trust, or compile the network yourself.",
        )
    with _as_errors():
        deployment = read_deployment(place)
        name = _device(transport, place, trust=trust)
        factory = transport_factory(name, deployment, isolate=True)
        settings = ServiceSettings(
            state=Path(STATE) if state is None else Path(state),
            broker=broker,
            web=web,
            prefix=prefix.rstrip("/"),
            transport=shown_transport(transport),
            limits=service_limits(queue, batch, request_bytes),
        )
        with stop_on_signals() if stop is None else nullcontext(stop) as event:
            return run_service(deployment, factory, settings, event, tell)


def _device(transport: str, build: Path, *, trust: bool) -> str:
    """The name of a transport that the device's runtime knows."""
    if transport == "emulated":
        return f"emulated:{emulate(build, trust=trust)}"
    return ORACLE if transport == "oracle" else transport


def broker_at(address: str | None, **settings: Any) -> BrokerSettings | None:
    """How the broker at HOST[:PORT] is reached; None without an address.

    Args:
        settings: fields of `BrokerSettings`.

    Raises:
        UsageError: that is no address.
    """
    with _as_errors():
        return broker_settings(address, **settings)


def listening_at(address: str | None) -> WebSettings | None:
    """Where HTTP listens, from [HOST:]PORT; None without one.

    Raises:
        UsageError: that is no address.
    """
    with _as_errors():
        return web_settings(address)


@contextmanager
def _as_errors() -> Iterator[None]:
    """The errors of the device runtime as those of the command line."""
    try:
        yield
    except DeviceError as error:
        kind: type[FpgacompError] = ToolError
        if isinstance(error, SettingsError | DescriptionError | UnknownTransport):
            kind = UsageError
        elif isinstance(error, StateError):
            kind = FileSystemError
        raise kind(error.where, error.why, error.remedy) from None
