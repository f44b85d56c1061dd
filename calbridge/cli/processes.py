"""Verbs for the parts of the service that work in the background."""

from __future__ import annotations

import signal
from types import FrameType

import click

from calbridge.cli.session import Session
from calbridge.cli.verbs import verb
from calbridge.errors import SettingsInvalid

QUEUES = ("realtime", "default", "webhooks", "bulk")


@verb(None, "worker", "worker", "worker --queues realtime,default,webhooks", tenant=False)
@click.option(
    "--queues",
    default=",".join(QUEUES),
    show_default=True,
    metavar="NAMES",
    help="Queues it serves, strictly in this order. At least one worker must leave bulk out.",
)
@click.option("--burst", is_flag=True, help="End when no job waits.")
def worker(session: Session, queues: str, burst: bool) -> None:
    """Carry out jobs until SIGTERM or Ctrl-C. Needs a Redis."""
    from calbridge.jobs.queues import QueueName
    from calbridge.jobs.worker import work

    names = [name.strip() for name in queues.split(",") if name.strip()]
    unknown = sorted(set(names) - set(QUEUES))
    if unknown or not names:
        raise click.BadParameter(f"choose among {', '.join(QUEUES)}", param_hint="--queues")
    _needs_redis(session)
    session.load_connectors()
    work(session.parts, [QueueName(name) for name in names], burst=burst)


@verb(None, "scheduler", "scheduler", tenant=False)
def scheduler(session: Session) -> None:
    """Find what is due, until SIGTERM or Ctrl-C. Any number of them may run. Needs a Redis."""
    from calbridge.jobs.scheduler import make_scheduler

    _needs_redis(session)
    made = make_scheduler(session.parts)

    def stop(number: int, frame: FrameType | None) -> None:
        made.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    made.run()


def _needs_redis(session: Session) -> None:
    if session.settings.redis_url is None:
        raise SettingsInvalid("CALBRIDGE_REDIS_URL must name the Redis that carries the jobs", code="redis_missing")
