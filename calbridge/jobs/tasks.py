"""What a job may do: ids in, one call to the service. Safe to run twice, since the database decides what is due.

A worker sets :data:`_here` after its fork; nothing else of this module holds a state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from calbridge.jobs.queues import QueueName, Queues, deliver_call
from calbridge.log import get_logger
from calbridge.service import deliveries
from calbridge.service.parts import Parts
from calbridge.service.recoveries import probe as probe_integration
from calbridge.service.requests import carry_out
from calbridge.service.tick import SLICE_SECONDS

DELIVERY_SECONDS = 30.0
"""For one webhook at a time; what is left comes again."""
log = get_logger(__name__)


class Here:
    """The process that works: its parts, its queues, and whether it was asked to stop."""

    def __init__(self, parts: Parts, queues: Queues) -> None:
        self.parts = parts
        self.queues = queues
        self.stopping = False

    def stop(self) -> bool:
        """Whether a run is to yield at its next page."""
        return self.stopping


_here: list[Here] = []


def work_here(here: Here) -> None:
    """Jobs of this process work with these parts from now on."""
    _here[:] = [here]


def sync(queue: str, tenant: str, integration_id: str) -> None:
    """Carry out what an integration has to do, for one slice."""
    here = _here[0]
    carry_out(here.parts, tenant, integration_id, budget_seconds=SLICE_SECONDS, stop=here.stop)


def probe(queue: str, tenant: str, integration_id: str) -> None:
    """Look whether an outage is over."""
    probe_integration(_here[0].parts, tenant, integration_id)


def deliver(queue: str, tenant: str, webhook_id: str) -> None:
    """Send what a webhook is still to be told."""
    deliveries.deliver(_here[0].parts, tenant, webhook_id, budget_seconds=DELIVERY_SECONDS)


def deliver_all(queue: str, tenant: str) -> None:
    """Have every webhook of a tenant told what it is still to be told."""
    here = _here[0]
    for owner, webhook_id in deliveries.webhooks_due(here.parts):
        if owner == tenant:
            here.queues.put(QueueName.WEBHOOKS, deliver_call(tenant, webhook_id))


TASKS: Mapping[str, Callable[..., None]] = MappingProxyType(
    {f"{__name__}.{task.__name__}": task for task in (sync, probe, deliver, deliver_all)}
)
"""The allow-list: a job that names anything else is dropped."""
