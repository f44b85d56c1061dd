"""gunicorn with our settings, our application and our log."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger

from calbridge.log import HIDDEN, SECRET_PATH, get_logger
from calbridge.settings import Settings

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
LONGEST_PATH = 300

log = get_logger(__name__)


def serve(
    settings: Settings, listener: socket.socket, options: Mapping[str, Any], *, on_ready: Callable[[], None]
) -> int:
    """Answer on ``listener``, which is gunicorn's from here on, until a signal ends it; gives the exit code.

    ``options`` are gunicorn's. ``on_ready`` is called by each process that can answer, not by this one.
    """
    try:
        Arbiter(_Server(settings, listener, options, on_ready)).run()
    except SystemExit as ended:
        # This one and each process it forks end so.
        return ended.code if isinstance(ended.code, int) else 1
    except HaltServer as halt:
        return int(halt.exit_status)
    return 0


class _Server(BaseApplication):  # type: ignore[misc]
    """Only what stands here counts: neither gunicorn's files nor its environment variables."""

    def __init__(
        self, settings: Settings, listener: socket.socket, options: Mapping[str, Any], on_ready: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._options = {
            "bind": [f"fd://{listener.detach()}"],
            "worker_class": "calbridge.cli.gunicorn_worker.ProblemWorker",
            "keepalive": 5,
            "limit_request_line": 8190,
            # Who forwarded a request is judged in one place: TRUSTED_PROXIES (calbridge.app).
            "forwarded_allow_ips": "",
            "control_socket_disable": True,
            "logger_class": JsonLogger,
            "accesslog": "-",
            "post_worker_init": lambda worker: on_ready(),
            **options,
        }
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application; called in each process that answers, after the fork."""
        from calbridge.app import wsgi_application

        return wsgi_application(self._settings)


class JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's own lines go to our log; a request becomes one line, without its query and without secrets."""

    def setup(self, cfg: Any) -> None:
        """Nothing of gunicorn's own: the root logger writes JSON."""
        self.cfg = cfg
        self.error_log.propagate = True

    def access(self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: timedelta) -> None:
        """A request was answered."""
        path = str(environ.get("PATH_INFO", ""))
        tell = log.debug if path in PROBES else log.info
        tell(
            "request_answered",
            method=environ.get("REQUEST_METHOD"),
            path=told_path(path),
            status=int(str(resp.status).partition(" ")[0]),
            seconds=round(request_time.total_seconds(), 4),
            bytes=getattr(resp, "sent", None),
            address=environ.get("REMOTE_ADDR"),
            request=next((value for name, value in resp.headers if name.lower() == "x-request-id"), None),
        )


def told_path(path: str) -> str:
    """A path as the log may hold it."""
    return SECRET_PATH.sub(rf"\1{HIDDEN}", path)[:LONGEST_PATH]
