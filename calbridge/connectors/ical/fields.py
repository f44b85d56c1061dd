"""The properties of one VEVENT as merge units, except time (SYNC D3)."""

from __future__ import annotations

import html
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import unquote

import nh3

from calbridge.connectors.ical import people
from calbridge.connectors.ical.text import escape, split_list, unescape
from calbridge.connectors.ical.tree import Component, Line, line
from calbridge.domain.content import Field, People, Text, Value, normal_text

MARKER = "X-CALBRIDGE-KEY"
ALARM_MARKER = "X-CALBRIDGE-ALARM"
BUSY_STATUS = "X-MICROSOFT-CDO-BUSYSTATUS"
_ALL_DAY = ("X-MICROSOFT-CDO-ALLDAYEVENT", "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT")
TIME_NAMES = ("DTSTART", "DTEND", "DURATION")
RULE_NAMES = ("RRULE", "RDATE", "EXDATE")
STAMP_NAMES = ("DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE")
_OUTLOOK_PLACE = (
    *("S", "DISPLAYNAME", "SOURCE", "URI", "ANNOTATION"),
    *("STREET", "CITY", "STATE", "COUNTRY", "POSTALCODE", "FULLADDRESS"),
)
PLACE_NAMES = (
    *("GEO", "X-APPLE-STRUCTURED-LOCATION", "STRUCTURED-LOCATION", "X-MICROSOFT-LATITUDE", "X-MICROSOFT-LONGITUDE"),
    *(f"X-MICROSOFT-LOCATION{rest}" for rest in _OUTLOOK_PLACE),
)
"""Where the place that LOCATION names is on a map: what programs show and lead to in its stead."""
NAMES: Mapping[Field, tuple[str, ...]] = {
    Field.TITLE: ("SUMMARY",),
    Field.TEXT: ("DESCRIPTION", "X-ALT-DESC", "STYLED-DESCRIPTION"),
    Field.LOCATION: ("LOCATION", *PLACE_NAMES),
    Field.STATUS: ("STATUS",),
    Field.SHOW_AS: ("TRANSP", BUSY_STATUS),
    Field.VISIBILITY: ("CLASS",),
    Field.PEOPLE: ("ORGANIZER", "ATTENDEE"),
    Field.CATEGORIES: ("CATEGORIES",),
}
"""Which properties hold a unit."""

