"""The service over HTTP: predictions, health, metrics, OpenAPI, and what is refused."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.runtime.accelerator import Accelerator
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.service import openapi
from fpgacomp.runtime.service.messages import decode_array, encode_array
from fpgacomp.runtime.service.refusal import KINDS, SettingsError
from fpgacomp.runtime.service.web import WebFront, WebSettings
from tests.support.paths import REPOSITORY
from tests.support.services import samples_of, wait_for
from tests.support.web_service import Web

SAMPLES = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)


@pytest.fixture
def web(deployment: Deployment, tmp_path: Path) -> Iterator[Web]:
    found = Web(deployment, tmp_path)
    yield found
    found.stop()


def test_predictions_in_both_forms_with_and_without_an_id(web: Web, oracle: Accelerator) -> None:
    wanted = oracle.predict(SAMPLES)
    status, _, listed = web.post({"inputs": {"x": SAMPLES.tolist()}})
    assert status == 200 and len(listed["id"]) == 32
    np.testing.assert_array_equal(np.array(listed["outputs"]["m"], np.float32), wanted)
    status, _, raw = web.post({"id": "mine", "inputs": {"x": encode_array(SAMPLES)}})
    assert status == 200 and raw["id"] == "mine"
    np.testing.assert_array_equal(decode_array(raw["outputs"]["m"]), wanted)
    assert web.post({"id": "mine", "inputs": {"x": encode_array(SAMPLES)}})[2] == raw


def test_refusals_have_their_status(web: Web) -> None:
    good = {"id": "a", "inputs": {"x": SAMPLES[:1].tolist()}}
    assert web.post(good)[0] == 200
    other = {"id": "a", "inputs": {"x": SAMPLES[1:2].tolist()}}
    for body, status, kind in (
        (b"{", 400, "malformed"),
        ({"inputs": {"y": [[0]]}}, 422, "samples"),
        (other, 409, "conflict"),
        (b" " * 100_001, 413, "too large"),
    ):
        found, headers, answer = web.post(body)
        assert (found, answer["error"]["kind"]) == (status, kind)
        assert "Retry-After" not in headers
    assert web.post(good, Content_Type="text/plain")[0] == 415
    assert web.post(good, Content_Type="application/json; charset=utf-8")[0] == 200
    assert web.get("/predict")[0] == 405 and web.get("/nothing")[0] == 404


def test_a_full_queue_says_when_to_ask_again(web: Web) -> None:
    web.go.clear()
    answers: list[Any] = []

    def ask(id: str) -> None:
        answers.append(web.post({"id": id, "inputs": {"x": SAMPLES[:1].tolist()}}))

    threads = [threading.Thread(target=ask, args=(id,)) for id in ("first", "second")]
    threads[0].start()
    wait_for(lambda: web.service.gauges()["under_way"][1][""] == 1, "the first does not run")
    wait_for(lambda: web.service.gauges()["queue_length"][1][""] == 0, "the first waits")
    threads[1].start()
    wait_for(lambda: web.service.gauges()["queue_length"][1][""] == 1, "the second is not there")
    status, headers, answer = web.post({"id": "third", "inputs": {"x": SAMPLES[:1].tolist()}})
    assert status == 429 and int(headers["Retry-After"]) >= 1
    assert answer["id"] == "third" and answer["error"]["retry_after_s"] > 0
    web.go.set()
    for thread in threads:
        thread.join(60)
    assert [answer[0] for answer in answers] == [200, 200]


def test_a_late_answer_is_there_for_the_next_attempt(
    deployment: Deployment, tmp_path: Path
) -> None:
    web = Web(deployment, tmp_path, wait_s=0.05)
    question = {"id": "late", "inputs": {"x": SAMPLES[:1].tolist()}}
    web.go.clear()
    status, headers, answer = web.post(question)
    assert status == 504 and answer["id"] == "late" and headers["Retry-After"]
    web.go.set()
    wait_for(lambda: len(web.service.journal) == 1, "the answer is not kept")
    assert web.post(question)[0] == 200
    assert web.service.metrics.total("answers_total") == 1
    web.stop()


@pytest.mark.slow
def test_health_and_readiness_are_two_things(web: Web) -> None:
    assert web.get("/healthz")[0] == web.get("/readyz")[0] == 200
    web.broken = True
    status, headers, answer = web.post({"id": "a", "inputs": {"x": SAMPLES[:1].tolist()}})
    assert status == 503 and headers["Retry-After"] and answer["error"]["kind"] == "device"
    status, _, told = web.get("/readyz")
    assert status == 503 and "DMA 0: stopped" in json.loads(told)["problems"][0]
    assert web.get("/healthz")[0] == 200
    web.broken = False
    wait_for(lambda: web.get("/readyz")[0] == 200, "it is not ready again")


def test_metrics_are_prometheus_text(web: Web) -> None:
    for _ in range(2):
        web.post({"id": "a", "inputs": {"x": SAMPLES[:3].tolist()}})
    web.post(b"{")
    web.post(b"{", Content_Type="text/plain")  # refused before it is read
    status, headers, text = web.get("/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    line = re.compile(
        r"# HELP \w+ [^\n]+|# TYPE \w+ (counter|gauge|histogram)"
        r'|\w+(\{\w+="[^"\n]*"(,\w+="[^"\n]*")*\})? [-+.\deEinf]+'
    )
    assert all(line.fullmatch(one) for one in text.splitlines()) and text.endswith("\n")
    found = samples_of(text)
    assert found['fpgacomp_requests_total{via="http"}'] == 4
    assert found["fpgacomp_answers_total"] == found["fpgacomp_repeats_total"] == 1
    assert found["fpgacomp_samples_total"] == 3 and found["fpgacomp_journal_answers"] == 1
    assert found['fpgacomp_errors_total{kind="malformed"}'] == 2
    assert found["fpgacomp_latency_seconds_count"] == 1
    assert found['fpgacomp_latency_seconds_bucket{le="+Inf"}'] == 1
    assert found['fpgacomp_device{name="frames"}'] == 4 + 3  # those of the self-test are the first
    assert found["fpgacomp_ready"] == 1
    buckets = [v for name, v in found.items() if name.startswith("fpgacomp_latency_seconds_b")]
    assert buckets == sorted(buckets) and len(buckets) == 14


def test_every_answer_forbids_what_the_page_does_not_need(web: Web) -> None:
    for path in ("/", "/page.js", "/page.css", "/live", "/metrics", "/healthz"):
        status, headers, text = web.get(path)
        policy = headers["Content-Security-Policy"]
        assert status == 200 and "default-src 'none'" in policy and "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert not re.search(r"https?://", text), path


def test_the_openapi_document_says_what_the_service_does(web: Web, deployment: Deployment) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="the extra dev installs jsonschema")
    status, _, text = web.get("/openapi.json")
    document = json.loads(text)
    assert status == 200 and document == openapi.document(deployment)
    assert document["openapi"] == "3.1.0" and document["info"]["version"] == deployment.identity
    stated = {int(code) for code in document["paths"]["/predict"]["post"]["responses"]}
    assert {kind.status for kind in KINDS.values()} | {200, 411, 415, 431} == stated

    def check(name: str, value: Any) -> None:
        schemas = {"components": document["components"], "$ref": f"#/components/schemas/{name}"}
        jsonschema.Draft202012Validator(schemas).validate(value)

    for samples in (SAMPLES.tolist(), encode_array(SAMPLES)):
        question = {"id": "a" * len(str(samples)[:9]), "inputs": {"x": samples}}
        check("Request", question)
    check("Answer", web.post({"inputs": {"x": SAMPLES.tolist()}})[2])
    check("Answer", web.post({"inputs": {"x": encode_array(SAMPLES)}})[2])
    check("Error", web.post(b"{")[2])
    for wrong in ({"inputs": {"y": []}}, {"inputs": {"x": [[1, 2, 3]]}}, {"id": "a b"}, {}):
        with pytest.raises(jsonschema.ValidationError):
            check("Request", wrong)


def test_a_network_whose_software_is_in_onnx_has_arrays_of_any_name(deployment: Deployment) -> None:
    from dataclasses import replace

    found = openapi.document(replace(deployment, before=None, after=None))
    inputs = found["components"]["schemas"]["Request"]["properties"]["inputs"]
    assert "properties" not in inputs


def test_a_port_that_is_taken(web: Web) -> None:
    with pytest.raises(SettingsError, match="cannot listen there"):
        WebFront(web.service, WebSettings("127.0.0.1", web.front.port))


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no ::1")
@pytest.mark.parametrize(
    ("host", "reached"),
    [("::1", ["::1"]), ("::", ["::1", "127.0.0.1"]), ("localhost", ["127.0.0.1"])],
)
def test_it_listens_on_ipv6_too(web: Web, host: str, reached: list[str]) -> None:
    front = WebFront(web.service, WebSettings(host, 0))
    front.start()
    try:
        for address in reached:
            line = http.client.HTTPConnection(address, front.port, timeout=60)
            line.request("GET", "/healthz")
            assert line.getresponse().status == 200
            line.close()
        place = f"[{host}]:{front.port}" if ":" in host else f"{host}:{front.port}"
        assert front.curl("no host!").endswith(f"http://{place}/predict")
        with pytest.raises(SettingsError, match=re.escape(f"{place}: HTTP cannot listen there")):
            WebFront(web.service, WebSettings(host, front.port))
    finally:
        front.refuse_more()


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".local", "::g", "256.1.1.1"])
def test_a_host_that_is_none_is_told(web: Web, host: str) -> None:
    with pytest.raises(SettingsError, match="cannot listen there"):
        WebFront(web.service, WebSettings(host, 0))


def test_everybody_is_told_what_computes(web: Web, deployment: Deployment) -> None:
    assert json.loads(web.get("/live")[2])["transport"] == "a model <b>"
    assert 'computed by: <span id="transport">a model &lt;b&gt;</span>' in web.get("/")[2]
    assert (
        f'fpgacomp_service_info{{name="{deployment.name}",design="{deployment.identity}",'
        f'board="{deployment.board}",transport="a model <b>"}} 1\n'
    ) in web.get("/metrics")[2]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/predict", 405), ("PUT", "/predict", 405), ("POST", "/metrics", 405),
     ("BREW", "/predict", 405), ("GET", "/nothing", 404), ("GET", "/%ff/../x", 404)],
)  # fmt: skip
def test_what_no_route_takes_is_refused_as_json(
    web: Web, method: str, path: str, status: int
) -> None:
    line = http.client.HTTPConnection("127.0.0.1", web.front.port, timeout=60)
    line.request(method, path)
    answer = line.getresponse()
    body = json.loads(answer.read())
    line.close()
    assert answer.status == status and answer.headers["Content-Type"] == "application/json"
    assert body["id"] is None and body["error"]["kind"] == "malformed"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    if status == 405:
        assert answer.headers["Allow"]


def test_a_fault_of_a_page_is_told_as_json(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web.service, "gauges", lambda: 1 // 0)
    status, headers, text = web.get("/metrics")
    assert status == 500 and headers["Content-Type"] == "application/json"
    assert json.loads(text)["error"]["kind"] == "fault" and "ZeroDivision" not in text


def test_values_beyond_the_range_are_counted(web: Web) -> None:
    # The quantizer of x takes -8 to 7.75.
    samples = [[0, -8, 7.75, 1], [9, -9, 100, 0]]
    for _ in range(2):  # the second time it is the same answer, uncounted
        _, _, answer = web.post({"id": "a", "inputs": {"x": samples}})
        assert answer["clipped"] == 3
    ends = web.post({"inputs": {"x": [[0, -8, 7.75, 1], [7.75, -8, 7.75, 0]]}})[2]
    assert ends["clipped"] == 0 and ends["outputs"] == answer["outputs"]
    assert samples_of(web.get("/metrics")[2])["fpgacomp_clipped_values_total"] == 3
    assert json.loads(web.get("/live")[2])["counts"]["clipped_values"] == 3


def test_each_request_of_a_batch_has_its_own_count(deployment: Deployment, tmp_path: Path) -> None:
    web = Web(deployment, tmp_path, queue=9)
    web.go.clear()
    answers: dict[int, Any] = {}

    def ask(beyond: int) -> None:
        answers[beyond] = web.post({"inputs": {"x": [[1e3] * beyond + [0] * (4 - beyond)] * 2}})[2]

    threads = [threading.Thread(target=ask, args=(beyond,)) for beyond in range(5)]
    for thread in threads:
        thread.start()
    wait_for(lambda: web.service.gauges()["under_way"][1][""] == 5, "they do not wait")
    web.go.set()
    for thread in threads:
        thread.join(60)
    assert {beyond: answer["clipped"] for beyond, answer in answers.items()} == {
        beyond: 2 * beyond for beyond in range(5)
    }
    web.stop()


def test_ranges_are_stated(web: Web, deployment: Deployment) -> None:
    wanted = {"minimum": -8.0, "maximum": 7.75, "step": 0.25, "by_channel": False}
    found = json.loads(web.get("/description")[2])
    assert found["inputs"] == {"x": {"type": "float32", "shape": [4], "range": wanted}}
    assert found["outputs"] == {"m": {"type": "float32", "shape": [3]}}
    assert (found["design"], found["transport"]) == (deployment.identity, "a model <b>")
    document = json.loads(web.get("/openapi.json")[2])
    inputs = document["components"]["schemas"]["Request"]["properties"]["inputs"]["properties"]
    assert inputs["x"]["x-range"] == wanted
    assert inputs["x"]["description"].startswith("From -8 to 7.75 in steps of 0.25.")
    assert "Infinity" not in json.dumps(inputs)  # which a question may not hold


def test_each_way_has_its_own_readiness(deployment: Deployment, tmp_path: Path) -> None:
    reached = [False]
    web = Web(deployment, tmp_path, connected=lambda: reached[0])
    assert web.post({"inputs": {"x": SAMPLES[:1].tolist()}})[0] == web.get("/readyz")[0] == 200
    status, _, told = web.get("/readyz/mqtt")
    assert status == 503 and json.loads(told)["problems"] == ["the broker is not reached."]
    live = json.loads(web.get("/live")[2])
    assert live["ready"] and live["problems"] == ["the broker is not reached."]
    reached[0] = True
    assert web.get("/readyz/mqtt")[0] == 200
    web.broken = True
    web.post({"inputs": {"x": SAMPLES[:1].tolist()}})
    assert web.get("/readyz")[0] == web.get("/readyz/mqtt")[0] == 503
    web.stop()


def test_a_service_without_mqtt_is_not_ready_over_mqtt(web: Web) -> None:
    status, _, told = web.get("/readyz/mqtt")
    assert status == 503 and "--mqtt" in json.loads(told)["problems"][0]
    assert json.loads(web.get("/live")[2])["problems"] == []


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def run(command: str, folder: Path) -> str:
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, check=True)
    return done.stdout.decode()


@needs_curl
def test_a_form_is_told_the_command_that_works(web: Web, tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text(
        json.dumps({"inputs": {"x": SAMPLES.tolist()}}, indent=1)
    )
    address = f"http://127.0.0.1:{web.front.port}/predict"
    refused = json.loads(run(f"curl -s -d @request.json {address}", tmp_path))["error"]
    assert "x-www-form-urlencoded" in refused["why"]
    command = refused["fix"].partition("with curl: ")[2]
    assert address in command and '"outputs"' in run(f"{command} -s", tmp_path)


def test_no_host_of_a_stranger_is_quoted(web: Web) -> None:
    body = web.send(b"POST /predict HTTP/1.1\r\nHost: $(reboot)\r\nContent-Length: 0\r\n\r\n")[2]
    assert f"http://127.0.0.1:{web.front.port}/predict" in json.loads(body)["error"]["fix"]


@needs_curl
def test_every_curl_command_of_the_guide_does_what_it_says(web: Web, tmp_path: Path) -> None:
    guide = (REPOSITORY / "docs" / "guides" / "serving.md").read_text()
    blocks = [one for one in re.findall(r"```console\n(.*?)```", guide, re.DOTALL) if "curl" in one]
    commands = 0
    for block in blocks:
        for part in block.removeprefix("$ ").split("\n$ "):
            command, _, shown = part.partition("\n")
            found = run(command.replace("localhost:8080", f"127.0.0.1:{web.front.port}"), tmp_path)
            commands += command.startswith("curl")
            # "..." stands for anything, and a design of another version has another identity.
            pattern = re.escape(shown.strip()).replace(r"\.\.\.", ".*")
            assert re.fullmatch(pattern, found.strip(), re.DOTALL), (command, found)
    assert commands == guide.count("$ curl") > 4
