"""The rest of a page: the integration's places, its user's other integrations, keys, and the log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property, lru_cache

from sqlalchemy import Connection, Text, bindparam, func, select, type_coerce, update

from calbridge.domain.options import Options
from calbridge.domain.settings_json import settings_in
from calbridge.errors import Refused
from calbridge.store import codec
from calbridge.store.bulk import add_rows, put_rows
from calbridge.store.changes import Changes, integrations_of
from calbridge.store.columns import digest
from calbridge.store.sql import among, kept
from calbridge.store.tables import deletions, integrations, keys, known, links, logs, runs, tenants, users
from calbridge.sync.memory import STOOD_ASIDE, Direction, Integration, KeyOwner, LogEntry

DELETE_ACTION = "delete"
"""The log's word for an executed deletion: what the guard counts (SYNC D8)."""
_PLACES = (
    "cursor", "checkpoint", "mark", "baselined", "projected", "leave_confirmed", "compared_at",
    "confirmed_retrieve_until", "confirmed_send_until",
)  # fmt: skip


# Built once: every page of a run begins with it.
_INTEGRATION = (
    select(
        *(integrations.c[name] for name in ("id", "user_id", "calendar_id", "active", *_PLACES)),
        type_coerce(integrations.c.settings, Text).label("settings"),
        type_coerce(tenants.c.settings, Text).label("tenant_settings"),
        users.c.time_zone,
    )
    .join(users, (users.c.tenant_id == integrations.c.tenant_id) & (users.c.id == integrations.c.user_id))
    .join(tenants, tenants.c.id == integrations.c.tenant_id)
    .where(
        integrations.c.tenant_id == bindparam("tenant"),
        integrations.c.id == bindparam("integration"),
        integrations.c.deleted_at.is_(None),
    )
)
_LINKED = select(links.c.uid).where(
    links.c.tenant_id == bindparam("b_tenant"),
    among(links.c.integration_id, "b_others"),
    among(links.c.uid_hash, "b_keys"),
    kept(links.c.live.is_(True)),
)
_KNOWING = (
    select(known.c.integration_id)
    .where(
        known.c.tenant_id == bindparam("b_tenant"),
        among(known.c.integration_id, "b_others"),
        known.c.uid_hash == bindparam("b_key"),
        known.c.state.in_(STOOD_ASIDE),
    )
    .distinct()
)
# Across tenants on purpose: an event that another tenant manages is left to it (SYNC C4).
_OWNERS = (
    select(keys, integrations.c.user_id, integrations.c.deleted_at)
    .join(integrations, (integrations.c.tenant_id == keys.c.tenant_id) & (integrations.c.id == keys.c.integration_id))
    .where(among(keys.c.key, "b_keys"))
)


def read_integration(connection: Connection, tenant: str, integration_id: str) -> Integration:
    """The state of an integration as a run sees it. :raises Refused: ``integration_not_found``."""
    row = connection.execute(_INTEGRATION, {"tenant": tenant, "integration": integration_id}).one_or_none()
    if row is None:
        raise Refused(code="integration_not_found", integration=integration_id)
    return Integration(
        id=row.id,
        tenant_id=tenant,
        user_id=row.user_id,
        calendar_id=row.calendar_id or "",
        options=_options(row.settings, row.tenant_settings),
        time_zone=row.time_zone,
        active=row.active,
        **{name: getattr(row, name) for name in _PLACES},
    )


@lru_cache(maxsize=256)
def _options(settings: str, tenant_settings: str) -> Options:
    """What two JSON texts say; every page of a run asks again."""
    return settings_in(json.loads(settings), json.loads(tenant_settings)).options


def save_places(changes: Changes, before: Integration, value: Integration) -> Integration:
    """Put the moved places among what is stored at the end; returns the state as it is then."""
    moved = {name: getattr(value, name) for name in _PLACES if getattr(value, name) != getattr(before, name)}
    if moved:
        changes.place(before.id, moved)
    return replace(before, **moved)


