"""What kinds of work the rows of an integration have, as one question: every run asks it, most of them for nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from calbridge.store.page_known import TO_RECHECK
from calbridge.store.page_links import GONE, TO_DO, WAITING
from calbridge.store.tables import known, links
from calbridge.sync.memory import Outstanding


def _any(question: Select[Any], key: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a question finds anything, by the index that it is answered by: EXISTS would forget its order, without
    which SQLite may choose an index that leads through everything."""
    return question.with_only_columns(key).limit(1).scalar_subquery().is_not(None)


_ASKED = select(
    _any(TO_DO, links.c.id).label("to_do"),
    _any(TO_RECHECK, known.c.remote_hash).label("to_recheck"),
    _any(GONE, links.c.id).label("gone"),
    _any(WAITING, links.c.id).label("waiting"),
)


def read_outstanding(connection: Connection, tenant: str, integration_id: str, now: datetime) -> Outstanding:
    """See :meth:`calbridge.sync.ports.Page.outstanding`; what a page still keeps back is not seen."""
    asked = {"b_tenant": tenant, "b_integration": integration_id, "b_now": now}
    return Outstanding(*connection.execute(_ASKED, asked).one())
