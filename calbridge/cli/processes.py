"""The processes that do the work of an installation: workers, and schedulers that tell them what is due."""

from __future__ import annotations

import click

from calbridge.cli.session import Session
from calbridge.cli.staying import stay
from calbridge.cli.verbs import verb


@verb(None, "worker", "worker --processes 4", "worker --queues realtime,webhooks,default", tenant=False)
@click.option("--queues", help="The queues to serve, separated by commas: realtime, webhooks, default, bulk.")
@click.option("--processes", type=click.IntRange(1, 64), default=2, show_default=True, help="How many processes.")
def worker(session: Session, queues: str | None, processes: int) -> None:
    """Carry out what is due, until SIGTERM or SIGINT; runs are then cut at the next page and go on elsewhere.

    Without --queues all are served, but of several processes the first never takes long work (bulk). Somebody must
    always serve bulk, too. Needs CALBRIDGE_REDIS_URL. Logs JSON lines.
    """
    from calbridge.jobs.queues import chosen
    from calbridge.jobs.worker import WorkerParent, shares

    stay(session)
    WorkerParent(session.settings, shares(processes, chosen(queues))).run()


@verb(None, "scheduler", "scheduler", tenant=False)
def scheduler(session: Session) -> None:
    """Find what is due and let the workers know, until SIGTERM or SIGINT. Any number of schedulers may run.

    Needs CALBRIDGE_REDIS_URL. Logs JSON lines.
    """
    from calbridge.jobs.scheduler import run_scheduler

    stay(session)
    run_scheduler(session.parts)
