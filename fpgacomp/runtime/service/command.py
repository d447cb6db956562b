"""The command `serve` of a device; the host's `fpgacomp serve` takes the same options."""

from __future__ import annotations

import argparse
import functools
import logging
import sys
from pathlib import Path
from typing import Any, Callable, NamedTuple

from ..deployment import FILE, Deployment
from ..environment import state_directory
from ..errors import DeviceError
from ..transports import NAMES, connect
from .core import MAX_REQUEST_BYTES, ServiceLimits
from .mqtt import BrokerSettings
from .refusal import SettingsError
from .remote import RemoteDevice
from .run import ServiceSettings, run_service, stop_on_signals
from .web import WebSettings
from .worker import WorkerLimits

_MQTT_PORTS = {False: 1883, True: 8883}
_HELP = "Serve predictions over MQTT and HTTP."


class HostPort(NamedTuple):
    """An address; `port` is None where it was left out."""

    host: str
    port: int | None


def add_serve(commands: Any) -> None:
    """Add the command to the parsers of `python -m fpgacomp_runtime`."""
    add_options(commands.add_parser("serve", help=_HELP, description=_HELP))


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add = parser.add_argument
    add("--package", metavar="DIR", required=True, type=Path,
        help="Folder of an installed package, or its folder software/.")  # fmt: skip
    add("--transport", metavar="NAME", required=True,
        help=f"The way to the device: {', '.join(NAMES)}.")  # fmt: skip
    add("--isolate", action="store_true",
        help="Run the way to the device in a process of its own, which is started again when it "
        "ends: a driver that crashes does not take the service along.")  # fmt: skip
    add("--state", metavar="DIR", type=Path,
        help="Folder for the answers that were given. Without it, the folder that systemd made, "
        "or else fpgacomp-service in the current folder.")  # fmt: skip
    add("--http", metavar="[HOST:]PORT", help="Serve HTTP here; without HOST on loopback only.")
    add("--mqtt", metavar="HOST[:PORT]", help="Broker. The port is 1883, or 8883 with TLS.")
    add("--mqtt-version", choices=("5", "3.1.1"), default="5", help="Default: %(default)s.")
    add("--mqtt-prefix", metavar="TOPIC", default="",
        help="Topics begin with it. Default: fpgacomp/NAME.")  # fmt: skip
    add("--mqtt-client-id", metavar="NAME", default="", help="Without it the broker chooses one.")
    add("--mqtt-user", metavar="NAME", help="Account on the broker.")
    add("--mqtt-password-file", metavar="FILE", type=Path, help="File that holds its password.")
    add("--mqtt-tls", action="store_true", help="Encrypt, and check the broker's certificate.")
    add("--mqtt-ca", metavar="FILE", type=Path,
        help="Authority to trust (PEM), instead of the system's; implies --mqtt-tls.")  # fmt: skip
    add("--mqtt-cert", metavar="FILE", type=Path, help="The service's own certificate (PEM).")
    add("--mqtt-key", metavar="FILE", type=Path, help="Its private key (PEM).")
    add("--queue", metavar="N", type=int, default=WorkerLimits().queue,
        help="Requests that may wait (default: %(default)s).")  # fmt: skip
    add("--batch", metavar="N", type=int, default=WorkerLimits().batch,
        help="Samples that are sent together (default: %(default)s).")  # fmt: skip
    add("--max-request-bytes", metavar="N", type=int, default=MAX_REQUEST_BYTES,
        help="Of one request (default: %(default)s).")  # fmt: skip
    add("--log", choices=("debug", "info", "warning", "error"), default="info",
        help="What is logged on standard error (default: %(default)s).")  # fmt: skip
    parser.set_defaults(command=serve)


