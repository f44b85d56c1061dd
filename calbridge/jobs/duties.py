"""What the scheduler does, and how often. Each duty is short: it asks the database and enqueues, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from calbridge.jobs.admission import Admission, Admitted
from calbridge.jobs.queues import BULK, DEFAULT, REALTIME, WEBHOOKS
from calbridge.log import get_logger
from calbridge.service.deliveries import webhooks_due
from calbridge.service.notices import notices_due
from calbridge.service.parts import Parts
from calbridge.service.recoveries import cut_off_now, resume_lost
from calbridge.service.revoking import revocations_due
from calbridge.service.sweeping import due_now
from calbridge.service.watching import watches_due
from calbridge.store.sweep import Due

log = get_logger(__name__)


@dataclass(frozen=True)
class Tools:
    """What duties work with. Enqueueing may raise RedisUnusable: the next turn comes."""

    parts: Parts
    admission: Admission


@dataclass(frozen=True)
class Duty:
    """``every``: seconds of the slots of which each is claimed by one scheduler."""

    name: str
    every: float
    act: Callable[[Tools], None]


def sweep(tools: Tools) -> None:
    """Let in what is due, tenants in turn, until the queues are full."""
    full: set[str] = set()
    enough: set[tuple[str, str]] = set()
    let_in = 0
    due = due_now(tools.parts)
    for each in due:
        queue = _queue(each)
        if queue in full or (queue, each.tenant_id) in enough:
            continue
        job_id = f"sync_{each.integration_id}_{each.due_no}"
        ids = (each.tenant_id, each.integration_id)
        match tools.admission.admit(queue, each.tenant_id, each.integration_id, job_id, "sync", *ids):
            case Admitted.FULL:
                full.add(queue)
            case Admitted.ENOUGH:
                enough.add((queue, each.tenant_id))
            case Admitted.YES:
                let_in += 1
    if let_in:
        log.debug("swept", due=len(due), let_in=let_in)


def _queue(due: Due) -> str:
    return BULK if due.bulk else DEFAULT if due.polled else REALTIME


def resume(tools: Tools) -> None:
    """Runs whose process died go on."""
    if resumed := resume_lost(tools.parts):
        log.warning("runs_resumed", count=resumed)


def recover(tools: Tools) -> None:
    """Look whether outages are over."""
    for tenant, integration_id in cut_off_now(tools.parts):
        member = f"probe-{integration_id}"
        tools.admission.admit(DEFAULT, tenant, member, f"probe_{integration_id}", "probe", tenant, integration_id)


def watch(tools: Tools) -> None:
    """Have push subscriptions looked after that are new, old, or not wanted any more."""
    for tenant, integration_id in watches_due(tools.parts):
        member = f"watch-{integration_id}"
        tools.admission.admit(DEFAULT, tenant, member, f"watch_{integration_id}", "watch", tenant, integration_id)


def deliveries(tools: Tools) -> None:
    """Have webhooks told what they are still to be told."""
    for tenant, webhook_id in webhooks_due(tools.parts):
        tools.admission.admit(WEBHOOKS, tenant, webhook_id, f"deliver_{webhook_id}", "deliver", tenant, webhook_id)


def mail(tools: Tools) -> None:
    """Have administrators told of outages and of their end."""
    if notices_due(tools.parts):
        tools.admission.admit(WEBHOOKS, "", "mail", "mail", "mail")


def revoke(tools: Tools) -> None:
    """Have grants ended that nobody uses any more."""
    for tenant, revocation_id in revocations_due(tools.parts):
        job_id = f"revoke_{revocation_id}"
        tools.admission.admit(DEFAULT, tenant, revocation_id, job_id, "revoke", tenant, revocation_id)


def forget(tools: Tools) -> None:
    """Forget what is too old."""
    tools.admission.admit(BULK, "", "forget", "forget", "forget")


DUTIES = (
    Duty("sweep", 1.0, sweep),
    Duty("deliveries", 1.0, deliveries),
    Duty("mail", 5.0, mail),
    Duty("resume", 2.0, resume),
    Duty("watch", 5.0, watch),
    Duty("recover", 30.0, recover),
    Duty("revoke", 5.0, revoke),
    Duty("forget", 3600.0, forget),
)
