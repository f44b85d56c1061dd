"""The verb ``api``: the REST API on gunicorn, which is used as a library."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import click

from calbridge.cli.session import Session
from calbridge.cli.verbs import verb
from calbridge.errors import SettingsInvalid
from calbridge.supervision.notify import take_socket, tell_ready
from calbridge.supervision.ties import tie_forks

if TYPE_CHECKING:
    from calbridge.settings import Settings

WORKERS = 2
THREADS = 8
STOP_SECONDS = 15
"""For requests that are being answered; one that waits for a calendar service has 10 (DESIGN: REST API)."""
BACKLOG = 1024


@verb(None, "api", "api", "api --workers 4 --threads 16", tenant=False)
@click.option("--workers", type=click.IntRange(1, 64), default=WORKERS, show_default=True, help="Processes.")
@click.option("--threads", type=click.IntRange(1, 128), default=THREADS, show_default=True, help="Threads of each.")
def api(session: Session, workers: int, threads: int) -> int:
    """Answer the REST API on HOST and PORT until SIGTERM. Behind a proxy, set TRUSTED_PROXIES and PUBLIC_URL."""
    # Loaded late, as all that a verb needs.
    from calbridge.cli.gunicorn_server import serve
    from calbridge.log import configure_logging

    configure_logging(session.settings.log_level)
    where = take_socket()
    listener = listening(session.settings)
    tie_forks()
    options = {"workers": workers, "threads": threads, "graceful_timeout": STOP_SECONDS}
    return serve(session.settings, listener, options, on_ready=lambda: tell_ready(where))


def listening(settings: Settings) -> socket.socket:
    """A socket that listens on HOST and PORT. Raises SettingsInvalid (``port_taken``)."""
    try:
        found: Any = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _taken(settings, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _taken(settings, error) from error
    return listener


def _taken(settings: Settings, error: OSError) -> SettingsInvalid:
    why = os.strerror(error.errno) if error.errno and error.errno > 0 else "there is no such address"
    return SettingsInvalid(f"{settings.host}:{settings.port}: {why}", code="port_taken")
