"""Values from outside, checked: texts, choices, times (DESIGN: REST API, Security).

Every function raises Refused (``invalid_value``) with the fact ``field``, the dotted place of the value; the value
itself is in no error.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from calbridge.domain.times import TimeKind, When, day, floating, is_iana, utc, zone_info, zoned
from calbridge.errors import Refused

Body = Mapping[str, Any]

ID = re.compile(r"[A-Za-z0-9._~@:-]{1,200}")
MAIL = re.compile(r"[^\s@\x00-\x1f<>\"(),;:\\]+@[^\s@\x00-\x1f<>\"(),;:\\]+")
FIRST_YEAR, LAST_YEAR = 1900, 2200
"""Beyond them no calendar service takes a time, and zones can't be computed."""
MAX_NAME, MAX_MAIL = 200, 320
_NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})
"""Files of the tz database that are no zone, or another one on each machine."""
_COPIES = ("posix/", "right/")
"""Folders in which some systems keep all zones once more; those of the second count leap seconds."""
_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def invalid(field: str, detail: str = "", code: str = "invalid_value") -> Refused:
    """The refusal of a value."""
    return Refused(detail, code=code, field=field)


def refuse_other_version(version: int | None, if_version: int | None, **facts: str) -> None:
    """A write for a version that was read (RFC 9110, If-Match); None is not there. Raises ``precondition_failed``."""
    if if_version is not None and version != if_version:
        raise Refused(code="precondition_failed", **facts)


def identifier(value: object, field: str) -> str:
    """An id of users, items and tenants."""
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise invalid(field, "1 to 200 of A-Z a-z 0-9 . _ ~ @ : -")
    return value


def text(value: object, field: str, limit: int, *, lines: bool = False) -> str:
    """A text without NUL and lone surrogates, of at most ``limit`` characters; one line unless ``lines``."""
    if not isinstance(value, str):
        raise invalid(field, "must be a text")
    if "\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
        raise invalid(field, "must hold no NUL and no half characters")
    if len(value) > limit:
        raise invalid(field, f"must have at most {limit} characters", "too_large")
    if not lines and any(sign in value for sign in "\r\n"):
        raise invalid(field, "must be one line")
    return value


def choice(value: object, field: str, among: Collection[str]) -> str:
    """One of these words."""
    if not isinstance(value, str) or value not in among:
        raise invalid(field, f"must be one of {', '.join(sorted(among))}")
    return value


def flag(value: object, field: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise invalid(field, "must be true or false")
    return value


def number(value: object, field: str, least: int, most: int) -> int:
    """A whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise invalid(field, f"must be a whole number from {least} to {most}")
    return value


def listed(value: object, field: str, limit: int, code: str = "too_large") -> Sequence[Any]:
    """A list of at most ``limit`` entries."""
    if not isinstance(value, list | tuple):
        raise invalid(field, "must be a list")
    if len(value) > limit:
        raise invalid(field, f"must have at most {limit} entries", code)
    return value


def mapping(value: object, field: str, names: Collection[str]) -> Body:
    """An object with no other names than these."""
    if not isinstance(value, Mapping):
        raise invalid(field or "body", "must be an object")
    unknown = sorted(str(name)[:60] for name in value if name not in names)
    if unknown:
        raise invalid(f"{field}.{unknown[0]}" if field else unknown[0], "is not known")
    return value


def mail_address(value: object, field: str) -> str:
    """A mail address, lower case and without ``mailto:``."""
    told = text(value, field, MAX_MAIL).strip()
    told = told[7:] if told[:7].lower() == "mailto:" else told
    if not MAIL.fullmatch(told):
        raise invalid(field, "must be a mail address")
    return told.lower()


def time_zone(value: object, field: str) -> str:
    """An IANA zone that a person can mean."""
    name = text(value, field, 64)
    if name in _NO_ZONES or name.startswith(_COPIES) or not is_iana(name):
        raise invalid(field, "must be a time zone such as Europe/Vienna", "unknown_time_zone")
    return name


def instant(value: object, field: str) -> datetime:
    """An instant (RFC 3339), which has an offset or ``Z``."""
    told = text(value, field, 40)
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        raise invalid(field, "must be a time such as 2027-01-05T10:00:00Z") from None
    if moment.tzinfo is None or "T" not in told.upper():
        raise invalid(field, "must be a time with its offset")
    _check_year(moment.year, field)
    return moment.astimezone(UTC)


def when(value: object, field: str, old: When | None = None) -> When:
    """``{date}`` or ``{date_time, time_zone | null}``; null is floating.

    ``old`` is the value it replaces: a zone that only the source of that one knew may come back unchanged.
    """
    body = mapping(value, field, {"date", "date_time", "time_zone"})
    if "date" in body:
        if body.get("date_time") is not None or body.get("time_zone") is not None:
            raise invalid(field, "has either date or date_time")
        return _day(body["date"], f"{field}.date")
    if "date_time" not in body:
        raise invalid(field, "needs date or date_time")
    moment = _moment(body["date_time"], f"{field}.date_time")
    if "time_zone" not in body:
        if moment.tzinfo is None:
            raise invalid(f"{field}.time_zone", "must be named; null means a time without zone")
        return utc(moment)
    return _in_zone(moment, body["time_zone"], field, old)


def _in_zone(moment: datetime, zone: object, field: str, old: When | None) -> When:
    if zone is None:
        if moment.tzinfo is not None:
            return utc(moment)
        return floating(moment)
    if old is not None and old.kind is TimeKind.UNKNOWN and zone == old.zone and moment.tzinfo is None:
        return old.at(moment)
    name = time_zone(zone, f"{field}.time_zone")
    if moment.tzinfo is not None:
        moment = moment.astimezone(zone_info(name)).replace(tzinfo=None)
    return zoned(moment, name)


def _day(value: object, field: str) -> When:
    told = text(value, field, 10)
    try:
        found = date.fromisoformat(told) if _DATE.fullmatch(told) else None
    except ValueError:
        found = None
    if found is None:
        raise invalid(field, "must be a date such as 2027-01-05")
    _check_year(found.year, field)
    return day(found)


def _moment(value: object, field: str) -> datetime:
    told = text(value, field, 40)
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        moment = None
    if moment is None or not _LOCAL.match(told):
        raise invalid(field, "must be a time such as 2027-01-05T10:00:00")
    _check_year(moment.year, field)
    return moment.replace(microsecond=0)


def _check_year(year: int, field: str) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise invalid(field, f"must lie between {FIRST_YEAR} and {LAST_YEAR}")


def when_json(value: When | None) -> dict[str, str | None] | None:
    """The inverse of :func:`when`."""
    if value is None:
        return None
    if value.is_date:
        return {"date": value.key}
    zone = "UTC" if value.kind is TimeKind.UTC else value.zone
    return {"date_time": value.key, "time_zone": zone}
