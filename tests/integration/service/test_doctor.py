"""The doctor finds what is really misconfigured, names it, and says what to do."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from calbridge.app import build, upgrade_database
from calbridge.catalogue import CATALOGUE
from calbridge.service import doctor
from calbridge.service.heartbeats import ALIVE, beat, last_beat
from calbridge.service.parts import Parts
from calbridge.service.views_installation import Finding
from calbridge.settings import load_settings
from calbridge.supervision.embedded import redis_part, redis_program, redis_url
from calbridge.supervision.lock import FOLDER, only_one
from tests.doubles.caldav.certificate import server_context
from tests.integration.supervision.hosting import SECONDS, until
from tests.servers.process import free_port

SHORT, ALL = ["realtime", "default"], ["realtime", "default", "bulk"]


@pytest.fixture
def installation(tmp_path: Path) -> Callable[..., Parts]:
    """Opens the parts of an installation with tables; names of settings are given without their prefix."""

    @contextmanager
    def opening(**more: str) -> Iterator[Parts]:
        given = {"DATA_DIR": str(tmp_path / "data"), "PORT": str(free_port()), **more}
        settings = load_settings({f"CALBRIDGE_{name}": value for name, value in given.items()})
        upgrade_database(settings)
        with build(settings) as parts:
            yield parts

    return opening  # type: ignore[return-value]


@pytest.fixture
def found(installation: Callable[..., Parts]) -> Callable[..., dict[str, Finding]]:
    """What the doctor finds under these settings: code to finding, those that are well left out."""

    def examining(**more: str) -> dict[str, Finding]:
        with installation(**more) as parts:
            return codes(parts)

    return examining


def codes(parts: Parts) -> dict[str, Finding]:
    findings = {each.code: each for each in doctor.examine(parts) if each.code is not None}
    assert findings.keys() <= CATALOGUE.keys()
    assert all(each.remedy for each in findings.values())
    return findings


def test_an_installation_for_trying_out_has_notes_and_no_problem(found: Callable[..., dict[str, Finding]]) -> None:
    findings = found()

    assert findings.keys() == {
        "app_not_registered",
        "public_url_missing",
        "redis_not_configured",
        "mail_not_configured",
    }
    assert all(each.ok for each in findings.values())


def test_production_without_redis_address_and_workers_is_a_problem(found: Callable[..., dict[str, Finding]]) -> None:
    findings = found(PRODUCTION="yes", SECRET_KEYS="k" * 40)

    wrong = {code for code, each in findings.items() if not each.ok}
    assert wrong == {"public_url_missing", "redis_not_configured", "no_worker", "no_scheduler"}


@pytest.mark.parametrize(
    ("url", "code"),
    [("http://calbridge.example.com", "public_url_insecure"), ("https://calbridge.example.com", None)],
)
def test_the_public_address_must_be_https(found: Callable[..., dict[str, Finding]], url: str, code: str | None) -> None:
    assert {"public_url_insecure", "public_url_missing"} & found(PUBLIC_URL=url).keys() == ({code} if code else set())


def test_a_loopback_address_may_be_plain_for_trying_out(found: Callable[..., dict[str, Finding]]) -> None:
    assert "public_url_insecure" not in found(PUBLIC_URL="http://127.0.0.1:8080")


def test_a_redis_that_is_not_there_is_found(found: Callable[..., dict[str, Finding]]) -> None:
    findings = found(REDIS_URL=f"redis://:hunter2@127.0.0.1:{free_port()}/0")

    assert not findings["redis_unreachable"].ok
    assert "hunter2" not in str(findings)


def test_a_redis_that_refuses_the_password_is_told_apart(
    found: Callable[..., dict[str, Finding]], tmp_path: Path
) -> None:
    with redis(tmp_path / "redis", "--requirepass", "right") as url:
        refused = found(REDIS_URL=url.replace("unix://", "unix://:wrong@"))
        let_in = found(REDIS_URL=url.replace("unix://", "unix://:right@"))

    assert "password" in refused["redis_unreachable"].what
    assert "redis_unreachable" not in let_in


def test_the_redis_that_came_along_is_looked_at_while_the_service_runs(
    installation: Callable[..., Parts], tmp_path: Path
) -> None:
    folder = tmp_path / "data" / FOLDER
    with installation() as parts:
        with redis(folder):
            assert "redis_not_configured" in codes(parts)
            with only_one(folder):
                assert not {"redis_not_configured", "redis_unreachable"} & codes(parts).keys()
        with only_one(folder):
            assert not codes(parts)["redis_unreachable"].ok
        # Killed, it leaves its socket behind.
        (folder / "redis.sock").touch()
        assert "redis_not_configured" in codes(parts)


def test_who_is_missing_at_work_is_found(installation: Callable[..., Parts], tmp_path: Path) -> None:
    with redis(tmp_path / "redis") as url, installation(REDIS_URL=url) as parts:
        now = parts.clock.now()
        watched = {"no_worker", "no_bulk_worker", "no_short_worker", "no_scheduler"}
        assert codes(parts).keys() & watched == {"no_worker", "no_scheduler"}
        beat(parts, "w1", "worker", now, queues=SHORT)
        beat(parts, "s1", "scheduler", now)
        assert codes(parts).keys() & watched == {"no_bulk_worker"}
        beat(parts, "w2", "worker", now, queues=ALL)
        assert codes(parts).keys() & watched == set()
        last_beat(parts, "w1")
        assert codes(parts)["no_short_worker"].ok
        silent_since = now - ALIVE - timedelta(seconds=5)
        _age(parts, silent_since.timestamp())
        assert codes(parts).keys() & watched == {"no_worker", "no_scheduler"}


def test_another_program_on_the_port_is_found_and_our_own_api_is_not(found: Callable[..., dict[str, Finding]]) -> None:
    with listener() as port:
        assert not found(PORT=str(port))["port_taken"].ok
    with web(b'{"status":"ok"}') as port:
        assert "port_taken" not in found(PORT=str(port))
    with web(b"<html>") as port:
        assert "port_taken" in found(PORT=str(port))
    assert "port_taken" in found(HOST="192.0.2.1")


def test_a_data_folder_that_others_can_look_into_is_found(
    found: Callable[..., dict[str, Finding]], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir(mode=0o755)

    assert not found()["data_dir_open"].ok


def test_a_mail_server_that_is_not_there_is_found(found: Callable[..., dict[str, Finding]]) -> None:
    findings = found(SMTP_URL=f"smtp://calbridge:hunter2@127.0.0.1:{free_port()}")

    assert not findings["mail_unreachable"].ok
    assert "hunter2" not in str(findings)


def test_a_mail_server_that_refuses_the_login_or_offers_no_tls_is_found(
    found: Callable[..., dict[str, Finding]], tmp_path: Path
) -> None:
    trusted = f"?ca_file={tmp_path / 'ca.pem'}"
    with mail(server_context(tmp_path, [])) as port:
        good = f"smtp://calbridge:p%40ss@localhost:{port}"
        assert not found(SMTP_URL=good)["mail_unreachable"].ok, "nobody trusts this certificate yet"
        assert not {"mail_unreachable", "mail_login_refused"} & found(SMTP_URL=good + trusted).keys()
        wrong = f"smtp://calbridge:wrong@localhost:{port}{trusted}"
        assert not found(SMTP_URL=wrong)["mail_login_refused"].ok
        assert not found(SMTP_URL=f"{good}?ca_file=/none")["mail_unreachable"].ok
    with mail(None) as port:
        assert "mail_unencrypted" in found(SMTP_URL=f"smtp://calbridge:p%40ss@localhost:{port}")
        assert "mail_unencrypted" in found(SMTP_URL=f"smtp://localhost:{port}?starttls=required")
        assert "mail_unencrypted" not in found(SMTP_URL=f"smtp://localhost:{port}")


@contextmanager
def redis(folder: Path, *more: str) -> Iterator[str]:
    """A Redis in this folder, at this address."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = redis_part(folder)
    assert part.command[0] == redis_program()
    with subprocess.Popen([*part.command, *more], stdout=subprocess.DEVNULL) as process:
        try:
            until((folder / "redis.sock").exists)
            yield redis_url(folder)
        finally:
            process.terminate()
            process.wait(SECONDS)


@contextmanager
def listener() -> Iterator[int]:
    """A port on which somebody listens and says nothing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@contextmanager
def web(body: bytes) -> Iterator[int]:
    """A web server that answers everything so."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _let_in(server: object, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=data == LoginPassword(b"calbridge", b"p@ss"), handled=False)


@contextmanager
def mail(tls: ssl.SSLContext | None) -> Iterator[int]:
    """A mail server that lets in ``calbridge`` with ``p@ss`` after STARTTLS, or one without TLS."""
    options: dict[str, object] = {}
    if tls is not None:
        options = {"tls_context": tls, "require_starttls": True, "authenticator": _let_in, "auth_required": True}
    port = free_port()
    controller = Controller(object(), hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def _age(parts: Parts, timestamp: float) -> None:
    """All signs of life are as old as that."""
    with parts.database.connect(writes=True) as connection:
        connection.exec_driver_sql(f"UPDATE heartbeats SET seen_at = {int(timestamp * 1_000_000)}")
