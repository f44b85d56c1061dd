"""The known rows and the intents of one integration within a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from datetime import datetime

from sqlalchemy import Connection, Select, bindparam, delete, select

from calbridge.store.bulk import put_rows
from calbridge.store.columns import digest
from calbridge.store.overlay import Overlay
from calbridge.store.rows import intent_in, intent_out, known_in, known_out
from calbridge.store.sql import among, batches, within
from calbridge.store.tables import intents, known
from calbridge.sync.memory import Intent, Known, KnownState

# Built once: every run asks them, most of them for nothing.
_HERE = (known.c.tenant_id == bindparam("b_tenant"), known.c.integration_id == bindparam("b_integration"))
_COLUMNS = {
    "id": known.c.remote_hash,
    "uid": known.c.uid_hash,
    "marker": known.c.marker_hash,
    "match": known.c.match,
}
_HAVING = {index: select(known).where(*_HERE, among(column, "b_keys")) for index, column in _COLUMNS.items()}
"""Questions by the keys of an index."""
_SOME = select(known).where(*_HERE).order_by(known.c.remote_id).limit(bindparam("b_limit"))
_TO_INDEX = _SOME.where(known.c.indexed.is_(False), known.c.state == bindparam("b_state", KnownState.KNOWN.value))
_REST = _SOME.where(known.c.remote_id > bindparam("b_after"))
_DUE = (known.c.recheck, known.c.retry_at <= bindparam("b_now"))
TO_RECHECK = _SOME.where(*_DUE)
_TO_RECHECK = _REST.where(*_DUE)
_ADDRESSES = select(known.c.remote_id).where(*_HERE)
_INTENTS = (
    select(intents)
    .where(intents.c.tenant_id == bindparam("b_tenant"), intents.c.integration_id == bindparam("b_integration"))
    .order_by(intents.c.born)
)


class KnownMemory:
    """See :class:`calbridge.sync.ports.Page`."""

    def __init__(self, connection: Connection, tenant: str, integration_id: str) -> None:
        self._connection = connection
        self._place = {"tenant_id": tenant, "integration_id": integration_id}
        self._bound = {"b_tenant": tenant, "b_integration": integration_id}
        self._rows: Overlay[Known] = Overlay(
            {
                "id": lambda row: (row.remote_id,),
                "uid": lambda row: (row.uid,) if row.uid else (),
                "marker": lambda row: (row.marker,) if row.marker else (),
                "match": lambda row: (row.match,) if row.match else (),
            },
            self._load,
            self._store,
            self._remove,
        )
        self.put = self._rows.put
        self.flush = self._rows.flush
        self.find = self._rows.find
        self.forget = self._rows.forget

    def known(self, remote_ids: Sequence[str]) -> dict[str, Known]:
        """Known rows by remote id."""
        return {row.remote_id: row for row in self._rows.find("id", remote_ids)}

    def matching(self, uid: str | None, match: str | None, marker: str | None) -> list[Known]:
        """Known rows with this uid, match or marker."""
        found = {
            row.remote_id: row
            for index, key in (("uid", uid), ("match", match), ("marker", marker))
            if key
            for row in self._rows.find(index, [key])
        }
        return [found[each] for each in sorted(found)]

    def to_index(self, limit: int) -> list[Known]:
        """Known rows whose body was never read."""
        return self._read(_TO_INDEX, b_limit=limit)

    def to_recheck(self, now: datetime, after: str | None, limit: int) -> list[Known]:
        """Known rows that must be decided now, ordered by remote id, after that id."""
        return self._read(_TO_RECHECK, b_now=now, b_after=after or "", b_limit=limit)

    def all(self, after: str | None, limit: int) -> list[Known]:
        """All known rows ordered by remote id, after that id."""
        return self._read(_REST, b_after=after or "", b_limit=limit)

    def not_at(self, remote_ids: Set[str]) -> list[str]:
        """Addresses of the known rows that are none of these."""
        self.flush()
        return sorted(each for each in self._connection.scalars(_ADDRESSES, self._bound) if each not in remote_ids)

    def drop(self, remote_ids: Sequence[str]) -> None:
        """Forget those of these that exist."""
        for row in self._rows.find("id", remote_ids):
            self._rows.drop(row.remote_id)

    def wake(self, uid: str) -> bool:
        """Rows with this uid that stood aside are decided again; whether there is one."""
        rows = [row for row in self._rows.find("uid", [uid]) if row.stood_aside]
        for row in rows:
            self._rows.put(row.again())
        return bool(rows)

    def _read(self, query: Select[tuple[object, ...]], **asked: object) -> list[Known]:
        self.flush()
        rows = self._connection.execute(query, self._bound | asked).all()
        return [self._rows.seen(known_in(row)) for row in rows]

    def _load(self, index: str, keys: Sequence[str]) -> Iterable[Known]:
        asked = list(keys) if index == "match" else [digest(key) for key in keys]
        yield from map(known_in, self._connection.execute(_HAVING[index], self._bound | {"b_keys": asked}))

    def _store(self, changed: Sequence[Known]) -> None:
        put_rows(self._connection, known, [self._place | known_out(row) for row in changed])

    def _remove(self, remote_ids: Sequence[str]) -> None:
        for some in batches([digest(each) for each in remote_ids]):
            self._connection.execute(delete(known).where(*within(known, self._place), known.c.remote_hash.in_(some)))


class IntentMemory:
    """The open steps, all in memory: there are never more than a batch of writes makes."""

    def __init__(self, connection: Connection, tenant: str, integration_id: str, number: Callable[[], int]) -> None:
        self._connection = connection
        self._place = {"tenant_id": tenant, "integration_id": integration_id}
        self._bound = {"b_tenant": tenant, "b_integration": integration_id}
        self._number = number
        self._open: dict[str, Intent] | None = None
        self._born: dict[str, int] = {}
        self._new: dict[str, None] = {}
        self._dropped: dict[str, None] = {}

    def all(self) -> list[Intent]:
        """Open intents in the order they were made."""
        return list(self._read().values())

    def put(self, intent: Intent) -> None:
        """Store a step."""
        self._read()[intent.id] = intent
        self._born.setdefault(intent.id, self._number())
        self._dropped.pop(intent.id, None)
        self._new[intent.id] = None

    def drop(self, intent_id: str) -> None:
        """Forget a step."""
        if self._read().pop(intent_id, None) is not None:
            self._new.pop(intent_id, None)
            self._dropped[intent_id] = None

    def drop_of(self, link_id: str) -> None:
        """Forget the steps of a link."""
        for intent in [each for each in self.all() if each.link_id == link_id]:
            self.drop(intent.id)

    def flush(self) -> None:
        """Write what is collected."""
        for some in batches(list(self._dropped)):
            self._connection.execute(delete(intents).where(*within(intents, self._place), intents.c.id.in_(some)))
        rows = [self._place | intent_out(self._read()[each]) | {"born": self._born[each]} for each in self._new]
        put_rows(self._connection, intents, rows, frozenset({"born"}))
        self._dropped.clear()
        self._new.clear()

    def _read(self) -> dict[str, Intent]:
        if self._open is None:
            self._open = {}
            for row in self._connection.execute(_INTENTS, self._bound).all():
                self._open[row.id] = intent_in(row)
                self._born[row.id] = row.born
        return self._open
