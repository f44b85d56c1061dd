"""The other side of the service ``sandbox`` for PSA developers: what a phone does there, and what goes wrong.

Everything is refused unless the installation says ``SANDBOX=1``. Events have the words of items.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from calbridge.connectors.contract import ANSWERS, Controlled, Seen
from calbridge.domain.content import Content, differing
from calbridge.domain.item import Item
from calbridge.errors import CalendarGone, NotFound, Refused, Rejected, VersionConflict
from calbridge.service import item_json
from calbridge.service.item_fields import EVENT_FIELDS
from calbridge.service.opening import opened
from calbridge.service.parts import Parts
from calbridge.service.values import Body, choice, flag, invalid, mail_address, mapping, number, text
from calbridge.service.views import rfc3339
from calbridge.store.accounts import StoredAccount
from calbridge.store.integrations import StoredIntegration

SERVICE = "sandbox"
MAIN = "main"
WRITABLE = frozenset(EVENT_FIELDS) | {"start", "end", "recurrence", "overrides", "organizer", "attendees"}
SHOWN = (*sorted(WRITABLE), "my_response")
FAULTS: Mapping[str, frozenset[str]] = {
    "revoke": frozenset({"confirmed"}),
    "restore": frozenset(),
    "throttle": frozenset({"requests", "retry_after"}),
    "lose_reply": frozenset({"writes"}),
    "expire_cursor": frozenset(),
    "calendar_gone": frozenset({"calendar_id"}),
}
"""What can go wrong, and what else can be said about it."""
MOST_TIMES = 1000
MOST_SECONDS = 86_400
TRIES = 5


@dataclass(frozen=True)
class _Door:
    """The open other side of one integration's account."""

    parts: Parts
    tenant: str
    integration: StoredIntegration
    connector: Controlled

    def act(self, action: str, calendar_id: str | None = None, **arguments: object) -> Mapping[str, Any]:
        """One act, in the linked calendar where none is named."""
        calendar = calendar_id or self.integration.calendar_id or MAIN
        try:
            return self.connector.control(action, {"calendar": calendar, **arguments})
        except CalendarGone:
            raise Refused(code="calendar_not_found", calendar=calendar) from None
        except NotFound:
            raise Refused(code="event_not_found", event=arguments.get("remote_id")) from None
        except Rejected as rejected:
            raise Refused(code=rejected.code, field=rejected.field) from None

    def event(self, action: str, calendar_id: str | None, **arguments: object) -> dict[str, Any]:
        """An act on an event, as a service that pushes would tell it: the integration is due."""
        answer = self.act(action, calendar_id, **arguments)
        with self.parts.database.write(self.tenant) as work:
            work.raise_due(self.integration.id)
        self.parts.dispatch(self.tenant, work)
        return _shown(answer["event"]) if "event" in answer else {}


@contextmanager
def _door(parts: Parts, tenant: str, integration_id: str) -> Iterator[_Door]:
    """Raises Refused (``sandbox_off``: no SANDBOX=1; ``integration_not_found``, ``not_connected``)."""
    if not parts.settings.sandbox:
        raise Refused(code="sandbox_off")
    with parts.database.read(tenant) as work:
        integration = work.integrations.require(integration_id)
        if integration.service != SERVICE:
            raise Refused(code="integration_not_found", integration=integration_id)
        account: StoredAccount | None = work.accounts.get(integration.account_id) if integration.account_id else None
    if account is None:
        raise Refused(code="not_connected", integration=integration_id)
    # The other side needs no password: a refused one closes the sandbox to calbridge, not to its developer.
    with opened(parts, tenant, account, "") as connector:
        if not isinstance(connector, Controlled):
            raise Refused(code="connector_broken", connector=SERVICE)
        yield _Door(parts, tenant, integration, connector)


def list_events(
    parts: Parts,
    tenant: str,
    integration_id: str,
    *,
    calendar_id: str | None = None,
    limit: int = 200,
    after: str | None = None,
) -> list[dict[str, Any]]:
    """What is in the fake calendar, in the order of ids after ``after``. Raises Refused (``calendar_not_found``)."""
    with _door(parts, tenant, integration_id) as door:
        found = door.act("list", calendar_id, limit=limit, after=after or "")["events"]
        return [_shown(seen) for seen in found]


def get_event(
    parts: Parts, tenant: str, integration_id: str, event_id: str, *, calendar_id: str | None = None
) -> dict[str, Any]:
    """One event. Raises Refused (``event_not_found``, ``calendar_not_found``)."""
    with _door(parts, tenant, integration_id) as door:
        return _shown(door.act("read", calendar_id, remote_id=event_id)["event"])


def create_event(
    parts: Parts, tenant: str, integration_id: str, body: Body, *, calendar_id: str | None = None
) -> dict[str, Any]:
    """A new event as a person makes it there; with an ``organizer`` and the account among ``attendees`` an invitation.

    Raises Refused (``invalid_value``, ``too_large`` and the other codes of :mod:`.item_json`).
    """
    with _door(parts, tenant, integration_id) as door:
        content = item_json.applied_new("new", door.integration.user_id, mapping(body, "", WRITABLE)).content
        return door.event("create", calendar_id, content=content)