def serve(given: argparse.Namespace) -> None:
    """Serve until a signal comes.

    Raises:
        DeviceError: an option, the package or the device is at fault.
    """
    logging.basicConfig(
        level=given.log.upper(), stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )  # fmt: skip
    deployment = read_deployment(given.package)
    factory = transport_factory(given.transport, deployment, isolate=given.isolate)
    settings = ServiceSettings(
        state=given.state or Path(state_directory() or "fpgacomp-service"),
        broker=_broker(given),
        web=web_settings(given.http),
        prefix=given.mqtt_prefix.rstrip("/"),
        limits=service_limits(given.queue, given.batch, given.max_request_bytes),
        transport=shown_transport(given.transport),
    )
    with stop_on_signals() as stop:
        run_service(deployment, factory, settings, stop, lambda line: print(line, flush=True))


def read_deployment(folder: Path) -> Deployment:
    """The description in a package's folder, or in its folder software/."""
    return Deployment.read(folder if (folder / FILE).is_file() else folder / "software")


def transport_factory(name: str, deployment: Deployment, *, isolate: bool) -> Callable[[], Any]:
    """What opens the device: in this process, or in one of its own."""
    if isolate:
        return functools.partial(RemoteDevice, name, deployment.folder)
    return functools.partial(connect, name, deployment, deployment.folder.parent)


def shown_transport(name: str) -> str:
    """The name of a transport as people are told it, without the place of a library."""
    return "emulated" if name.startswith("emulated:") else name


def service_limits(queue: int, batch: int, request_bytes: int) -> ServiceLimits:
    """The bounds.

    Raises:
        SettingsError: one of them is none.
    """
    for option, value in (("--queue", queue), ("--batch", batch),
                          ("--max-request-bytes", request_bytes)):  # fmt: skip
        if value < 1:
            raise SettingsError(option, f"is {value}.", "give a number above 0.")
    return ServiceLimits(request_bytes, WorkerLimits(queue=queue, batch=batch))


def broker_settings(address: str | None, *, tls: bool = False, ca_file: Path | None = None,
                    **settings: Any) -> BrokerSettings | None:  # fmt: skip
    """How the broker of --mqtt is reached; None without it."""
    if address is None:
        return None
    tls = tls or ca_file is not None
    found = parse_address("--mqtt", address)
    if not found.host:
        raise SettingsError("--mqtt", f"is {address!r}.", "give HOST or HOST:PORT.")
    port = _MQTT_PORTS[tls] if found.port is None else found.port
    return BrokerSettings(found.host, port, tls=tls, ca_file=ca_file, **settings)


def web_settings(address: str | None) -> WebSettings | None:
    """Where HTTP listens; None without --http."""
    if address is None:
        return None
    found = parse_address("--http", address if ":" in address else f":{address}")
    if found.port is None:
        raise SettingsError("--http", f"is {address!r}.", "give PORT or HOST:PORT.")
    return WebSettings(found.host or "127.0.0.1", found.port)


def parse_address(option: str, text: str) -> HostPort:
    """HOST:PORT, HOST or [ADDRESS]:PORT.

    Raises:
        SettingsError: it is none of them.
    """
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, colon, port = text, "", ""
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    valid = port.isascii() and port.isdigit() and int(port) < 1 << 16
    if colon and not valid:
        raise SettingsError(option, f"is {text!r}.", "give HOST:PORT, with a port below 65536.")
    return HostPort(host, int(port) if port else None)


def _broker(given: argparse.Namespace) -> BrokerSettings | None:
    return broker_settings(
        given.mqtt, tls=given.mqtt_tls, ca_file=given.mqtt_ca, version=given.mqtt_version,
        client_id=given.mqtt_client_id, user=given.mqtt_user,
        password_file=given.mqtt_password_file, certificate_file=given.mqtt_cert,
        key_file=given.mqtt_key,
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Be `python -m fpgacomp_runtime.service`; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m fpgacomp_runtime.service", description=_HELP)
    add_options(parser)
    try:
        serve(parser.parse_args(arguments))
    except DeviceError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0
