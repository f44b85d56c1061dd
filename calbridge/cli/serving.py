"""The verb ``api``: the REST API on gunicorn, which is used as a library."""

from __future__ import annotations

import click

from calbridge.cli.session import Session
from calbridge.cli.staying import stay
from calbridge.cli.verbs import verb
from calbridge.supervision.notify import take_socket, tell_ready
from calbridge.supervision.ports import listen
from calbridge.supervision.ties import tie_forks

WORKERS = 2
THREADS = 8
STOP_SECONDS = 15
"""For requests that are being answered; one that waits for a calendar service has 10 (DESIGN: REST API)."""


@verb(None, "api", "api", "api --workers 4 --threads 16", tenant=False)
@click.option("--workers", type=click.IntRange(1, 64), default=WORKERS, show_default=True, help="Processes.")
@click.option("--threads", type=click.IntRange(1, 128), default=THREADS, show_default=True, help="Threads of each.")
def api(session: Session, workers: int, threads: int) -> int:
    """Answer the REST API on HOST and PORT until SIGTERM. Behind a proxy, set TRUSTED_PROXIES and PUBLIC_URL."""
    # Loaded late, as all that a verb needs.
    from calbridge.cli.gunicorn_server import serve

    stay(session)
    where = take_socket()
    listener = listen(session.settings.host, session.settings.port)
    tie_forks()
    options = {"workers": workers, "threads": threads, "graceful_timeout": STOP_SECONDS}
    return serve(session.settings, listener, options, on_ready=lambda: tell_ready(where))
