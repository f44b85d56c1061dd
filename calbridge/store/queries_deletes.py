"""The guard over a tenant's own deletions (SYNC D8)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from calbridge.errors import Refused
from calbridge.store.tables import changes, links
from calbridge.store.work import Work

LEAST, SHARE = 50, 0.2
WITHIN = timedelta(hours=1)
DOORS = frozenset({"api", "page", "cli"})


def refuse_many_deletes(work: Work) -> None:
    """Refuse one more deletion of a linked item beyond max(50, 20 % of the tenant's linked items) in an hour.

    :raises Refused: ``confirmation_needed``, until an administrator confirms once.
    """
    if deletes_left(work, 1) < 1:
        raise Refused(code="confirmation_needed")


def deletes_left(work: Work, wanted: int) -> int:
    """How many of so many more deletions the tenant may make without an administrator's word."""
    if wanted == 0:
        return 0
    until = work.settings.get().deletes_confirmed_until
    if until is not None and until > work.now:
        return wanted
    query = select(changes.c.source).where(
        changes.c.tenant_id == work.tenant, changes.c.op == "delete", changes.c.at > work.now - WITHIN
    )
    deleted = sum(1 for source in work.connection.scalars(query) if source.get("door") in DOORS)
    if deleted + wanted <= LEAST:
        return wanted
    linked = work.connection.scalar(
        select(func.count(links.c.item_id.distinct())).where(links.c.tenant_id == work.tenant, links.c.live.is_(True))
    )
    # Those of the last hour still counted when the hour began.
    return max(0, min(wanted, max(LEAST, int(SHARE * (int(linked or 0) + deleted))) - deleted))