_STATUS = {"CONFIRMED": "confirmed", "TENTATIVE": "tentative", "CANCELLED": "cancelled"}
_SHOWN = {"FREE": "free", "BUSY": "busy", "TENTATIVE": "tentative", "OOF": "oof", "WORKINGELSEWHERE": "elsewhere"}
_SHOWN_NAMES = {value: name for name, value in _SHOWN.items()}
_CLASS = {"": "default", "PUBLIC": "default", "PRIVATE": "private", "CONFIDENTIAL": "confidential"}
_MEETINGS = ("CONFERENCE", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL")
_BREAK = re.compile(r"<\s*(?:br|/p|/div|/li|/tr|/h[1-6])\b[^>]*>", re.IGNORECASE)

Index = dict[str, list[Line]]


def index_of(part: Component) -> Index:
    """The properties of a component by name."""
    found: Index = {}
    for item in part.items:
        if isinstance(item, Line):
            found.setdefault(item.name, []).append(item)
    return found


def read_fields(index: Index, own: frozenset[str]) -> dict[Field, Value]:
    """Every unit but time, said out loud: what is absent is empty, because an override without it has none."""
    attendees = index.get("ATTENDEE", [])
    organizer = index.get("ORGANIZER")
    status = _STATUS.get(_plain(index, "STATUS"), "confirmed")
    found: dict[Field, Value] = {
        Field.TITLE: _text(index, "SUMMARY"),
        Field.TEXT: text_of(index),
        Field.LOCATION: _text(index, "LOCATION"),
        Field.STATUS: status,
        Field.SHOW_AS: "free" if status == "cancelled" else _show_as(index),
        Field.VISIBILITY: _CLASS.get(_plain(index, "CLASS"), "private"),
        Field.PEOPLE: people.people_of(organizer[0] if organizer else None, attendees),
        Field.CATEGORIES: _categories(index.get("CATEGORIES", [])),
        Field.CONFERENCE: _conference(index),
        Field.RESPONSES: people.responses_of(attendees, own) if attendees else (),
    }
    mine = next((one for one in attendees if people.is_own(one, own)), None) if attendees and own else None
    found[Field.MY_RESPONSE] = people.answer_of(mine) if mine is not None else None
    return found


def _plain(index: Index, name: str) -> str:
    found = index.get(name)
    return found[0].value.strip().upper() if found else ""


def _text(index: Index, name: str) -> str:
    found = index.get(name)
    return unescape(found[0].value) if found else ""


def text_of(index: Index) -> Text:
    """DESCRIPTION, with the HTML that X-ALT-DESC or a data: ALTREP holds beside it.

    HTML in other words is what the text said before somebody changed DESCRIPTION alone: it is left out.
    """
    lines = index.get("DESCRIPTION")
    markup = next((unescape(one.value) for one in index.get("X-ALT-DESC", []) if _is_html(one)), None)
    if lines is None:
        return Text(plain_of(markup) if markup else "", markup or None)
    plain = unescape(lines[0].value)
    markup = markup or _html_of(lines[0].parameter("ALTREP"))
    return Text(plain, markup if markup and _words(plain_of(markup)) == _words(plain) else None)


def _words(text: str) -> str:
    """A text without its white space, in which programs differ most when they make plain text of HTML."""
    return "".join(text.split())


def _html_of(uri: str) -> str:
    """The HTML in a data: URI (RFC 2397); empty where none can be read."""
    head, _, body = uri.partition(",")
    if head[:14].lower() != "data:text/html":
        return ""
    try:
        return b64decode(unquote(body)).decode() if head.lower().endswith(";base64") else unquote(body)
    except ValueError:
        return ""


def _is_html(found: Line) -> bool:
    return found.parameter("FMTTYPE").lower() in ("", "text/html")


def plain_of(markup: str) -> str:
    """What HTML says, as plain text."""
    return html.unescape(nh3.clean(_BREAK.sub("\n", markup), tags=set())).strip()


def _show_as(index: Index) -> str:
    """TRANSP decides between free and not; the finer word comes from Microsoft's property."""
    fine = _SHOWN.get(_plain(index, BUSY_STATUS))
    transparency = _plain(index, "TRANSP")
    if transparency == "TRANSPARENT":
        return "free"
    if fine is None or (fine == "free" and transparency == "OPAQUE"):
        return "busy"
    return fine


def _categories(lines: Iterable[Line]) -> tuple[str, ...]:
    found = [unescape(raw).strip() for one in lines for raw in split_list(one.value)]
    return tuple(dict.fromkeys(name for name in found if name))


def _conference(index: Index) -> str:
    for name in _MEETINGS:
        for one in index.get(name, ()):
            url = one.value.strip()
            if url[:8].lower().startswith(("https://", "http://")):
                return url
    return ""


def write_field(part: Component, name: Field, value: Value) -> None:
    """Set one unit on a component and touch nothing else. Units that calendars own are left alone."""
    writer = _WRITERS.get(name)
    if writer is not None:
        writer(part, value)


def write_all_day(part: Component, *, days: bool) -> None:
    """What Outlook goes by beside the type of DTSTART, where it is there."""
    word = "TRUE" if days else "FALSE"
    for found in part.lines(*_ALL_DAY):
        if found.value.strip().upper() != word:
            part.put((found.name,), [line(found.name, word)])


def _write_text(name: str) -> Callable[[Component, Value], None]:
    def write(part: Component, value: Value) -> None:
        text = value if isinstance(value, str) else ""
        if part.first(name) is None or unescape(part.value(name)) != text:
            present = part.first(name)
            language = present.parameter("LANGUAGE") if present is not None else ""
            given = {"LANGUAGE": language} if language else {}
            part.put((name,), [line(name, escape(text), given)] if text else [])

    return write


def _write_location(part: Component, value: Value) -> None:
    """What tells where the old place is goes with its name (SYNC A6), like HTML with its text."""
    moved = normal_text(unescape(part.value("LOCATION"))) != normal_text(value if isinstance(value, str) else "")
    _write_text("LOCATION")(part, value)
    if moved:
        part.put(PLACE_NAMES, [])


def _write_description(part: Component, value: Value) -> None:
    """HTML goes only when the text says something else than before (SYNC A6)."""
    text = value if isinstance(value, Text) else Text("")
    present = text_of(index_of(part))
    if normal_text(present.plain) == normal_text(text.plain):
        return
    lines = [line("DESCRIPTION", escape(text.plain))] if text.plain else []
    if text.plain and text.html:
        lines.append(line("X-ALT-DESC", escape(text.html), {"FMTTYPE": "text/html"}))
    part.put(NAMES[Field.TEXT], lines)


def _write_word(name: str, known: Mapping[str, str]) -> Callable[[Component, Value], None]:
    words = {value: word for word, value in known.items()}

    def write(part: Component, value: Value) -> None:
        word = words.get(str(value), "") if value is not None else ""
        if part.value(name).strip().upper() != word or not word:
            part.put((name,), [line(name, word)] if word else [])

    return write


def _write_show_as(part: Component, value: Value) -> None:
    shown = str(value or "busy")
    part.put(("TRANSP",), [line("TRANSP", "TRANSPARENT" if shown == "free" else "OPAQUE")])
    if shown not in ("free", "busy") or part.first(BUSY_STATUS) is not None:
        part.put((BUSY_STATUS,), [line(BUSY_STATUS, _SHOWN_NAMES.get(shown, "BUSY"))])


def _write_people(part: Component, value: Value) -> None:
    who = value if isinstance(value, People) else People()
    part.put(("ORGANIZER",), people.organizer_lines(who.organizer, part.lines("ORGANIZER")))
    part.put(("ATTENDEE",), people.attendee_lines(who.attendees, part.lines("ATTENDEE")))


def _write_categories(part: Component, value: Value) -> None:
    names = [escape(str(name)) for name in value] if isinstance(value, tuple) else []
    part.put(("CATEGORIES",), [line("CATEGORIES", ",".join(names))] if names else [])


def _write_reminders(part: Component, value: Value) -> None:
    """Our own alarms only; their text never shows what the event is about (SYNC A9)."""
    part.keep(lambda item: not (isinstance(item, Component) and item.first(ALARM_MARKER) is not None))
    for minutes in value if isinstance(value, tuple) else ():
        if isinstance(minutes, int):
            trigger = f"-PT{minutes}M" if minutes >= 0 else f"PT{-minutes}M"
            lines = (
                line("ACTION", "DISPLAY"),
                line("DESCRIPTION", "Reminder"),
                line("TRIGGER", trigger),
                line(ALARM_MARKER, "1"),
            )
            part.items.append(Component("VALARM", lines))


_WRITERS: Mapping[Field, Callable[[Component, Value], None]] = {
    Field.TITLE: _write_text("SUMMARY"),
    Field.TEXT: _write_description,
    Field.LOCATION: _write_location,
    Field.STATUS: _write_word("STATUS", _STATUS),
    Field.SHOW_AS: _write_show_as,
    Field.VISIBILITY: _write_word("CLASS", _CLASS),
    Field.PEOPLE: _write_people,
    Field.CATEGORIES: _write_categories,
    Field.REMINDERS: _write_reminders,
}
