"""Events of the linked calendar without a link, and what a person can decide about one of them."""

from __future__ import annotations

from dataclasses import replace

from calbridge.connectors.contract import Seen
from calbridge.errors import Refused
from calbridge.service.leasing import LeasedStore, leased, leased_store
from calbridge.service.opening import opened, usable_account
from calbridge.service.parts import Parts
from calbridge.service.sync import refuse_idle
from calbridge.service.values import choice
from calbridge.service.views_pairs import KnownView
from calbridge.store.integrations import StoredIntegration
from calbridge.store.memories import known_id
from calbridge.sync import linking
from calbridge.sync.memory import Known, KnownState

ACTIONS = frozenset({"link", "retrieve", "ignore"})


def list_known(
    parts: Parts,
    tenant: str,
    integration_id: str,
    *,
    state: str | None = None,
    limit: int = 200,
    after: str | None = None,
) -> list[KnownView]:
    """Known rows in a stable order, after the row with the id ``after``. Raises Refused."""
    states = None if state is None else [KnownState(choice(state, "state", list(KnownState)))]
    with parts.database.read(tenant) as work:
        work.integrations.require(integration_id)
        last = work.memories.known_row(integration_id, after) if after is not None else None
        place = last.remote_id if last is not None else None
        return [
            _view(integration_id, row)
            for row in work.memories.known(integration_id, states=states, after=place, limit=limit)
        ]


def act_on_known(
    parts: Parts, tenant: str, integration_id: str, known_row_id: str, action: str, *, item_id: str | None = None
) -> KnownView:
    """``link`` it to an item, ``retrieve`` it as a new one, or ``ignore`` it from now on.

    Raises Refused (``integration_not_found``, ``event_not_found``, ``item_not_found``, ``integration_running``,
    ``not_connected``, ``already_exists``), ConnectorError.
    """
    choice(action, "action", ACTIONS)
    with parts.database.read(tenant) as work:
        integration = work.integrations.require(integration_id)
        row = work.memories.known_row(integration_id, known_row_id)
        if row is None:
            raise Refused(code="event_not_found", event=known_row_id)
        if action != "ignore":
            refuse_idle(work, integration, "manual")
    with leased(parts, tenant, integration_id) as lease:
        store = leased_store(parts, lease)
        if action == "ignore":
            with store.page() as page:
                row = replace(row, state=KnownState.KNOWN, code="ignored", recheck=False, indexed=True)
                page.put_known(row)
        else:
            _take(parts, tenant, integration, store, row, item_id if action == "link" else None)
    with parts.database.write(tenant) as work:
        work.raise_due(integration_id)
    return _view(integration_id, row)


def _take(
    parts: Parts, tenant: str, integration: StoredIntegration, store: LeasedStore, row: Known, item_id: str | None
) -> None:
    with parts.database.read(tenant) as work:
        account, secret = usable_account(work, integration.account_id)
        keys = work.keys
        if item_id is not None and work.items.get(integration.user_id, item_id) is None:
            raise Refused(code="item_not_found", item=item_id)
    with opened(parts, tenant, account, secret, store.before_request) as connector:
        found = connector.fetch(integration.calendar_id or "", [row.remote_id])
        seen = next((each for each in found if isinstance(each, Seen) and each.event is not None), None)
        if seen is None:
            raise Refused(code="event_not_found", event=known_id(row))
        linking.take(connector, store, parts.clock, keys, seen, item_id)


def _view(integration_id: str, row: Known) -> KnownView:
    return KnownView(
        known_id(row), integration_id, row.remote_id, row.state.value, row.code, row.first_start, row.last_end
    )