class Neighbours:
    """What other integrations know: of this user, and whose a stable key is."""

    def __init__(self, connection: Connection, state: Integration) -> None:
        self._connection = connection
        self._state = state
        self._owners: dict[str, KeyOwner | None] = {}
        self._linked: dict[str, bool] = {}
        self._new_keys: dict[str, str] = {}

    @cached_property
    def _others(self) -> list[str]:
        state = self._state
        return sorted(integrations_of(self._connection, state.tenant_id, state.user_id) - {state.id})

    def expect(self, uids: Sequence[str], markers: Sequence[str]) -> None:
        """Read in a few statements what will be asked."""
        new_uids = [uid for uid in dict.fromkeys(uids) if uid not in self._linked]
        if new_uids:
            found = self._linked_uids(new_uids)
            self._linked.update({uid: uid in found for uid in new_uids})
        new_markers = [marker for marker in dict.fromkeys(markers) if marker not in self._owners]
        if new_markers:
            owners = self._read_owners(new_markers)
            self._owners.update({marker: owners.get(marker) for marker in new_markers})

    def linked(self, uid: str) -> bool:
        """Whether another live integration of this user has a live link with this uid."""
        self.expect([uid], ())
        return self._linked[uid]

    def key_owner(self, marker: str) -> KeyOwner | None:
        """Whose key this is, of any tenant; None when this installation never made it."""
        self.expect((), [marker])
        return self._owners[marker]

    def keep_key(self, key: str, item_id: str) -> None:
        """Remember a key of this integration."""
        self._new_keys[key] = item_id
        self._owners[key] = KeyOwner(self._state.id, item_id, live=True, same_user=True)

    def that_know(self, uid: str) -> list[str]:
        """Other integrations of this user with a known row of this uid."""
        if not self._others:
            return []
        asked = {"b_tenant": self._state.tenant_id, "b_others": self._others, "b_key": digest(uid)}
        return sorted(self._connection.scalars(_KNOWING, asked))

    def flush(self) -> None:
        """Write new keys."""
        place = {"tenant_id": self._state.tenant_id, "integration_id": self._state.id}
        put_rows(
            self._connection, keys, [place | {"key": key, "item_id": item} for key, item in self._new_keys.items()]
        )
        self._new_keys.clear()

    def _linked_uids(self, uids: Sequence[str]) -> set[str]:
        if not self._others:
            return set()
        asked = {"b_tenant": self._state.tenant_id, "b_others": self._others, "b_keys": [digest(uid) for uid in uids]}
        return {uid for uid in self._connection.scalars(_LINKED, asked) if uid is not None}

    def _read_owners(self, markers: Sequence[str]) -> dict[str, KeyOwner]:
        return {
            row.key: KeyOwner(
                row.integration_id,
                row.item_id,
                live=row.deleted_at is None,
                same_user=(row.tenant_id, row.user_id) == (self._state.tenant_id, self._state.user_id),
            )
            for row in self._connection.execute(_OWNERS, {"b_keys": markers})
        }


class RunLog:
    """The lines of a run's log; the run's counters and the guard's ledger follow from them."""

    def __init__(self, connection: Connection, tenant: str, integration_id: str, run_id: str | None) -> None:
        self._connection = connection
        self._place = {"tenant_id": tenant, "integration_id": integration_id}
        self._run_id = run_id
        self._entries: list[LogEntry] = []

    def add(self, entry: LogEntry) -> None:
        """Add a line."""
        self._entries.append(entry)

    def deletions(self, direction: Direction, since: datetime) -> int:
        """Deletions executed in this direction since then."""
        self.flush()
        query = (
            select(func.count())
            .select_from(deletions)
            .where(
                deletions.c.tenant_id == self._place["tenant_id"],
                deletions.c.integration_id == self._place["integration_id"],
                deletions.c.direction == direction.value,
                deletions.c.at >= since,
            )
        )
        return int(self._connection.execute(query).scalar_one())

    def forget_texts(self, item_id: str) -> None:
        """Erase titles and values from this integration's lines of an item whose text is hidden now (A9)."""
        self.flush()
        here = [logs.c[name] == value for name, value in self._place.items()]
        emptied = {"title": None, "changes": codec.changes_out({}), "stripped": True}
        self._connection.execute(update(logs).where(*here, logs.c.item_id == item_id).values(emptied))

    def flush(self) -> None:
        """Write what is collected."""
        if not self._entries:
            return
        add_rows(self._connection, logs, [self._row(entry) for entry in self._entries])
        executed = [entry for entry in self._entries if entry.action == DELETE_ACTION]
        if executed:
            rows = [{**self._place, "direction": each.direction.value, "at": each.at} for each in executed]
            add_rows(self._connection, deletions, rows)
        self._count(self._entries)
        self._entries.clear()

    def _row(self, entry: LogEntry) -> dict[str, object]:
        return self._place | {
            "run_id": self._run_id,
            "at": entry.at,
            "action": entry.action,
            "direction": entry.direction.value,
            "item_id": entry.item_id,
            "link_id": entry.link_id,
            "remote_id": entry.remote_id,
            "code": entry.code,
            "title": entry.title,
            "changes": codec.changes_out(entry.changes),
            "stripped": entry.title is None and not entry.changes,
        }

    def _count(self, entries: Collection[LogEntry]) -> None:
        here = (runs.c.tenant_id == self._place["tenant_id"], runs.c.id == self._run_id)
        before = self._connection.scalar(select(runs.c.counters).where(*here).with_for_update())
        if before is None:
            return
        added = Counter(f"{entry.direction.value}_{entry.action}" for entry in entries)
        counters = dict(Counter(before) + added)
        self._connection.execute(update(runs).where(*here).values(counters=counters))
