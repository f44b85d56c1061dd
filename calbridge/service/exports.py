"""All that is kept about a user, for whoever must hand it out (DESIGN: Store)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from calbridge.service import item_json
from calbridge.service.integration_views import integration_view
from calbridge.service.parts import Parts
from calbridge.service.run_views import log_view, run_view
from calbridge.service.users import view
from calbridge.service.views import to_json
from calbridge.store.changes import Change
from calbridge.store.items import ItemFilter
from calbridge.store.journal import LogFilter, LogLine
from calbridge.store.memories import known_id
from calbridge.store.runs import Run
from calbridge.store.work import Work
from calbridge.sync.memory import Known

PAGE = 500
T = TypeVar("T")


def export_user(parts: Parts, tenant: str, user_id: str) -> dict[str, Any]:
    """All that is kept about a user, as JSON; no secrets. Raises Refused (``user_not_found``)."""
    with parts.database.write(tenant) as work:
        work.users.require(user_id)
        work.audit.add(str(parts.actor), "user_exported", user=user_id)
    with parts.database.read(tenant) as work:
        linked = work.integrations.list(user_id=user_id, limit=10_000)
        return {
            "user": to_json(view(work.users.require(user_id))),
            "accounts": _accounts(work, user_id),
            "integrations": [to_json(integration_view(work, each)) for each in linked],
            "items": _items(work, user_id),
            "changes": _changes(work, user_id),
            **_of_integrations(work, [each.id for each in linked]),
        }


def _accounts(work: Work, user_id: str) -> list[dict[str, Any]]:
    """Accounts, each with what its connector keeps for it: the whole calendar of a sandbox."""
    found = []
    for account in work.accounts.list(user_id):
        kept, _ = work.connector_states.read(account.id)
        found.append(
            {
                "service": account.service,
                "url": account.url,
                "username": account.username,
                "owner_address": account.owner_address,
                "own_addresses": sorted(account.own_addresses),
                "kept_by_connector": None if kept is None else _readable(kept),
            }
        )
    return found


def _readable(kept: bytes) -> Any:
    """JSON as it is, anything else in base64 (RFC 4648)."""
    try:
        return json.loads(kept)
    except ValueError:
        return {"base64": base64.b64encode(kept).decode("ascii")}


def _items(work: Work, user_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while page := work.items.list(user_id, ItemFilter(deleted=True), found[-1]["id"] if found else None, PAGE):
        links = work.memories.links_of_items([item.id for item in page])
        found += [item_json.shown(item, [item_json.Shown(*each) for each in links.get(item.id, ())]) for item in page]
    return found


def _changes(work: Work, user_id: str) -> list[dict[str, Any]]:
    def after(last: Change | None) -> list[Change]:
        return work.changes_after(last.seq if last else 0, PAGE, user_id)

    return [to_json(each) for each in _all(after)]


def _of_integrations(work: Work, ids: Sequence[str]) -> dict[str, list[Any]]:
    """What is kept of each integration; nothing is of one that ended."""
    found: dict[str, list[Any]] = {"known": [], "runs": [], "logs": []}
    for each in ids:
        found["known"] += [_known(each, row) for row in _all(_known_after(work, each))]
        found["runs"] += [to_json(run_view(run)) for run in _all(_runs_before(work, each))]
        found["logs"] += [to_json(log_view(line)) for line in _all(_lines_before(work, each))]
    return found


def _known_after(work: Work, integration_id: str) -> Callable[[Known | None], Sequence[Known]]:
    def after(last: Known | None) -> Sequence[Known]:
        place = last.remote_id if last else None
        return work.memories.known(integration_id, states=None, after=place, limit=PAGE)

    return after


def _runs_before(work: Work, integration_id: str) -> Callable[[Run | None], Sequence[Run]]:
    return lambda last: work.runs.list(integration_id, before=last, limit=PAGE)


def _lines_before(work: Work, integration_id: str) -> Callable[[LogLine | None], Sequence[LogLine]]:
    chosen = LogFilter(integration_id=integration_id)
    return lambda last: work.logs.list(chosen, before=last.id if last else None, limit=PAGE)


def _known(integration_id: str, row: Known) -> dict[str, Any]:
    """An event of the linked calendar that has no item: where it is and when, its text is not kept."""
    told = {
        "integration_id": integration_id,
        "id": known_id(row),
        "remote_id": row.remote_id,
        "ical_uid": row.uid,
        "state": row.state.value,
        "code": row.code,
        "starts_at": row.first_start,
        "ends_at": row.last_end,
    }
    return {name: to_json(value) for name, value in told.items()}


def _all(after: Callable[[T | None], Sequence[T]]) -> Iterator[T]:
    """Everything, a page after the other."""
    last: T | None = None
    while page := after(last):
        yield from page
        last = page[-1]
