"""The Redis that comes along answers on its socket only, and keeps nothing."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from calbridge.errors import SettingsInvalid
from calbridge.supervision.embedded import answers, redis_part, redis_program, redis_url
from tests.integration.supervision.hosting import SECONDS, until


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Redis]:
    """An embedded Redis, and a client of it."""
    part = redis_part(tmp_path)
    with subprocess.Popen(part.command) as process, Redis.from_url(redis_url(tmp_path)) as client:
        until(lambda: part.ready is not None and part.ready())
        yield client
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0


def test_it_listens_on_a_private_socket_and_on_no_port(running: Redis, tmp_path: Path) -> None:
    assert running.config_get("port")["port"] == "0"
    assert stat.S_IMODE((tmp_path / "redis.sock").stat().st_mode) == 0o600
    pid = running.info("server")["process_id"]
    own = {os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()}
    tcp = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    listening = {f"socket:[{line.split()[9]}]" for line in tcp.splitlines() if " 0A " in line}
    assert own & listening == set()


def test_it_writes_nothing_to_disk(running: Redis, tmp_path: Path) -> None:
    running.set("job", "waits")
    running.shutdown(save=False)

    assert {each.name for each in tmp_path.iterdir()} <= {"redis.sock", "redis.log"}


def test_nobody_answers_where_no_redis_is(tmp_path: Path) -> None:
    assert not answers(redis_url(tmp_path))


def test_a_folder_too_deep_for_a_socket_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        redis_url(tmp_path / ("d" * 100))
    assert caught.value.code == "path_too_long"


def test_the_redis_of_the_machine_goes_before_the_one_that_comes_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Path(redis_program()).is_file()
    own = tmp_path / "redis-server"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    assert redis_program() == str(own)
