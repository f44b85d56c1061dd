"""The change feed, read (SYNC E3)."""

from __future__ import annotations

import json

from sqlalchemy import Connection, Text, func, select, type_coerce

from calbridge.store.changes import Change
from calbridge.store.tables import changes


def changes_after(
    connection: Connection,
    tenant: str,
    seq: int,
    limit: int,
    user_id: str | None = None,
    but_key: str | None = None,
) -> list[Change]:
    """The feed after a place, in order; a reader that goes on from the last ``seq`` misses nothing.

    ``user_id``: of one user only; ``but_key``: without what this key wrote.
    """
    query = select(changes).where(changes.c.tenant_id == tenant, changes.c.seq > seq)
    if user_id is not None:
        query = query.where(changes.c.user_id == user_id)
    if but_key is not None:
        # As the source is stored. REPLACE minds upper and lower case on both databases, LIKE does not.
        told = f'"key":{json.dumps(but_key)}'
        source = type_coerce(changes.c.source, Text)
        query = query.where(func.replace(source, told, "") == source)
    return [
        Change(row.seq, row.user_id, row.item_id, row.op, row.version, tuple(row.changed_fields), row.source, row.at)
        for row in connection.execute(query.order_by(changes.c.seq).limit(limit))
    ]
