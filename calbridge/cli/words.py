"""Reading words of the command line: times, settings, JSON files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import IO, Any

import click

_ZULU = re.compile(r"[zZ]$")
_LARGEST_FILE = 10_000_000
"""Characters of a JSON file; more is no calendar entry."""


class TimePoint(click.ParamType[Any]):
    """A date such as 2027-01-05 or a wall time such as "2027-01-05 10:00"; with Z at its end it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The time as an item holds it, without a zone where none was said."""
        if isinstance(value, Mapping):
            return value
        word = str(value).strip()
        try:
            if len(word) == len("2027-01-05"):
                return {"date": date.fromisoformat(word).isoformat()}
            wall = datetime.fromisoformat(_ZULU.sub("", word))
        except ValueError:
            self.fail(f'{word!r} is no time: write 2027-01-05 or "2027-01-05 10:00".', param, ctx)
        if wall.tzinfo is not None:
            self.fail(f"{word!r} has an offset: name the zone with --time-zone instead.", param, ctx)
        zone = {"time_zone": "UTC"} if _ZULU.search(word) else {}
        return {"date_time": wall.isoformat(timespec="seconds"), **zone}


TIME = TimePoint()
DAYS = click.IntRange(0, 36_500)


def in_zone(point: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """A time of the command line with its zone; a date has none, and one that was said stays."""
    return dict(point) if "date" in point else {"time_zone": zone, **point}


def settings_words(words: Iterable[str]) -> dict[str, Any]:
    """``retrieve.delete=false`` as ``{"retrieve": {"delete": False}}``; a value that is no JSON is text.

    Raises click.UsageError for a word without a name.
    """
    settings: dict[str, Any] = {}
    for word in words:
        name, sign, value = word.partition("=")
        steps = name.split(".")
        if not sign or not all(steps):
            raise click.UsageError(f"{word!r} is no setting: write NAME=VALUE.", click.get_current_context())
        place = settings
        for step in steps[:-1]:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):
                raise click.UsageError(f"{name} goes below a value set before.", click.get_current_context())
            place = inner
        place[steps[-1]] = _value(value)
    return settings


def settings_lines(settings: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    """The other way round: each setting by its dotted name, with its value as it may be said."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from settings_lines(value, f"{place}{name}.")
        else:
            yield place + name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def json_object(file: IO[str]) -> dict[str, Any]:
    """The JSON object of a file. Raises click.UsageError for anything else."""
    try:
        document = json.loads(file.read(_LARGEST_FILE))
    except (ValueError, RecursionError) as error:
        told = f"{file.name} holds no JSON: {error}"
        raise click.UsageError(told, click.get_current_context()) from error
    if not isinstance(document, dict):
        raise click.UsageError(f"{file.name} holds no JSON object.", click.get_current_context())
    return document


def _value(word: str) -> Any:
    try:
        return json.loads(word)
    except ValueError:
        return word