def change_event(
    parts: Parts,
    tenant: str,
    integration_id: str,
    event_id: str,
    patch: object,
    *,
    calendar_id: str | None = None,
) -> dict[str, Any]:
    """Change what a patch (RFC 7396) names: moved, renamed, cancelled, an occurrence taken out.

    Raises Refused (``event_not_found`` and as :func:`create_event`; ``version_conflict``: others were always faster).
    """
    given = mapping(patch, "", WRITABLE)
    with _door(parts, tenant, integration_id) as door:
        for _ in range(TRIES):
            seen: Seen = door.act("read", calendar_id, remote_id=event_id)["event"]
            units = _changed(door.integration.user_id, seen, given)
            try:
                return door.event("change", calendar_id, remote_id=event_id, units=units, version=seen.version)
            except VersionConflict:
                continue
        raise Refused(code="version_conflict", event=event_id)


def _changed(user_id: str, seen: Seen, patch: Body) -> Mapping[Any, Any]:
    """The units that a patch changes."""
    before = _item(user_id, seen)
    after = item_json.applied(before, item_json.patched(item_json.shown(before), patch)).content
    if after.span is None:
        raise invalid("start", "an event needs start and end")
    return {unit: after.get(unit) for unit in differing(before.content, after)}


def delete_event(
    parts: Parts, tenant: str, integration_id: str, event_id: str, *, calendar_id: str | None = None
) -> None:
    """Delete an event as a person does there. Raises Refused (``event_not_found``, ``calendar_not_found``)."""
    with _door(parts, tenant, integration_id) as door:
        door.event("delete", calendar_id, remote_id=event_id)


def answer_event(
    parts: Parts,
    tenant: str,
    integration_id: str,
    event_id: str,
    attendee: str,
    response: str = "declined",
    *,
    calendar_id: str | None = None,
) -> dict[str, Any]:
    """A guest answers: ``accepted, declined, tentative``. The account's own address is answered by its owner, there.

    Raises Refused (``event_not_found``, ``invalid_value``, ``not_invited``).
    """
    address, answer = mail_address(attendee, "attendee"), choice(response, "response", ANSWERS)
    with _door(parts, tenant, integration_id) as door:
        return door.event("answer", calendar_id, remote_id=event_id, attendee=address, answer=answer)


def list_faults(parts: Parts, tenant: str, integration_id: str) -> dict[str, Any]:
    """``revoked, confirmed, throttled, retry_after, lost_replies, gone_calendars``: what goes wrong from now on."""
    with _door(parts, tenant, integration_id) as door:
        return _state(door.act("faults"))


def set_fault(parts: Parts, tenant: str, integration_id: str, body: Body) -> dict[str, Any]:
    """Let something go wrong, or with ``restore`` all be well again; the state afterwards, as :func:`list_faults`.

    ``{fault: revoke, confirmed?}``, ``{fault: throttle, requests?, retry_after?}`` (seconds), ``{fault: lose_reply,
    writes?}``, ``{fault: expire_cursor}``, ``{fault: calendar_gone, calendar_id?}``, ``{fault: restore}``. Raises
    Refused (``invalid_value``, ``calendar_not_found``).
    """
    given = mapping(body, "", {"fault", *(name for names in FAULTS.values() for name in names)})
    fault = choice(given.get("fault"), "fault", FAULTS)
    mapping(given, "", {"fault", *FAULTS[fault]})
    arguments: dict[str, object] = {"fault": fault}
    if "confirmed" in given:
        arguments["confirmed"] = flag(given["confirmed"], "confirmed")
    for name, most in (("requests", MOST_TIMES), ("writes", MOST_TIMES), ("retry_after", MOST_SECONDS)):
        if name in given:
            arguments[name] = number(given[name], name, 0, most)
    calendar = None if given.get("calendar_id") is None else text(given["calendar_id"], "calendar_id", 200)
    with _door(parts, tenant, integration_id) as door:
        return _state(door.act("fault", calendar, **arguments))


def _state(told: Mapping[str, Any]) -> dict[str, Any]:
    return {**told, "gone_calendars": list(told["gone_calendars"])}


def _item(user_id: str, seen: Seen) -> Item:
    return Item(seen.remote_id, user_id, content=seen.event.content if seen.event else Content())


def _shown(seen: Seen) -> dict[str, Any]:
    event = seen.event
    assert event is not None
    whole = item_json.shown(_item("", seen))
    return {
        "id": seen.remote_id,
        "ical_uid": event.uid,
        "made_by_calbridge": event.marker is not None,
        "modified_at": rfc3339(event.modified_at),
        "version": seen.version,
        **{name: whole[name] for name in SHOWN},
    }
