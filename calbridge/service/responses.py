"""Answering invitations: an explicit act of a person, of which the organiser learns (SYNC A8, C9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import ANSWERS, Answer, Connector, Done, Failed, Partial, Responding, Result, Seen
from calbridge.domain.content import MASTER, NO_EDIT_FIELDS, Content, Field, Unit, Value, content, differing
from calbridge.errors import NotFound, Refused, SignInRequired, Unavailable, VersionConflict
from calbridge.service.items import get_item
from calbridge.service.leasing import leased, leased_store
from calbridge.service.opening import opened, usable_account
from calbridge.service.parts import Parts
from calbridge.service.sync import refuse_idle
from calbridge.service.values import choice, text
from calbridge.store.accounts import StoredAccount
from calbridge.store.memories import LinkOutline
from calbridge.store.work import Work
from calbridge.sync.memory import Integration, Link, MadeBy
from calbridge.sync.project import view

LONGEST_COMMENT = 2000
ANSWER_SECONDS = 10.0
"""For all requests to the service: somebody waits, and a run may want the lease."""


@dataclass(frozen=True, slots=True)
class _Invitation:
    """Where an item is an invitation, and who may answer it there."""

    link: Link
    state: Integration
    account: StoredAccount
    secret: str = field(repr=False)


def respond(
    parts: Parts, tenant: str, user_id: str, item_id: str, answer: str, comment: str | None = None
) -> dict[str, Any]:
    """Answer the invitation that an item is, in the calendar it came from; the item with its new ``my_response``.

    ``answer`` is accepted, declined or tentative, for all of a series. The service is asked at once; nothing is stored
    unless it took the answer. Raises Refused (``user_not_found``, ``item_not_found``, ``invalid_value``,
    ``not_invited``, ``answer_not_possible``, ``integration_inactive``, ``not_connected``, ``integration_running``;
    ``item_changed``: the meeting is another one than the item shows), ConnectorError.
    """
    choice(answer, "response", ANSWERS)
    words = None if comment is None else text(comment, "comment", LONGEST_COMMENT, lines=True).strip() or None
    found = get_item(parts, tenant, user_id, item_id)["id"]
    with parts.database.read(tenant) as work:
        integration_id = _where(work, found)
        refuse_idle(work, work.integrations.require(integration_id), "manual")
    waited = min(ANSWER_SECONDS, parts.vendor_seconds or ANSWER_SECONDS)
    with leased(parts, tenant, integration_id) as lease:
        with parts.database.read(tenant) as work:
            asked = _invitation(work, integration_id, found)
        store = leased_store(parts, lease)
        with opened(
            replace(parts, vendor_seconds=waited), tenant, asked.account, asked.secret, store.before_request
        ) as connector:
            result = _result(parts, tenant, connector, asked, answer, words)
    _settle(parts, tenant, user_id, asked, result, answer)
    return get_item(parts, tenant, user_id, found)


def _where(work: Work, item_id: str) -> str:
    """The integration through which the user is invited. Raises Refused (``not_invited``)."""
    for integration_id, link in work.memories.links_of_item(item_id):
        if _invites(link):
            return integration_id
    raise Refused(code="not_invited", item=item_id)


def _invites(link: Link | LinkOutline) -> bool:
    return link.live and link.made_by is not MadeBy.US and link.editable.response


def _invitation(work: Work, integration_id: str, item_id: str) -> _Invitation:
    """All that the call needs, as it stands under the lease."""
    link = work.memories.link_of(integration_id, item_id)
    if link is None or not _invites(link):
        raise Refused(code="not_invited", item=item_id)
    account, secret = usable_account(work, work.integrations.require(integration_id).account_id)
    return _Invitation(link, work.state_of(integration_id), account, secret)


def _result(
    parts: Parts, tenant: str, connector: Connector, asked: _Invitation, answer: str, comment: str | None
) -> Result:
    if not connector.capabilities.offers(Ability.RESPOND) or not isinstance(connector, Responding):
        raise Refused(code="answer_not_possible", item=asked.link.item_id)
    link, calendar = asked.link, asked.state.calendar_id
    given = Answer(link.remote_id or "", link.seen_version, link.native, answer, comment)
    try:
        result = connector.respond(calendar, given)
        if isinstance(result, Failed) and isinstance(result.error, VersionConflict):
            seen = _same_meeting(connector, asked)
            if seen is not None:
                result = connector.respond(calendar, replace(given, version=seen.version, native=seen.native))
    except SignInRequired as error:
        result = Failed(error)
    if isinstance(result, Failed) and isinstance(result.error, SignInRequired):
        with parts.database.write(tenant) as work:
            work.accounts.refuse(asked.account.id, confirmed=result.error.confirmed)
    return result


def _same_meeting(connector: Connector, asked: _Invitation) -> Seen | None:
    """The event as it is now, if to a person it is still the one that was shown: others' answers change no meeting."""
    link = asked.link
    for row in connector.fetch(asked.state.calendar_id, [link.remote_id or ""]):
        if isinstance(row, Seen) and row.remote_id == link.remote_id and row.event is not None:
            now = view(row.event, asked.state.options, link.made_by).content
            if {name for _, name in differing(now, link.shown)} <= NO_EDIT_FIELDS:
                return row
    return None


def _settle(parts: Parts, tenant: str, user_id: str, asked: _Invitation, result: Result, answer: str) -> None:
    """Store what the service took; whatever came of it, the next run looks. Raises Refused, ConnectorError."""
    link, integration_id = asked.link, asked.state.id
    taken = isinstance(result, Done | Partial)
    with parts.database.write(tenant) as work:
        if taken:
            item = work.items.locked(user_id, link.item_id)
            if not item.deleted:
                told = _answered(item.content, _answers(result, answer))
                work.items.put(replace(item, content=told), parts.actor.source)
        work.raise_due(integration_id)
    parts.dispatch(tenant, work)
    if isinstance(result, Failed):
        if isinstance(result.error, VersionConflict | NotFound):
            raise Refused(code="item_changed", item=link.item_id)
        raise result.error
    if not taken:
        raise Unavailable("the answer was not confirmed", code="no_write_confirmed")


def _answers(result: Result, answer: str) -> Mapping[Unit, Value]:
    """The owner's answers as the service shows them now."""
    event = result.event if isinstance(result, Done | Partial) else None
    if event is None:
        return {(MASTER, Field.MY_RESPONSE): answer}
    return {unit: value for unit, value in event.content.units.items() if unit[1] is Field.MY_RESPONSE}


def _answered(before: Content, told: Mapping[Unit, Value]) -> Content:
    """The content with these answers; occurrences that it does not tell apart get none of their own."""
    kept = {unit: value for unit, value in before.units.items() if unit[1] is not Field.MY_RESPONSE}
    keys = {MASTER, *(key for key in before.keys if not before.excluded(key))}
    return content({**kept, **{unit: value for unit, value in told.items() if unit[0] in keys}})
