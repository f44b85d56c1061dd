"""Users from a CSV file: one line per user, a report with a row for each line (DESIGN: Security, bombs)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from calbridge.errors import Refused
from calbridge.service.parts import Parts
from calbridge.service.users import store_user
from calbridge.service.values import identifier, invalid, text
from calbridge.service.views_people import ImportReport, ImportRow

MAX_BYTES = 10 * 2**20
MAX_ROWS = 50_000
BATCH = 200
COLUMNS = ("user_id", "email", "name", "time_zone", "calendar_sync")
_YES = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
_NO_COMMAS = {";": "semicolons", "\t": "tabs"}
Progress = Callable[[int, int], None]


def import_users(parts: Parts, tenant: str, rows: Iterable[str], progress: Progress | None = None) -> ImportReport:
    """Make or change the users of a CSV with a header of ``user_id`` and any of ``email, name, time_zone,
    calendar_sync``. A column that is absent is kept, an empty cell clears.

    A bad line fails alone. ``progress(done, total)``. Raises Refused (``tenant_not_found``, ``invalid_csv``,
    ``too_large``): nothing was imported.
    """
    with parts.database.read(tenant) as work:
        work.settings.get()
    lines = list(_read(rows))
    report: list[ImportRow] = []
    for start in range(0, len(lines), BATCH):
        some = lines[start : start + BATCH]
        with parts.database.write(tenant) as work:
            for number, cells in some:
                report.append(_one(work, number, cells))
        if progress is not None:
            progress(len(report), len(lines))
    counts = {name: sum(row.status == name for row in report) for name in ("created", "updated", "unchanged", "failed")}
    return ImportReport(tuple(report), **counts)


def _read(rows: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(_limited(rows), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(header)
        found = 0
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            found += 1
            if found > MAX_ROWS:
                raise Refused(f"at most {MAX_ROWS} lines", code="too_large", field="rows")
            if len(cells) != len(header):
                cells = []
            yield reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=False))
    except UnicodeDecodeError:
        raise Refused("it is not UTF-8", code="invalid_csv") from None
    except csv.Error as error:
        raise Refused(str(error), code="invalid_csv", line=reader.line_num) from None


def _limited(rows: Iterable[str]) -> Iterator[str]:
    size = 0
    for place, row in enumerate(rows):
        size += len(row.encode("utf-8", "surrogatepass"))
        if size > MAX_BYTES:
            raise Refused(f"at most {MAX_BYTES // 2**20} MB", code="too_large", field="rows")
        yield row.removeprefix("\ufeff") if place == 0 else row


def _check_header(header: list[str]) -> None:
    if (wrong := _wrong_header(header)) is not None:
        raise Refused(f"{wrong}; the first line names the columns: {', '.join(COLUMNS)}", code="invalid_csv", line=1)


def _wrong_header(header: list[str]) -> str | None:
    for sign, name in _NO_COMMAS.items():
        if (
            len(header) == 1
            and sign in header[0]
            and any(cell.strip(' "') in COLUMNS for cell in header[0].split(sign))
        ):
            return f"columns are separated by commas, not by {name}"
    unknown = [name for name in header if name not in COLUMNS]
    if unknown:
        return f"the column {unknown[0][:60]!r} is not known"
    twice = [name for place, name in enumerate(header) if name in header[:place]]
    if twice:
        return f"the column {twice[0]} is there twice"
    return None if "user_id" in header else "the column user_id is missing"


def _one(work: Any, number: int, cells: dict[str, str]) -> ImportRow:
    told = neutral(cells.get("user_id", "")[:200])
    try:
        if not cells:
            raise invalid("line", "has another number of cells than the header", "invalid_csv")
        user_id = identifier(cells["user_id"], "user_id")
        _, status = store_user(work, user_id, _facts(cells))
    except Refused as refused:
        detail = f"{refused.facts.get('field', '')}: {refused.detail}" if refused.detail else ""
        return ImportRow(number, told, "failed", refused.code, neutral(detail))
    return ImportRow(number, told, status)


def _facts(cells: dict[str, str]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name in COLUMNS[1:]:
        if name in cells:
            value = text(cells[name], name, 1000)
            facts[name] = _flag(value) if name == "calendar_sync" else value or None
    return facts


def _flag(value: str) -> bool | None:
    if not value:
        return None
    if value.lower() not in _YES:
        raise invalid("calendar_sync", "must be yes or no")
    return _YES[value.lower()]


def neutral(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
