"""The settings of an integration as the JSON of the API and the store, and as values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from calbridge.domain.item import ItemType
from calbridge.domain.options import Level, OnLeave, Options, Privacy, Retrieve, Send, Skip, Winner
from calbridge.errors import Refused

MAX_DAYS = 36_500
MAX_CATEGORIES = 100
E = TypeVar("E", bound=enum.StrEnum)
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
        "ranges": {"retrieve": _range_out(settings.retrieve_range), "send": _range_out(settings.send_range)},
        "conflict": options.conflict.value,
        "existence": {each.value: "linked" if each in options.existence_linked else "psa" for each in ItemType},
        "invitations": "all" if options.invitations_all else "none",
        "poll_minutes": settings.poll_minutes,
    }


def settings_in(data: Json, tenant: Json | None = None) -> IntegrationSettings:
    """Settings of their JSON; what is absent or null has its default.

    ``tenant`` are the tenant's settings, of which ``live_past_days``, ``default_minutes`` and ``busy_title`` count.
    :raises Refused: ``invalid_value`` with ``field``, the dotted name of what can't be used.
    """
    part = _Part(data, "")
    ranges = part.inner("ranges")
    whole = _Part(tenant or {}, "")
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
    )
    settings = IntegrationSettings(
        options, _range(ranges, "retrieve"), _range(ranges, "send"), part.number("poll_minutes", 1, 1440)
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


class _Part:
    """An object of the JSON that is read name by name; what nobody read is unknown."""

    def __init__(self, data: object, path: str) -> None:
        if not isinstance(data, Mapping):
            raise _invalid(path, "must be an object")
        self._data = data
        self._path = path
        self._read: set[str] = set()

    def _field(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def value(self, name: str) -> Any:
        self._read.add(name)
        return self._data.get(name)

    def has(self, name: str) -> bool:
        return self.value(name) is not None

    def inner(self, name: str) -> _Part:
        found = self.value(name)
        return _Part({} if found is None else found, self._field(name))

    def flag(self, name: str, default: bool) -> bool:
        found = self.value(name)
        if found is not None and not isinstance(found, bool):
            raise _invalid(self._field(name), "must be true or false")
        return default if found is None else found

    def choice(self, name: str, kind: type[E], default: E) -> E:
        found = self.value(name)
        if found is None:
            return default
        if not isinstance(found, str) or found not in set(kind):
            raise _invalid(self._field(name), f"must be one of {', '.join(kind)}")
        return kind(found)

    def number(self, name: str, least: int, most: int) -> int | None:
        found = self.value(name)
        if found is None:
            return None
        if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
            raise _invalid(self._field(name), f"must be a whole number from {least} to {most}")
        return found

    def number_or(self, name: str, least: int, most: int, default: int) -> int:
        found = self.number(name, least, most)
        return default if found is None else found

    def text(self, name: str) -> str | None:
        found = self.value(name)
        if found is not None and not isinstance(found, str):
            raise _invalid(self._field(name), "must be text")
        return found

    def texts(self, name: str) -> tuple[str, ...] | None:
        found = self.value(name)
        if found is None:
            return None
        if not isinstance(found, (list, tuple)) or not all(isinstance(each, str) for each in found):
            raise _invalid(self._field(name), "must be a list of texts")
        return tuple(found)

    def done(self) -> None:
        unknown = sorted(str(name) for name in self._data if name not in self._read)
        if unknown:
            raise _invalid(self._field(unknown[0][:64]), "is not a setting")


def _invalid(field: str, problem: str) -> Refused:
    return Refused(problem, code="invalid_value", field=field or "settings")


def _retrieve(part: _Part) -> Retrieve:
    skip = part.inner("skip")
    categories = skip.texts("categories") or ()
    if len(categories) > MAX_CATEGORIES:
        raise _invalid("retrieve.skip.categories", f"must hold at most {MAX_CATEGORIES}")
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


def _send(part: _Part) -> Send:
    types = part.texts("types")
    if types is not None and not set(types) <= set(ItemType):
        raise _invalid("send.types", f"must hold only {', '.join(ItemType)}")
    found = Send(
        types=frozenset(ItemType) if types is None else frozenset(ItemType(each) for each in types),
        privacy=_privacy(part.inner("privacy")),
        forward=part.flag("forward", False),
        on_leave=part.choice("on_leave", OnLeave, OnLeave.REMOVE),
    )
    part.done()
    return found


def _privacy(part: _Part) -> Privacy:
    default = Privacy()
    found = Privacy(part.choice("private", Level, default.private), part.choice("other", Level, default.other))
    part.done()
    return found


def _privacy_out(privacy: Privacy) -> dict[str, str]:
    return {"private": privacy.private.value, "other": privacy.other.value}


class _Existence(enum.StrEnum):
    PSA = "psa"
    LINKED = "linked"


def _existence(part: _Part, default: frozenset[ItemType]) -> frozenset[ItemType]:
    def usual(each: ItemType) -> _Existence:
        return _Existence.LINKED if each in default else _Existence.PSA

    found = frozenset(
        each for each in ItemType if part.choice(each.value, _Existence, usual(each)) is _Existence.LINKED
    )
    part.done()
    return found


def _range(part: _Part, name: str) -> Range | None:
    if not part.has(name):
        return None
    inner = part.inner(name)
    found = Range(inner.number("past_days", 0, MAX_DAYS), inner.number("future_days", 0, MAX_DAYS))
    inner.done()
    return found


def _range_out(chosen: Range | None) -> dict[str, int | None] | None:
    return None if chosen is None else {"past_days": chosen.past_days, "future_days": chosen.future_days}
