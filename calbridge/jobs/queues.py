"""The queues, and the jobs in them: data in JSON, functions from a list, nothing kept afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from calbridge.errors import SettingsInvalid

REALTIME, WEBHOOKS, DEFAULT, BULK = "realtime", "webhooks", "default", "bulk"
ALL = (REALTIME, WEBHOOKS, DEFAULT, BULK)
"""In the order in which a worker serves them."""
SHORT = ALL[:-1]
"""What a worker serves that never takes long work."""
PLACE = "calbridge.jobs.tasks."
TASKS = frozenset({"sync", "probe", "watch", "deliver", "deliver_all", "forget", "mail", "revoke"})
"""Names of the functions that a job may name; whoever writes to Redis shall not choose others."""
NO_LIMIT = -1
"""RQ would interrupt a job anywhere, also between a call and the memory of it; the worker's parent ends it instead."""


class TaskUnknown(Exception):
    """A job names a function that is not on the list."""


class TaskJob(Job):
    """A job that runs only what is on the list, with texts as arguments, and calls nobody back."""

    def restore(self, raw_data: Any) -> Any:
        """Read a job from Redis without what could make it do more."""
        restored = super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []
        return restored

    @property
    def func(self) -> Any:
        """The function. Raises TaskUnknown."""
        from calbridge.jobs import tasks

        name = str(self.func_name)
        given = [*self.args, *self.kwargs.values()]
        if self.instance or not name.startswith(PLACE) or name.removeprefix(PLACE) not in TASKS:
            raise TaskUnknown(name)
        if not all(isinstance(each, str) for each in given):
            raise TaskUnknown(f"{name}: arguments are texts")
        return getattr(tasks, name.removeprefix(PLACE))


def queue(name: str, redis: Redis) -> Queue:
    """A queue of this installation's Redis."""
    return Queue(name, connection=redis, serializer=JSONSerializer, job_class=TaskJob)


def new_job(redis: Redis, queue_name: str, job_id: str, task: str, *ids: str) -> Job:
    """A job that is not in a queue yet. An id may hold no colon (RQ)."""
    waiting = queue(queue_name, redis)
    return waiting.create_job(
        PLACE + task,
        args=ids,
        timeout=NO_LIMIT,
        result_ttl=0,
        failure_ttl=0,
        job_id=job_id.replace(":", "-"),
        description=task,
    )


def chosen(names: str | None) -> Sequence[str] | None:
    """The queues of ``--queues``, in our order; None where nothing is chosen. Raises SettingsInvalid."""
    if names is None:
        return None
    wanted = {name.strip() for name in names.split(",") if name.strip()}
    if not wanted or wanted - set(ALL):
        raise SettingsInvalid(f"queues are {', '.join(ALL)}")
    return [name for name in ALL if name in wanted]
