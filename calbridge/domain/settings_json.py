"""The settings of an integration as the JSON of the API and the store, and as values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from calbridge.domain.item import ItemType
from calbridge.domain.json_parts import Part, invalid
from calbridge.domain.options import Level, OnLeave, Options, Privacy, Retrieve, Send, Skip, Winner
from calbridge.domain.record_url import record_url_in
from calbridge.domain.title_templates import templates_in

MAX_DAYS = 36_500
MAX_CATEGORIES = 100
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Range:
    """Local days before and after today; None is unbounded (SYNC F2)."""

    past_days: int | None = None
    future_days: int | None = None


@dataclass(frozen=True, slots=True)
class IntegrationSettings:
    """Everything that can be set at one integration. A range that is None is not copied."""

    options: Options = field(default_factory=Options)
    retrieve_range: Range | None = None
    send_range: Range | None = None
    poll_minutes: int | None = None
    notify_failure_to: tuple[str, ...] = ()


def settings_out(settings: IntegrationSettings) -> dict[str, Any]:
    """All settings as JSON, defaults written out."""
    options = settings.options
    skip = options.retrieve.skip
    return {
        "retrieve": {
            "create": options.retrieve.create,
            "update": options.retrieve.update,
            "delete": options.retrieve.delete,
            "privacy": _privacy_out(options.retrieve.privacy),
            "skip": {
                "declined": skip.declined,
                "free": skip.free,
                "all_day": skip.all_day,
                "categories": list(skip.categories),
            },
        },
        "send": {
            "types": [each.value for each in ItemType if each in options.send.types],
            "privacy": _privacy_out(options.send.privacy),
            "forward": options.send.forward,
            "on_leave": options.send.on_leave.value,
        },
        "ranges": {"retrieve": range_out(settings.retrieve_range), "send": range_out(settings.send_range)},
        "conflict": options.conflict.value,
        "existence": {each.value: "linked" if each in options.existence_linked else "psa" for each in ItemType},
        "invitations": "all" if options.invitations_all else "none",
        "poll_minutes": settings.poll_minutes,
        "notify_failure_to": list(settings.notify_failure_to),
    }


def settings_in(data: Json, tenant: Json | None = None) -> IntegrationSettings:
    """Settings of their JSON; what is absent or null has its default.

    ``tenant`` are the tenant's settings, of which ``live_past_days``, ``title_templates``, ``record_url``,
    ``default_minutes`` and ``busy_title`` count.
    :raises Refused: ``invalid_value`` with ``field``, the dotted name of what can't be used.
    """
    part = Part(data, "")
    ranges = part.inner("ranges")
    whole = Part(tenant or {}, "")
    default = Options()
    options = Options(
        retrieve=_retrieve(part.inner("retrieve")),
        send=_send(part.inner("send")),
        conflict=part.choice("conflict", Winner, default.conflict),
        existence_linked=_existence(part.inner("existence"), default.existence_linked),
        invitations_all=part.choice("invitations", _Invitations, _Invitations.NONE) is _Invitations.ALL,
        live_past_days=whole.number_or("live_past_days", 0, MAX_DAYS, default.live_past_days),
        default_minutes=whole.number_or("default_minutes", 1, 1440, default.default_minutes),
        busy_title=whole.text("busy_title") or default.busy_title,
        title_templates=templates_in(whole.inner("title_templates")),
        record_url=record_url_in(whole),
    )
    settings = IntegrationSettings(
        options,
        range_in(ranges, "retrieve"),
        range_in(ranges, "send"),
        part.number("poll_minutes", 1, 1440),
        part.mails("notify_failure_to"),
    )
    ranges.done()
    part.done()
    return settings


def patched(data: Json, patch: Json) -> dict[str, Any]:
    """``data`` with a merge patch applied (RFC 7396): null removes, lists are replaced whole."""
    merged = dict(data)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            before = merged.get(name)
            merged[name] = patched(before if isinstance(before, Mapping) else {}, value)
        else:
            merged[name] = value
    return merged


class _Invitations(enum.StrEnum):
    NONE = "none"
    ALL = "all"


def _retrieve(part: Part) -> Retrieve:
    skip = part.inner("skip")
    categories = skip.texts("categories") or ()
    if len(categories) > MAX_CATEGORIES:
        raise invalid("retrieve.skip.categories", f"must hold at most {MAX_CATEGORIES}")
    found = Retrieve(
        create=part.flag("create", True),
        update=part.flag("update", True),
        delete=part.flag("delete", True),
        privacy=_privacy(part.inner("privacy")),
        skip=Skip(skip.flag("declined", False), skip.flag("free", False), skip.flag("all_day", False), categories),
    )
    skip.done()
    part.done()
    return found


def _send(part: Part) -> Send:
    types = part.texts("types")
    if types is not None and not set(types) <= set(ItemType):
        raise invalid("send.types", f"must hold only {', '.join(ItemType)}")
    found = Send(
        types=frozenset(ItemType) if types is None else frozenset(ItemType(each) for each in types),
        privacy=_privacy(part.inner("privacy")),
        forward=part.flag("forward", False),
        on_leave=part.choice("on_leave", OnLeave, OnLeave.REMOVE),
    )
    part.done()
    return found


def _privacy(part: Part) -> Privacy:
    default = Privacy()
    found = Privacy(part.choice("private", Level, default.private), part.choice("other", Level, default.other))
    part.done()
    return found


def _privacy_out(privacy: Privacy) -> dict[str, str]:
    return {"private": privacy.private.value, "other": privacy.other.value}


class _Existence(enum.StrEnum):
    PSA = "psa"
    LINKED = "linked"


def _existence(part: Part, default: frozenset[ItemType]) -> frozenset[ItemType]:
    def usual(each: ItemType) -> _Existence:
        return _Existence.LINKED if each in default else _Existence.PSA

    found = frozenset(
        each for each in ItemType if part.choice(each.value, _Existence, usual(each)) is _Existence.LINKED
    )
    part.done()
    return found


def range_in(part: Part, name: str) -> Range | None:
    """``{past_days, future_days}``, either of them null for no bound; None where nothing stands there."""
    if not part.has(name):
        return None
    inner = part.inner(name)
    found = Range(inner.number("past_days", 0, MAX_DAYS), inner.number("future_days", 0, MAX_DAYS))
    inner.done()
    return found


def range_out(chosen: Range | None) -> dict[str, int | None] | None:
    """The inverse of :func:`range_in`."""
    return None if chosen is None else {"past_days": chosen.past_days, "future_days": chosen.future_days}
