"""How answers are shown: a table for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click
from rich.cells import cell_len

from calbridge.cli.plain import harmless, harmless_json, plain_table

_CRUMB = 10
"""Characters in a line below which a value can't be read any more; a date has as many."""
_BETWEEN = 3
"""Characters between two columns that rich draws."""

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

    @property
    def whole(self) -> bool:
        """Whether its values are ids, which are copied, so that none may be broken over lines."""
        return self.place == "id" or self.place.endswith("_id")

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
            self.table([columns[place] for place in told], [[line[place] for place in told] for line in cells])

    def record(self, record: Mapping[str, Any], columns: Sequence[Column]) -> None:
        """One thing with its values below each other, empty ones left out; or the whole as JSON."""
        if self.as_json:
            self.document(record)
            return
        click.echo(_below_each_other(columns, [column.cell(record) for column in columns]), nl=False)

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

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Drawn to the width of the terminal; lined up but never cut where there is none."""
        if not sys.stdout.isatty():
            click.echo(plain_table([column.header for column in columns], rows))
        elif _least_width(columns, rows) <= _terminal_width():
            _draw(columns, rows)
        else:
            click.echo("\n".join(_below_each_other(columns, row) for row in rows), nl=False)


def _below_each_other(columns: Sequence[Column], cells: Sequence[str]) -> str:
    """The values of one row, a line for each that is not empty."""
    width = max(len(column.header) for column in columns)
    told = ((column.header, cell) for column, cell in zip(columns, cells, strict=True) if cell)
    return "".join(f"{header:<{width}}  {cell}\n" for header, cell in told)


def _least_width(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> int:
    """What a table needs that breaks no id, and other values not into crumbs."""
    cells = [[column.header for column in columns], *rows]
    widths = [max(cell_len(line[place]) for line in cells) for place in range(len(columns))]
    needed = (width if column.whole else min(width, _CRUMB) for column, width in zip(columns, widths, strict=True))
    return sum(needed) + _BETWEEN * (len(columns) - 1)


def _terminal_width() -> int:
    from rich.console import Console

    return Console().width


def _draw(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column.header, overflow="fold", no_wrap=column.whole)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def _speaks_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
