"""`fpgacomp serve`: predictions over MQTT and HTTP, without a board."""

from __future__ import annotations

import typer

from fpgacomp.cli.console import write_json
from fpgacomp.cli.options.arguments import BuildArgument
from fpgacomp.cli.options.checking import TrustOption
from fpgacomp.cli.options.output import JsonOption
from fpgacomp.cli.options.serving import (
    BatchOption,
    BrokerOption,
    HttpOption,
    MqttAuthorityOption,
    MqttCertificateOption,
    MqttClientOption,
    MqttKeyOption,
    MqttPasswordOption,
    MqttPrefixOption,
    MqttTlsOption,
    MqttUserOption,
    MqttVersionOption,
    QueueOption,
    RequestBytesOption,
    StateOption,
    TransportOption,
)
from fpgacomp.cli.progress import progress


def serve(
    context: typer.Context,
    folder: BuildArgument,
    transport: TransportOption = "oracle",
    state: StateOption = None,
    http: HttpOption = None,
    mqtt: BrokerOption = None,
    mqtt_version: MqttVersionOption = "5",
    mqtt_prefix: MqttPrefixOption = "",
    mqtt_client_id: MqttClientOption = "",
    mqtt_user: MqttUserOption = None,
    mqtt_password_file: MqttPasswordOption = None,
    mqtt_tls: MqttTlsOption = False,
    mqtt_ca: MqttAuthorityOption = None,
    mqtt_cert: MqttCertificateOption = None,
    mqtt_key: MqttKeyOption = None,
    queue: QueueOption = 256,
    batch: BatchOption = 64,
    max_request_bytes: RequestBytesOption = 1 << 20,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Serve a compiled design's predictions over MQTT and HTTP until Ctrl-C or SIGTERM.

    It is the service that runs on the device, with software in the board's place: the answers are
    the hardware's. On a device: `python -m fpgacomp_runtime serve`.

    Example: `fpgacomp serve digits-pynq-z2 --http 8080 --mqtt localhost`
    """
    from fpgacomp.flows.emulate import emulate
    from fpgacomp.flows.serve import broker_at, listening_at
    from fpgacomp.flows.serve import serve as run

    broker = broker_at(
        mqtt, version=mqtt_version, client_id=mqtt_client_id, user=mqtt_user,
        password_file=mqtt_password_file, tls=mqtt_tls, ca_file=mqtt_ca,
        certificate_file=mqtt_cert, key_file=mqtt_key,
    )  # fmt: skip
    if transport == "emulated":
        with progress(context) as observer:
            transport = f"emulated:{emulate(folder, trust=trust, observer=observer)}"
    counted = run(
        folder, broker=broker, web=listening_at(http), transport=transport, state=state,
        prefix=mqtt_prefix, queue=queue, batch=batch, request_bytes=max_request_bytes,
        trust=trust, tell=lambda line: typer.echo(line, err=True),
    )  # fmt: skip
    if as_json:
        write_json(counted)
    else:
        typer.echo(", ".join(f"{name.replace('_', ' ')} {n}" for name, n in counted.items()))
