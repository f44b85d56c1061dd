"""The real servers start, keep data and port over a restart, and leave no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.servers import CalendarServer, radicale, xandikos
from tests.servers.calendar_server import UnexpectedStatus

EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//test//EN\r\nBEGIN:VEVENT\r\nUID:one@example.com\r\n"
    "DTSTAMP:20270101T000000Z\r\nDTSTART:20270105T100000Z\r\nDTEND:20270105T110000Z\r\nSUMMARY:One\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
Start = Callable[[Path], AbstractContextManager[CalendarServer]]
PROGRAMS = pytest.mark.parametrize("start", [radicale, xandikos], ids=["radicale", "xandikos"])


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"


def _wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while not _gone(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return _gone(pid)


@PROGRAMS
def test_a_server_stores_lists_and_deletes_and_keeps_everything_over_a_restart(start: Start, tmp_path: Path) -> None:
    with start(tmp_path) as server:
        calendar = server.make_calendar("work")
        address = server.put(calendar, "one.ics", EVENT)
        before, port, pid = server.list(calendar), server.port, server.pid
        assert [path.rsplit("/", 1)[1] for path in before] == ["one.ics"]
        server.stop()
        assert pid is not None
        assert _gone(pid)
        server.start()
        assert (server.list(calendar), server.port) == (before, port)
        assert b"SUMMARY:One" in server.get(address)
        server.delete(address)
        assert server.list(calendar) == {}
        assert calendar.startswith(server.url)
        assert server.principal.startswith(server.url)


@PROGRAMS
def test_a_server_does_not_outlive_a_killed_parent(start: Start, tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from tests.servers import radicale, xandikos\n"
        f"with {start.__name__}(Path(sys.argv[1])) as server:\n"
        "    print(server.pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    assert not _gone(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait(10)
    assert _wait_until_gone(pid)


def test_radicale_refuses_a_wrong_password_and_a_body_over_the_limit(tmp_path: Path) -> None:
    with radicale(tmp_path, users={"bob@example.com": "secret"}, max_content_length=2000) as server:
        calendar = server.new_calendar()
        with pytest.raises(UnexpectedStatus) as refused:
            server.put(calendar, "one.ics", EVENT.replace("One", "x" * 3000))
        assert refused.value.status == 413
        server.password = "wrong"
        assert server.request("PROPFIND", server.principal, headers={"Depth": "0"}).status == 401
