"""`calbridge run`: one command is the whole service, and leaves nothing behind however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.e2e.running import RUN, Installation, Running, environment, gone, installation, running

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("service")) as made:
        yield made


@contextmanager
def hanging(at: Installation) -> Iterator[None]:
    """The calendar server accepts connections and answers nobody."""
    assert at.server.pid is not None
    os.kill(at.server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(at.server.pid, signal.SIGCONT)


def at_work(at: Installation, service: list[psutil.Process]) -> bool:
    """Whether a process of the service waits for the calendar server."""
    connections = [each for process in service for each in process.net_connections("tcp")]
    return any(each.raddr and each.raddr.port == at.server.port for each in connections)


def test_whatever_signal_ends_the_parent_in_mid_job_nothing_is_left_and_the_work_is_resumed(at: Installation) -> None:
    for number, how in enumerate(SIGNALS):
        end_in_mid_job(at, number, how)

    with running(at):
        everything = [f"Visit {number}" for number in range(len(SIGNALS))]
        at.wait(lambda: set(at.titles()) >= set(everything))
        assert at.titles() == everything


def end_in_mid_job(at: Installation, number: int, how: signal.Signals) -> None:
    """Start the service, let a job hang, and end the parent."""
    with running(at) as service:
        everybody = service.everybody()
        assert len(everybody) >= 8
        with hanging(at):
            at.put(number)
            at.wait(lambda: at_work(at, everybody))
            service.process.send_signal(how)
        at.wait(lambda: gone(everybody))
        assert service.process.wait() == (-signal.SIGKILL if how is signal.SIGKILL else 0), how


@pytest.fixture(scope="module")
def service(at: Installation) -> Iterator[Running]:
    with running(at) as ready:
        yield ready


def test_the_doctor_finds_a_running_service_well(at: Installation, service: Running) -> None:
    doctor = [*RUN[:-1], "doctor"]

    def told() -> str:
        done = subprocess.run(doctor, env=environment(at), capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else ""

    at.wait(told)
    said = told()
    for line in ("the API answers", "Redis answers", "schedulers at work: ", "short work does not wait for long work"):
        assert line in said


def test_a_second_service_in_the_same_folder_is_refused_with_a_sentence(at: Installation, service: Running) -> None:
    done = subprocess.run(RUN, env=environment(at), capture_output=True, text=True, check=False)

    assert done.returncode == 3
    assert "The service is at work in this data folder already." in done.stderr
    assert f"process={service.process.pid}" in done.stderr
    assert at.call("GET", "/readyz").ok


def test_a_port_that_is_taken_is_told_before_anything_is_started(
    at: Installation, service: Running, tmp_path: Path
) -> None:
    elsewhere = environment(at, CALBRIDGE_DATA_DIR=str(tmp_path / "other"))
    done = subprocess.run(RUN, env=elsewhere, capture_output=True, text=True, check=False)

    assert done.returncode == 3
    assert "port_taken" in done.stderr
    assert "part_started" not in done.stderr


def test_the_api_answers_while_redis_and_workers_die_and_all_come_back(at: Installation, service: Running) -> None:
    at.put(11)
    at.wait(lambda: "Visit 11" in at.titles())
    victims = [*service.named("worker"), *(each for each in service.everybody() if "redis" in each.name())]
    assert len(victims) >= 4
    for each in victims:
        each.kill()

    begun = time.monotonic()
    at.put(12)
    assert time.monotonic() - begun < 5
    assert at.call("GET", "/readyz").ok
    at.wait(lambda: "Visit 12" in at.titles())
    at.wait(lambda: {each["part"] for each in service.events("part_ended")} == {"redis", "worker"})
    assert at.titles().count("Visit 12") == 1
