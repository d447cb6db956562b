"""Options of the service: how it is reached, and what it may take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fpgacomp.cli.files import Role

HTTP = "HTTP"  # panels of the help
MQTT = "MQTT"
BOUNDS = "Bounds"

MqttVersion = Literal["5", "3.1.1"]

HttpOption = Annotated[
    str | None,
    typer.Option(
        "--http",
        metavar="[HOST:]PORT",
        rich_help_panel=HTTP,
        help="Serve HTTP here. Without HOST it is reached from this machine alone; there is no "
        "login and no encryption, so put a proxy in front of anything else.",
    ),
]
BrokerOption = Annotated[
    str | None,
    typer.Option(
        "--mqtt",
        metavar="HOST[:PORT]",
        rich_help_panel=MQTT,
        help="Serve MQTT on this broker. The port is 1883, or 8883 with TLS. Without it, there is "
        "no MQTT.",
    ),
]
MqttVersionOption = Annotated[
    MqttVersion,
    typer.Option(
        "--mqtt-version",
        metavar="VERSION",
        rich_help_panel=MQTT,
        help="MQTT 5 or 3.1.1. With 3.1.1 a request names the topic of its reply in `reply_to`.",
    ),
]
MqttPrefixOption = Annotated[
    str,
    typer.Option(
        "--mqtt-prefix",
        metavar="TOPIC",
        rich_help_panel=MQTT,
        show_default=False,
        help="All topics begin with this. Without it: fpgacomp/NAME, with the network's name.",
    ),
]
MqttClientOption = Annotated[
    str,
    typer.Option(
        "--mqtt-client-id",
        metavar="NAME",
        rich_help_panel=MQTT,
        show_default=False,
        help="Name of this connection on the broker. Without it the broker chooses one.",
    ),
]
MqttUserOption = Annotated[
    str | None,
    typer.Option(
        "--mqtt-user",
        metavar="NAME",
        rich_help_panel=MQTT,
        help="Account on the broker. Without it, none is given.",
    ),
]
MqttPasswordOption = Annotated[
    Path | None,
    typer.Option(
        "--mqtt-password-file",
        metavar="FILE",
        rich_help_panel=MQTT,
        help="File that holds the account's password and nothing else. Without it, none is given.",
    ),
    Role.READ,
]
MqttTlsOption = Annotated[
    bool,
    typer.Option(
        "--mqtt-tls",
        rich_help_panel=MQTT,
        help="Encrypt, and check the broker's certificate with the authorities that this machine "
        "trusts.",
    ),
]
MqttAuthorityOption = Annotated[
    Path | None,
    typer.Option(
        "--mqtt-ca",
        metavar="FILE",
        rich_help_panel=MQTT,
        help="Encrypt, and trust this authority (PEM) alone. Without it, --mqtt-tls trusts those "
        "of this machine.",
    ),
    Role.READ,
]
MqttCertificateOption = Annotated[
    Path | None,
    typer.Option(
        "--mqtt-cert",
        metavar="FILE",
        rich_help_panel=MQTT,
        help="Certificate of the service (PEM). Without it, a broker that asks for one refuses.",
    ),
    Role.READ,
]
MqttKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--mqtt-key",
        metavar="FILE",
        rich_help_panel=MQTT,
        help="Private key of --mqtt-cert (PEM). Without it, that file holds the key, too.",
    ),
    Role.READ,
]
TransportOption = Annotated[
    str,
    typer.Option(
        "--transport",
        metavar="NAME",
        help="What computes: oracle, the integer graph in software; emulated, the design itself in "
        "simulation; uart:PORT:BAUD, a board at a serial port; or a function MODULE:FUNCTION that "
        "takes the Deployment and gives a Transport. It runs in a process of its own.",
    ),
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="Folder for the answers that were given, so that no request is computed twice, also "
        "after a restart. Without it: fpgacomp-service in the current folder.",
    ),
    Role.STATE,
]
QueueOption = Annotated[
    int,
    typer.Option(
        "--queue",
        metavar="COUNT",
        rich_help_panel=BOUNDS,
        min=1,
        help="Requests that may wait. One more is told to ask again later.",
    ),
]
BatchOption = Annotated[
    int,
    typer.Option(
        "--batch",
        metavar="COUNT",
        rich_help_panel=BOUNDS,
        min=1,
        help="Samples of waiting requests that are sent to the device together.",
    ),
]
RequestBytesOption = Annotated[
    int,
    typer.Option(
        "--max-request-bytes",
        metavar="COUNT",
        rich_help_panel=BOUNDS,
        min=1,
        help="Bytes that a request may have.",
    ),
]
