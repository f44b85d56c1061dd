"""`calbridge api` as an operator meets it: a real process, its answers, its log and its end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from calbridge.supervision.notify import ReadySocket
from tests.conftest import ROOT
from tests.integration.supervision.hosting import SECONDS, alive, until
from tests.servers.process import free_port

COMMAND = [sys.executable, "-P", "-m", "calbridge"]


@dataclass
class Api:
    """The running program."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> http.client.HTTPResponse:
        """One request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            answer = connection.getresponse()
            answer.read()
            return answer
        finally:
            connection.close()

    def logged(self, **wanted: Any) -> list[dict[str, Any]]:
        """Lines of the log with these values; every line is JSON."""
        lines = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if wanted.items() <= line.items()]

    def workers(self) -> list[int]:
        """The processes that answer."""
        return [each.pid for each in psutil.Process(self.process.pid).children()]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An installation of this test alone, with its tables."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CALBRIDGE_", "PYTHON"))}
    made = {**clean, "CALBRIDGE_DATA_DIR": str(tmp_path / "data"), "CALBRIDGE_PORT": str(free_port())}
    subprocess.run([*COMMAND, "db", "upgrade"], env=made, check=True, capture_output=True)
    return made


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Callable[..., Any]:
    """Starts the API and waits until it tells that it is ready."""

    @contextmanager
    def starting(**more: str) -> Iterator[Api]:
        log, ready = tmp_path / "api.log", ReadySocket(tmp_path / "ready")
        with log.open("wb") as file:
            whole = {**environment, **ready.environment, **more}
            process = subprocess.Popen([*COMMAND, "api"], env=whole, stdout=file, stderr=file)
            try:
                until(lambda: ready.heard() or process.poll() is not None)
                yield Api(process, int(environment["CALBRIDGE_PORT"]), log)
            finally:
                process.terminate()
                process.wait(SECONDS)
                ready.close()

    return starting


def test_it_answers_and_logs_a_line_without_query_and_secrets(start: Callable[..., Any]) -> None:
    with start() as api:
        assert api.get("/readyz").status == 200
        asked = {"X-Request-Id": "request-of-the-test"}
        assert api.get("/v1/users/nobody/export?token=hunter2", asked).status == 401
        api.get("/v1/notifications/google/hunter2/more?token=hunter2")
        until(lambda: len(api.logged(event="request_answered")) == 2)

        assert "hunter2" not in api.log.read_text(encoding="utf-8")
        (line,) = api.logged(event="request_answered", request="request-of-the-test")
        assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/users/nobody/export", 401)
        assert api.logged(event="request_answered", path="/v1/notifications/google/[hidden]")


@pytest.mark.parametrize(("hops", "address"), [("0", "127.0.0.1"), ("1", "192.0.2.7"), ("2", "192.0.2.6")])
def test_only_as_many_proxies_as_are_trusted_are_believed(start: Callable[..., Any], hops: str, address: str) -> None:
    with start(CALBRIDGE_TRUSTED_PROXIES=hops, FORWARDED_ALLOW_IPS="*") as api:
        api.get("/v1/settings", {"X-Forwarded-For": "192.0.2.5, 192.0.2.6, 192.0.2.7"})

        until(lambda: api.logged(event="request_answered", address=address))


def test_a_port_that_is_taken_is_told_in_a_sentence(start: Callable[..., Any], environment: dict[str, str]) -> None:
    with start():
        second = subprocess.run([*COMMAND, "api"], env=environment, capture_output=True, text=True, check=False)

    assert second.returncode == 3
    assert "The address and port of the API can't be used." in second.stderr
    assert "Traceback" not in second.stderr


def test_a_host_that_this_machine_does_not_have_is_told_as_well(environment: dict[str, str]) -> None:
    elsewhere = {**environment, "CALBRIDGE_HOST": "192.0.2.1"}
    done = subprocess.run([*COMMAND, "api"], env=elsewhere, capture_output=True, text=True, check=False)

    assert done.returncode == 3
    assert "port_taken" in done.stderr


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"HELLO\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET /v1/users?cursor=" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 9000 + b"\r\n\r\n", 431),
    ],
    ids=["no HTTP", "header", "smuggled", "long line", "long header"],
)
def test_what_is_no_request_is_refused_in_the_words_of_the_api(
    start: Callable[..., Any], raw: bytes, status: int
) -> None:
    with start() as api, socket.create_connection(("127.0.0.1", api.port), timeout=SECONDS) as connection:
        connection.sendall(raw)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        told = json.loads(answer.read())
        assert (answer.status, told["status"], told["code"]) == (status, status, "malformed_request")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["X-Request-Id"] == told["request_id"]
        assert api.get("/healthz").status == 200


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_when_asked(start: Callable[..., Any], how: signal.Signals) -> None:
    with start() as api:
        workers = api.workers()
        assert len(workers) == 2
        api.process.send_signal(how)

        assert api.process.wait(SECONDS) == 0
        assert not any(map(alive, workers))
        assert api.logged(level="error") == []


def test_its_processes_do_not_outlive_it(start: Callable[..., Any]) -> None:
    with start() as api:
        workers = api.workers()
        api.process.kill()

        until(lambda: not any(map(alive, workers)))


def test_a_process_that_answers_and_dies_is_replaced(start: Callable[..., Any]) -> None:
    with start() as api:
        first = api.workers()
        for pid in first:
            os.kill(pid, signal.SIGKILL)

        until(lambda: len(api.workers()) == 2 and not set(api.workers()) & set(first))
        until(lambda: api.get("/readyz").status == 200)


def test_an_api_without_tables_says_that_it_is_not_ready(start: Callable[..., Any], tmp_path: Path) -> None:
    with start(CALBRIDGE_DATA_DIR=str(tmp_path / "empty")) as api:
        assert api.get("/healthz").status == 200
        assert api.get("/readyz").status == 503


def test_another_server_can_load_the_application(environment: dict[str, str]) -> None:
    code = "from werkzeug.test import Client; from wsgi import application as app; "
    code += "print(Client(app).get('/readyz').status)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "200 OK\n"
