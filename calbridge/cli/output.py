"""How answers are shown: a table for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from calbridge.cli.plain import harmless, harmless_json, plain_table

Show = Callable[[Any], str]


def text(value: object) -> str:
    """A value as a person reads it: nothing for None, yes and no, lists with commas, JSON for the rest."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and not any(isinstance(part, (Mapping, list)) for part in value):
        return ", ".join(map(text, value))
    return json.dumps(value, ensure_ascii=False, default=str)


def moment(value: str | None) -> str:
    """An instant (RFC 3339) in the time zone of this machine, to the second."""
    if not value:
        return ""
    return datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def span_point(value: Mapping[str, Any] | None) -> str:
    """A start, an end or a due time of an item: the wall time with its zone, or the date."""
    if not value:
        return ""
    if value.get("date"):
        return str(value["date"])
    wall = str(value.get("date_time", ""))
    wall = wall[:-3] if wall.endswith(":00") and wall.count(":") == 2 else wall
    zone = value.get("time_zone")
    return f"{wall.replace('T', ' ')}{f' {zone}' if zone else ''}"


def overrides_text(overrides: Sequence[Mapping[str, Any]] | None) -> str:
    """Occurrences that differ from their series, each by its original start."""
    return "; ".join(
        f"{span_point({'date_time': each['recurrence_id']})}: {_override(each)}" for each in overrides or ()
    )


def _override(override: Mapping[str, Any]) -> str:
    if override.get("cancelled"):
        return "cancelled"
    shown = {"start": span_point, "end": span_point}
    told = ((name, shown.get(name, text)(value)) for name, value in override.items() if name != "recurrence_id")
    return ", ".join(f"{name} {value}" for name, value in told)


def changes_text(changes: Sequence[Mapping[str, Any]] | None) -> str:
    """Fields that differed, each with its value before and after."""
    return "; ".join(map(_change, changes or ()))


def _change(change: Mapping[str, Any]) -> str:
    before, after = ("(none)" if change[side] is None else change[side] for side in ("before", "after"))
    # Values that privacy hides come as None on both sides.
    return str(change["field"]) if before == after else f"{change['field']}: {before} -> {after}"


@dataclass(frozen=True)
class Column:
    """One column: its header, the dotted place of its value in the JSON form, and how the value is shown."""

    header: str
    place: str
    show: Show = text

    def cell(self, row: Mapping[str, Any]) -> str:
        """The value of a row, on one line and harmless."""
        value: Any = row
        for step in self.place.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        return harmless(self.show(value))


@dataclass(frozen=True)
class Output:
    """Where a verb writes to. Answers go to standard output, hints and errors to standard error."""

    as_json: bool = False

    def rows(self, rows: Iterable[Any], columns: Sequence[Column], *, none: str) -> None:
        """A table without columns that are empty throughout, or a JSON document ``{"data": [...]}``.

        ``none`` is said where there is no row.
        """
        data = list(rows)
        if self.as_json:
            self.document({"data": data})
        elif not data:
            self.say(none)
        else:
            cells = [[column.cell(row) for column in columns] for row in data]
            told = [place for place in range(len(columns)) if any(line[place] for line in cells)]
            self.table([columns[place].header for place in told], [[line[place] for place in told] for line in cells])

    def record(self, record: Mapping[str, Any], columns: Sequence[Column]) -> None:
        """One thing with its values below each other, empty ones left out; or the whole as JSON."""
        if self.as_json:
            self.document(record)
            return
        cells = [(column.header, column.cell(record)) for column in columns]
        width = max(len(header) for header, _ in cells)
        for header, cell in cells:
            if cell:
                click.echo(f"{header:<{width}}  {cell}")

    def done(self, sentence: str, result: Any) -> None:
        """What was done, in a sentence; or its result as JSON."""
        if self.as_json:
            self.document(result)
        else:
            self.say(sentence)

    def say(self, sentence: str) -> None:
        """A sentence for people; programs, which asked for JSON, don't see it."""
        if not self.as_json:
            click.echo(harmless(sentence))

    def hint(self, sentence: str) -> None:
        """A sentence beside the answer, on standard error."""
        click.echo(harmless(sentence), err=True)

    def document(self, document: Any) -> None:
        """One JSON document."""
        told = json.dumps(document, indent=2, ensure_ascii=not _speaks_unicode(), default=str)
        click.echo(harmless_json(told))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Drawn to the width of the terminal; lined up but never cut where there is none."""
        if sys.stdout.isatty():
            _draw(headers, rows)
        else:
            click.echo(plain_table(headers, rows))


def _draw(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def _speaks_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
