"""The demo comes to its end, tells its story, cleans up, and its exit code means something."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT

DEMO = [sys.executable, str(ROOT / "tools" / "demo.py")]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment whose temporary files lie where this test can look for leftovers."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CALBRIDGE_")} | {
        "TMPDIR": str(tmp_path)
    }


def server_port(told: str) -> int:
    """The port of the server that the demo started."""
    return int(re.search(r"runs at http://127\.0\.0\.1:(\d+)/", told)[1])  # type: ignore[index]


def somebody_listens(port: int) -> bool:
    """Whether a process still owns this listening port."""
    table = Path("/proc/net/tcp").read_text(encoding="ascii")
    return any(re.search(rf":{port:04X} \S+ 0A ", line) for line in table.splitlines())


def test_the_demo_shows_both_sides_alike_and_leaves_nothing_behind(environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(DEMO, env=environment, capture_output=True, text=True, check=False, timeout=240)

    told = done.stdout
    assert done.returncode == 0, told + done.stderr
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["Next"]
    before, after = re.findall(r"Side by side.*?(?=\n\n|\n==)", told, re.DOTALL)
    assert "\n!" in before
    assert "\n!" not in after
    for title in ("Replace the router", "Lunch with Bob", "Team meeting", "Holiday in Graz", "Contract review"):
        assert title in after
    assert "Dentist" not in after
    assert "13:00 - 14:00  Team meeting" in after
    assert "title: Holiday -> Holiday in Graz" in told
    assert "Still in the series" in told
    assert "LOST" not in told
    verbs = re.findall(r"^\$ calbridge (\w+ \w+)", told, re.MULTILINE)
    assert {"db upgrade", "hosts grant", "integrations add", "integrations sync", "items put"} <= set(verbs)
    assert list(tmp_path.iterdir()) == []
    assert not somebody_listens(server_port(told))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_stops_everything(
    environment: dict[str, str], tmp_path: Path, how: signal.Signals
) -> None:
    demo = subprocess.Popen(
        DEMO, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert demo.stdout is not None
    told = ""
    while "$ calbridge db upgrade" not in told:
        line = demo.stdout.readline()
        assert line, "the demo ended before it could be stopped"
        told += line
    port = server_port(told)
    assert somebody_listens(port)
    time.sleep(0.2)

    os.killpg(demo.pid, how)
    rest, _ = demo.communicate(timeout=30)

    assert demo.returncode == 130
    assert "Stopped; everything the demo started and made is gone." in rest
    assert list(tmp_path.iterdir()) == []
    assert not somebody_listens(port)
