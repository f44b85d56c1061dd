"""Radicale with a default-like configuration."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.servers.calendar_server import CalendarServer
from tests.servers.process import ServerProcess

_CONFIGURATION = """\
[server]
hosts = 127.0.0.1:{port}
{limits}
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {folder}/collections
[web]
type = none
"""


@contextmanager
def radicale(
    folder: Path | str,
    *,
    users: Mapping[str, str] | None = None,
    max_content_length: int | None = None,
    port: int = 0,
) -> Iterator[CalendarServer]:
    """A running Radicale whose data lie in ``folder``; the raw helpers act as the first of ``users``.

    Everything not named here is Radicale's default (fsync on, 8 connections, resources up to 10 MB), except the delay
    after a wrong password, which is off. ``max_content_length`` is in bytes. ``port``: any free one where it is 0.

    :raises ServerDidNotStart: the program did not come up.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    accounts = dict(users or {"alice": "secret"})
    (root / "users").write_text("".join(f"{name}:{password}\n" for name, password in accounts.items()))
    limits = "" if max_content_length is None else f"max_content_length = {max_content_length}"

    def command(port: int) -> list[str]:
        configuration = root / "radicale.ini"
        configuration.write_text(_CONFIGURATION.format(port=port, folder=root.resolve(), limits=limits))
        return [sys.executable, "-m", "radicale", "--config", str(configuration)]

    process = ServerProcess(command, root / "radicale.log")
    process.port = port
    user, password = next(iter(accounts.items()))
    server = CalendarServer(process, root, user=user, password=password, home=f"/{quote(user)}/")
    try:
        server.start()
        yield server
    finally:
        server.stop()
