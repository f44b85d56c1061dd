"""Xandikos without login, as it comes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.calendar_server import CalendarServer
from tests.servers.process import ServerProcess


@contextmanager
def xandikos(folder: Path | str, *, user: str = "alice") -> Iterator[CalendarServer]:
    """A running Xandikos whose data (git repositories) lie in ``folder``. It never asks who we are.

    :raises ServerDidNotStart: the program did not come up.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)

    def command(port: int) -> list[str]:
        options = ["--directory", str(root / "data"), "--state-dir", str(root / "state"), "--defaults"]
        place = ["--listen-address", "127.0.0.1", "--port", str(port), "--no-detect-systemd"]
        return [sys.executable, "-m", "xandikos", "serve", *options, *place, "--current-user-principal", f"/{user}/"]

    # Without a home of its own git would read the configuration of whoever runs the tests.
    environment = {"HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1", "XDG_CONFIG_HOME": str(root / "config")}
    process = ServerProcess(command, root / "xandikos.log", environment)
    home = f"/{user}/calendars/"
    server = CalendarServer(process, root, user=user, password=None, home=home)
    try:
        server.start()
        yield server
    finally:
        server.stop()
