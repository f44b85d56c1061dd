"""Parts come up in order, stay up, go down in reverse, and nothing is ever left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.supervision.hosting import HOST, alive, hosted, until

TREE = [
    [{"name": "redis"}],
    [{"name": "upgrade", "words": ["once"]}],
    [{"name": "worker-1", "words": ["forks", "own-group"]}, {"name": "worker-2"}],
    [{"name": "api", "words": ["forks"]}],
]
TIES = {"kernel": TREE, "pipe": [*TREE[:2], [{"name": "worker", "words": ["forks-by-pipe", "own-group"]}]]}
"""Every way to tie, with a child of a child in a group of its own, as RQ's jobs are."""


def test_a_stage_starts_when_the_one_before_is_ready(tmp_path: Path) -> None:
    with hosted(tmp_path, TREE) as host:
        host.until_ready()
        told = host.events("started", "ready")

    assert told[:3] == ["redis started", "redis ready", "upgrade started"]
    assert sorted(each for each in told[3:7] if "worker" in each) == sorted(told[3:7])
    assert told[7:] == ["api started", "api ready"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_parts_in_reverse(tmp_path: Path, how: signal.Signals) -> None:
    with hosted(tmp_path, [[{"name": "redis"}], [{"name": "worker"}], [{"name": "api"}]]) as host:
        host.until_ready()

        assert host.end(how) == 0
        assert host.events("asked", "stopped") == [
            f"{name} {event}" for name in ("api", "worker", "redis") for event in ("asked", "stopped")
        ]
        assert not any(map(alive, host.pids()))


@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_outlives_the_supervisor(tmp_path: Path, tie: str, how: signal.Signals) -> None:
    with hosted(tmp_path, TIES[tie], tie) as host:
        host.until_ready()
        host.until(lambda: "forked" in {event for _, event, _ in host.notes()})
        pids = host.pids()
        assert len([pid for pid in pids if alive(pid)]) >= 3

        host.end(how)
        until(lambda: not any(map(alive, pids)))


def test_a_supervisor_killed_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    with hosted(tmp_path, [[{"name": "worker", "words": ["forks"]}], [{"name": "never", "words": ["silent"]}]]) as host:
        host.until(lambda: {"never started", "worker forked"} <= {*host.events()})

        host.end(signal.SIGKILL)
        until(lambda: not any(map(alive, host.pids())))


def test_a_stop_while_it_starts_stops_what_is_there(tmp_path: Path) -> None:
    with hosted(tmp_path, [[{"name": "redis"}], [{"name": "never", "words": ["silent"]}]]) as host:
        host.until(lambda: "never started" in host.events())

        assert host.end(signal.SIGTERM) == 0
        assert host.events("stopped") == ["never stopped", "redis stopped"]


def test_a_part_that_does_not_end_is_killed_with_what_it_forked(tmp_path: Path) -> None:
    stubborn = {"name": "worker", "words": ["forks", "stubborn"], "stop_seconds": 0.2}
    with hosted(tmp_path, [[{"name": "redis"}], [stubborn]]) as host:
        host.until_ready()
        host.until(lambda: "worker forked" in host.events())

        assert host.end(signal.SIGTERM) == 0
        assert host.events("asked", "stopped") == ["worker asked", "redis asked", "redis stopped"]
        until(lambda: not any(map(alive, host.pids())))


def test_a_second_signal_waits_for_nobody(tmp_path: Path) -> None:
    with hosted(tmp_path, [[{"name": "worker", "words": ["stubborn"], "stop_seconds": 3600}]]) as host:
        host.until_ready()
        host.process.send_signal(signal.SIGINT)
        host.until(lambda: "worker asked" in host.events())

        assert host.end(signal.SIGINT) == 0
        assert not any(map(alive, host.pids()))


def test_a_part_that_ends_is_started_again_and_its_children_go_first(tmp_path: Path) -> None:
    with hosted(tmp_path, [[{"name": "redis"}], [{"name": "worker", "words": ["forks"]}]]) as host:
        host.until_ready()
        host.until(lambda: "worker forked" in host.events())
        first = {event: pid for name, event, pid in host.notes() if name == "worker"}
        os.kill(first["ready"], signal.SIGKILL)

        host.until(lambda: host.events("ready").count("worker ready") == 2)
        until(lambda: not any(map(alive, first.values())))
        assert host.events("ready").count("redis ready") == 1


def test_a_part_that_keeps_ending_is_started_less_and_less_often(tmp_path: Path) -> None:
    with hosted(tmp_path, [[{"name": "worker"}]]) as host:
        host.until_ready()
        (tmp_path / "worker.end").touch()

        host.until(lambda: host.events("started").count("worker started") == 3)
        assert host.process.poll() is None


def test_a_part_that_ends_at_the_start_stops_everything_and_is_named(tmp_path: Path) -> None:
    with hosted(tmp_path, [[{"name": "redis"}], [{"name": "worker", "words": ["ends"]}], [{"name": "api"}]]) as host:
        told, _ = host.process.communicate(timeout=60)

        assert host.process.returncode == 3
        assert told == "part_failed: it ended before it was ready (part=worker, exit_code=3)\n"
        assert "api started" not in host.events()
        assert host.events("stopped") == ["redis stopped"]


def test_a_part_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    with hosted(tmp_path, [[{"name": "worker", "words": ["silent"], "start_seconds": 0.5}]]) as host:
        told, _ = host.process.communicate(timeout=60)

        assert told == "part_failed: it does not get ready (part=worker)\n"
        assert not any(map(alive, host.pids()))


def test_a_second_supervisor_of_the_same_folder_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    one = [[{"name": "redis"}]]
    with hosted(tmp_path, one) as first:
        first.until_ready()
        with hosted(tmp_path, one) as second:
            told, _ = second.process.communicate(timeout=60)
        assert second.process.returncode == 3
        assert told.startswith(f"already_running (process={first.process.pid}, ")
        assert first.process.poll() is None
        first.end(signal.SIGKILL)
    with hosted(tmp_path, one) as third:
        third.until_ready()


def test_a_hangup_that_was_ignored_stays_ignored(tmp_path: Path) -> None:
    line = 'trap "" HUP; exec "$0" "$@"'
    stages = '[[{"name": "redis"}]]'
    command = ["bash", "-c", line, sys.executable, HOST, str(tmp_path), "kernel", stages]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "all ready\n"
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert "redis stopped" in (tmp_path / "notebook").read_text(encoding="ascii")
