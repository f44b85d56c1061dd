"""Time slots of regular duties: claimed once, however many schedulers there are (DESIGN: Jobs)."""

from __future__ import annotations

from sqlalchemy import Connection

from calbridge.store.sql import database_micros, upserting
from calbridge.store.tables import slots

_SECOND = 1_000_000


def claim(connection: Connection, name: str, seconds: float, owner: str) -> bool:
    """Whether this caller has the present slot of a duty that comes every so many seconds, by the database's clock."""
    slot = database_micros(connection) // int(seconds * _SECOND)
    statement = upserting(connection, slots).values({"name": name, "claimed": slot, "owner": owner})
    new = statement.excluded
    claimed = statement.on_conflict_do_update(
        index_elements=["name"],
        set_={"claimed": new.claimed, "owner": new.owner},
        where=slots.c.claimed < new.claimed,
    ).returning(slots.c.name)
    return connection.execute(claimed).first() is not None
