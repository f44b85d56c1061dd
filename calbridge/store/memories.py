"""Links and known rows outside of runs: to be listed, and changed by a person's decision."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from calbridge.domain.event import Editable
from calbridge.store.codec import editable_in
from calbridge.store.columns import digest
from calbridge.store.rows import known_in, known_out, link_in, link_out
from calbridge.store.sql import among, kept
from calbridge.store.tables import integrations, known, links
from calbridge.sync.memory import Known, KnownState, Link, LinkState, MadeBy


@dataclass(frozen=True, slots=True)
class LinkOutline:
    """What is shown of a link with its item: none of its memories."""

    id: str
    item_id: str
    state: LinkState
    made_by: MadeBy
    editable: Editable
    live: bool
    reason: str | None
    since: datetime | None
    remote_id: str | None
    web_link: str | None
    synced_version: int


_SHOWN = ("id", "item_id", "state", "made_by", "editable", "live")
_TOLD = ("reason", "since", "remote_id", "web_link", "synced_version")
_OWNER = (integrations.c.tenant_id == links.c.tenant_id) & (integrations.c.id == links.c.integration_id)
# Built once: every look at an item asks it.
_OF_ITEMS = (
    select(links.c.integration_id, *(links.c[name] for name in (*_SHOWN, *_TOLD)))
    .join(integrations, _OWNER)
    .where(
        links.c.tenant_id == bindparam("b_tenant"),
        among(links.c.item_id, "b_items"),
        integrations.c.deleted_at.is_(None),
    )
    .order_by(kept(links.c.integration_id), links.c.born)
)


class Memories:
    """Rows of one tenant. Whoever changes them holds the integration's lease, or makes the change a run's task."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

    def links(
        self,
        integration_id: str,
        *,
        states: Collection[LinkState] | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> list[Link]:
        """Links of an integration in the order of their ids."""
        query = select(links).where(*self._here(links, integration_id))
        if states is not None:
            query = query.where(links.c.state.in_(sorted(each.value for each in states)))
        if after is not None:
            query = query.where(links.c.id > after)
        return [link_in(row) for row in self._connection.execute(query.order_by(links.c.id).limit(limit))]

    def link_of(self, integration_id: str, item_id: str) -> Link | None:
        """The newest link of an item that is not closed, else the newest."""
        query = select(links).where(*self._here(links, integration_id), links.c.item_id == item_id)
        order = ((links.c.state == LinkState.CLOSED.value).asc(), links.c.born.desc())
        row = self._connection.execute(query.order_by(*order).limit(1)).one_or_none()
        return None if row is None else link_in(row)

    def links_of_item(self, item_id: str) -> list[tuple[str, LinkOutline]]:
        """All links of an item with their integrations, which were not deleted."""
        return self.links_of_items([item_id]).get(item_id, [])

    def links_of_items(self, item_ids: Sequence[str]) -> dict[str, list[tuple[str, LinkOutline]]]:
        """All links of each item that has some, with their integrations, which were not deleted."""
        found: dict[str, list[tuple[str, LinkOutline]]] = {}
        for integration_id, link in self._of_items(item_ids) if item_ids else ():
            found.setdefault(link.item_id, []).append((integration_id, link))
        return found

    def _of_items(self, item_ids: Sequence[str]) -> list[tuple[str, LinkOutline]]:
        asked = {"b_tenant": self._tenant, "b_items": list(item_ids)}
        return [
            (owner, LinkOutline(id, item_id, LinkState(state), MadeBy(made_by), editable_in(editable), live, *shown))
            for owner, id, item_id, state, made_by, editable, live, *shown in self._connection.execute(_OF_ITEMS, asked)
        ]

    def save_link(self, integration_id: str, link: Link) -> bool:
        """Store a link that exists; returns whether it did."""
        here = (*self._here(links, integration_id), links.c.id == link.id)
        return self._connection.execute(update(links).where(*here).values(link_out(link))).rowcount == 1

    def count_links(self, integration_id: str) -> dict[LinkState, int]:
        """How many links there are of each state."""
        query = select(links.c.state, func.count()).where(*self._here(links, integration_id)).group_by(links.c.state)
        return {LinkState(state): number for state, number in self._connection.execute(query)}

    def known(
        self,
        integration_id: str,
        *,
        states: Collection[KnownState] | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> list[Known]:
        """Known rows of an integration in the order of their remote ids."""
        query = select(known).where(*self._here(known, integration_id))
        if states is not None:
            query = query.where(known.c.state.in_(sorted(each.value for each in states)))
        if after is not None:
            query = query.where(known.c.remote_id > after)
        return [known_in(row) for row in self._connection.execute(query.order_by(known.c.remote_id).limit(limit))]

    def known_row(self, integration_id: str, known_id: str) -> Known | None:
        """One known row by :func:`known_id`."""
        here = (*self._here(known, integration_id), known.c.remote_hash == known_id)
        row = self._connection.execute(select(known).where(*here)).one_or_none()
        return None if row is None else known_in(row)

    def save_known(self, integration_id: str, row: Known) -> bool:
        """Store a known row that exists; returns whether it did."""
        here = (*self._here(known, integration_id), known.c.remote_hash == digest(row.remote_id))
        return self._connection.execute(update(known).where(*here).values(known_out(row))).rowcount == 1

    def forget_known(self, integration_id: str) -> int:
        """Forget all known rows: another calendar is linked."""
        return self._connection.execute(delete(known).where(*self._here(known, integration_id))).rowcount

    def _here(self, table: Any, integration_id: str) -> tuple[Any, ...]:
        return (table.c.tenant_id == self._tenant, table.c.integration_id == integration_id)


def known_id(row: Known) -> str:
    """The name of a known row in addresses: remote ids may be long and hold anything."""
    return digest(row.remote_id)
