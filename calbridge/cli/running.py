"""The verb ``run``: the whole service in one command, with a Redis of its own where none is configured."""

from __future__ import annotations

import sys
from pathlib import Path

from calbridge.cli.session import Session
from calbridge.cli.verbs import verb
from calbridge.errors import SettingsInvalid
from calbridge.log import configure_logging
from calbridge.settings import Settings, variable_name
from calbridge.supervision.embedded import redis_part, redis_url
from calbridge.supervision.lock import FOLDER, only_one
from calbridge.supervision.part import Part
from calbridge.supervision.ports import listen, local_url
from calbridge.supervision.supervisor import Supervisor

WORKER_STOP_SECONDS = 20.0
"""A run yields at its next page, after the request it waits for."""
API_STOP_SECONDS = 20.0


@verb(None, "run", "run", tenant=False)
def run(session: Session) -> None:
    """Start the whole service: Redis where none is configured, tables, two workers, scheduler, API. Ctrl-C stops it.

    A part that ends is started again. Nothing is left behind, however this command ends.
    """
    settings = session.settings
    configure_logging(settings.log_level)
    folder = _folder(settings)
    address = local_url(settings.host, settings.port)

    def ready() -> None:
        session.out.done(f"calbridge is ready: {address}/docs (Ctrl-C stops it).", {"url": address})
        sys.stdout.flush()

    with only_one(folder):
        # Taken for a moment, so that a mistake is told before anything is started.
        listen(settings.host, settings.port).close()
        Supervisor(stages(settings, folder), folder).run(ready)


def stages(settings: Settings, folder: Path) -> list[list[Part]]:
    """What is started after what. Raises SettingsInvalid (``redis_missing``, ``path_too_long``)."""
    address = settings.redis_url or redis_url(folder)
    ours = {variable_name("redis_url"): address, "TZ": "UTC"}

    def part(name: str, *words: str, stop_seconds: float = WORKER_STOP_SECONDS) -> Part:
        # Without -P a folder named calbridge where the command is given would be taken for the program.
        return Part(name, [sys.executable, "-P", "-m", "calbridge", *words], ours, stop_seconds=stop_seconds)

    upgrade = Part("upgrade", [sys.executable, "-P", "-m", "calbridge", "db", "upgrade"], ours, once=True)
    return [
        *([] if settings.redis_url is not None else [[redis_part(folder)]]),
        [upgrade],
        # Two processes, of which one never takes long work.
        [part("worker", "worker", "--processes", "2")],
        [part("scheduler", "scheduler")],
        [part("api", "api", stop_seconds=API_STOP_SECONDS)],
    ]


def _folder(settings: Settings) -> Path:
    folder = settings.data_dir / FOLDER
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    except OSError as error:
        name = variable_name("data_dir")
        raise SettingsInvalid(f"{name}: the folder can't be made: {error.strerror}") from error
    return folder.resolve()
