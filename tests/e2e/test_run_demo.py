"""`make run` shows the main job through a running service, stays up, stops cleanly, and goes on from there."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from tests.conftest import ROOT
from tests.e2e.running import SECONDS, gone
from tests.integration.supervision.hosting import until
from tests.servers.process import free_port

LAST_LINE = "It stays up and keeps both sides the same. Ctrl-C stops it.\n"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs in a folder of their own: what they make lies beside them."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("tools", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@contextmanager
def shown(checkout: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running demo, and what it told until it was done with its story."""
    environ = {**os.environ, "CALBRIDGE_PORT": str(port), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(checkout / "tools" / "run_demo.py")]
    demo = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert demo.stdout is not None
    told = ""
    try:
        for line in demo.stdout:
            told += line
            if line == LAST_LINE:
                break
        yield demo, told
    finally:
        demo.kill()
        demo.communicate(timeout=SECONDS)


def everybody(demo: subprocess.Popen[str]) -> list[psutil.Process]:
    parent = psutil.Process(demo.pid)
    return [parent, *parent.children(recursive=True)]


def test_it_shows_a_change_on_each_side_and_stops_at_ctrl_c(checkout: Path) -> None:
    port = free_port()
    with shown(checkout, port) as (demo, told):
        assert told.endswith(LAST_LINE), told
        key = re.search(r"^Platform key +(cbk_\S+)$", told, re.MULTILINE)
        assert key
        assert f"http://127.0.0.1:{port}/docs" in told
        assert "calbridge items list --user alice" in told
        assert re.search(r"PSA -> phone +Replace the router .* was on the phone after", told)
        assert re.search(r"phone -> PSA +Lunch with Bob .* was in My Calendar after", told)
        assert answered(port, key[1]) == 200
        processes = everybody(demo)
        assert len(processes) >= 9

        os.killpg(demo.pid, signal.SIGINT)
        rest, _ = demo.communicate(timeout=SECONDS)
        assert (rest, demo.returncode) == ("\nStopped.\n", 0)
        assert gone(processes)

    with shown(checkout, port) as (demo, again):
        assert again.endswith(LAST_LINE), again
        assert not re.search(r"^Platform key +cbk_", again, re.MULTILINE)
        assert "calbridge keys create --platform" in again
        assert answered(port, key[1]) == 200, "the key of the first time is good for ever"
        processes = everybody(demo)
        demo.kill()
        until(lambda: gone(processes))


def test_a_second_one_beside_it_says_so_and_leaves_its_log_alone(checkout: Path) -> None:
    with shown(checkout, free_port()) as (first, told):
        assert told.endswith(LAST_LINE), told
        log = checkout / "var" / "demo" / "service.log"
        before = log.read_bytes()
        with shown(checkout, free_port()) as (second, refused):
            assert "The service is at work in this data folder already." in refused
            assert second.wait(SECONDS) == 1
        assert log.read_bytes().startswith(before)
        assert first.poll() is None
        assert stat.S_IMODE((checkout / "var").stat().st_mode) == 0o700


def test_a_port_that_is_taken_is_told(checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, shown(checkout, other.getsockname()[1]) as (demo, told):
        assert "The address and port of the API can't be used." in told
        assert demo.wait(SECONDS) == 1


def answered(port: int, key: str) -> int:
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"Bearer {key}"}
        return session.get(f"http://127.0.0.1:{port}/v1/tenants", headers=headers, timeout=30).status_code
