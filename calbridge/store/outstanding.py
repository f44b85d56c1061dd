"""What kinds of work the rows of an integration have, as one question: every run asks it, most of them for nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BindParameter, Connection, bindparam, exists, literal_column, or_, select

from calbridge.store.columns import Instant
from calbridge.store.tables import intents, known, links
from calbridge.sync.memory import Outstanding

_TENANT: BindParameter[str] = bindparam("b_tenant")
_INTEGRATION: BindParameter[str] = bindparam("b_integration")
_LINKS = (links.c.tenant_id == _TENANT, links.c.integration_id == _INTEGRATION)
_KNOWN = (known.c.tenant_id == _TENANT, known.c.integration_id == _INTEGRATION)
BUSY = exists().where(
    intents.c.tenant_id == links.c.tenant_id,
    intents.c.integration_id == links.c.integration_id,
    intents.c.link_id == links.c.id,
)
READY = or_(links.c.retry_at.is_(None), links.c.retry_at <= bindparam("b_now", type_=Instant))
AWAITED = links.c.reason == literal_column("'confirmation_needed'")
_ASKED = select(
    exists().where(*_LINKS, links.c.work, READY, ~BUSY).label("to_do"),
    exists().where(*_KNOWN, known.c.recheck).label("to_recheck"),
    exists().where(*_LINKS, links.c.gone_at.is_not(None)).label("gone"),
    # In its order, because SQLite would else choose an index that leads through all links.
    select(links.c.id)
    .where(*_LINKS, AWAITED)
    .order_by(links.c.id)
    .limit(1)
    .scalar_subquery()
    .is_not(None)
    .label("waiting"),
)


def read_outstanding(connection: Connection, tenant: str, integration_id: str, now: datetime) -> Outstanding:
    """See :meth:`calbridge.sync.ports.Page.outstanding`; what a page still keeps back is not seen."""
    asked = {"b_tenant": tenant, "b_integration": integration_id, "b_now": now}
    return Outstanding(*connection.execute(_ASKED, asked).one())
