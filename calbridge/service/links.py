"""Pairs, and what a person can decide about one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from calbridge.domain.content import Content
from calbridge.domain.item import Item
from calbridge.errors import Refused
from calbridge.service.leasing import leased, leased_store
from calbridge.service.parts import Parts
from calbridge.service.values import choice
from calbridge.service.views_pairs import LinkView
from calbridge.sync.context import unit_text
from calbridge.sync.memory import Link, LinkState
from calbridge.sync.ports import Page

WRONG_STATE = "link_not_in_that_state"


def list_links(
    parts: Parts,
    tenant: str,
    integration_id: str,
    *,
    state: str | None = None,
    limit: int = 200,
    after: str | None = None,
) -> list[LinkView]:
    """Links in a stable order; ``after`` is the ``item_id`` of the last one seen. Raises Refused."""
    states = None if state is None else [LinkState(choice(state, "state", list(LinkState)))]
    with parts.database.read(tenant) as work:
        integration = work.integrations.require(integration_id)
        last = work.memories.link_of(integration_id, after) if after is not None else None
        found = work.memories.links(integration_id, states=states, after=last.id if last else None, limit=limit)
        items = work.items.many(integration.user_id, [link.item_id for link in found])
        return [_view(integration_id, link, items.get(link.item_id)) for link in found]


def act_on_link(parts: Parts, tenant: str, integration_id: str, item_id: str, action: str) -> LinkView:
    """``reopen``, ``apply_withheld``, ``consent``, ``thaw`` or ``retry``; the next run carries it out.

    Raises Refused (``integration_not_found``, ``item_not_found``, ``integration_running``,
    ``link_not_in_that_state``).
    """
    act = ACTIONS[choice(action, "action", list(ACTIONS))]
    with parts.database.read(tenant) as work:
        work.integrations.require(integration_id)
        found = work.memories.link_of(integration_id, item_id)
    if found is None:
        raise Refused(code="item_not_found", item=item_id)
    with leased(parts, tenant, integration_id) as lease, leased_store(parts, lease).page() as page:
        link = page.links([found.id]).get(found.id)
        if link is None:
            raise Refused(code=WRONG_STATE, state="none")
        act(page, link)
    return _told(parts, tenant, integration_id, item_id, found)


def _told(parts: Parts, tenant: str, integration_id: str, item_id: str, before: Link) -> LinkView:
    """Make it due, and show where it stands now."""
    with parts.database.write(tenant) as work:
        work.raise_due(integration_id)
        integration = work.integrations.require(integration_id)
        link = work.memories.link_of(integration_id, item_id)
        item = work.items.get(integration.user_id, item_id)
    parts.dispatch(tenant, work)
    # A re-opened link is made anew by the run.
    return _view(integration_id, link or replace(before, state=LinkState.PENDING, reason="reopened"), item)


def _reopen(page: Page, link: Link) -> None:
    """B4: what is deleted there is made again, and what is there is retrieved or adopted again."""
    if link.state is not LinkState.CLOSED:
        raise Refused(code=WRONG_STATE, state=link.state.value)
    item = page.item(link.item_id)
    page.drop_link(link.id)
    if item is not None and not item.deleted:
        fresh = Link(link.id, item.id, since=None, generation=link.generation + 1, work=True, reason="reopened")
        page.put_link(replace(fresh, old_uids=link.old_uids | ({link.uid} if link.uid else frozenset())))


def _apply_withheld(page: Page, link: Link) -> None:
    """The withheld units count as changed there, so the next look takes them."""
    if not link.withheld:
        raise Refused(code=WRONG_STATE, state=link.state.value)
    kept = {unit: value for unit, value in link.shown.units.items() if unit not in link.withheld}
    page.put_link(replace(link, shown=Content(kept), withheld=frozenset(), seen_version=None, work=True, reread=True))


def _consent(page: Page, link: Link) -> None:
    if link.state is not LinkState.WOULD_MAIL:
        raise Refused(code=WRONG_STATE, state=link.state.value)
    page.put_link(replace(link, consent=True, work=True))


def _thaw(page: Page, link: Link) -> None:
    if link.state is not LinkState.FROZEN:
        raise Refused(code=WRONG_STATE, state=link.state.value)
    page.put_link(replace(link, state=LinkState.PENDING, reason=None, undone=(), work=True))


def _retry(page: Page, link: Link) -> None:
    if link.state is not LinkState.FAILED:
        raise Refused(code=WRONG_STATE, state=link.state.value)
    page.put_link(replace(link, retry_at=None, tries=0, work=True, seen_version=None))


ACTIONS: Mapping[str, Callable[[Page, Link], None]] = {
    "reopen": _reopen,
    "apply_withheld": _apply_withheld,
    "consent": _consent,
    "thaw": _thaw,
    "retry": _retry,
}


def _view(integration_id: str, link: Link, item: Item | None) -> LinkView:
    return LinkView(
        integration_id=integration_id,
        item_id=link.item_id,
        state=link.state.value,
        reason=link.reason,
        since=link.since,
        remote_id=link.remote_id,
        web_link=link.web_link,
        synced_version=link.synced_version,
        made_by=link.made_by.value,
        title=item.content.title or None if item is not None else None,
        withheld=tuple(sorted(unit_text(unit) for unit in link.withheld)),
    )
