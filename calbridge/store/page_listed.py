"""What a listing named before it was cut (SYNC D13): as one value, since it is read whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Set

from sqlalchemy import Connection, delete, insert, select

from calbridge.store.sql import within
from calbridge.store.tables import listings
from calbridge.sync.memory import Integration


def keep_listed(connection: Connection, state: Integration, remote_ids: Set[str] | None) -> None:
    """Keep addresses for the checkpoint of ``state``, in the place of earlier ones; None forgets them."""
    place = {"tenant_id": state.tenant_id, "integration_id": state.id}
    connection.execute(delete(listings).where(*within(listings, place)))
    if remote_ids is not None and state.checkpoint is not None:
        addresses = json.dumps(sorted(remote_ids)).encode("ascii")
        connection.execute(insert(listings).values(**place, checkpoint=state.checkpoint, addresses=addresses))


def read_listed(connection: Connection, state: Integration) -> set[str] | None:
    """The addresses that were kept for the checkpoint of ``state``."""
    place = {"tenant_id": state.tenant_id, "integration_id": state.id}
    row = connection.execute(select(listings).where(*within(listings, place))).one_or_none()
    if row is None or row.checkpoint != state.checkpoint:
        return None
    return set(json.loads(row.addresses))
