"""Ranges of days, and range runs of retrieving (SYNC F2): what lies in a window is copied."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from calbridge.connectors.contract import Fetched, Gone, Seen, Unreadable, Window
from calbridge.domain.content import Content
from calbridge.domain.recurrence import last_end, occurrences
from calbridge.domain.times import day
from calbridge.errors import Rejected
from calbridge.sync.context import Context, known_row
from calbridge.sync.memory import Known
from calbridge.sync.observe import COPY
from calbridge.sync.taking import batches, read, take_fetched


def copy_range(ctx: Context, window: Window) -> None:
    """A range run (F2): list on its own, copy what lies in the window, discard the cursor."""
    ctx.count("range_runs")
    for listing in ctx.connector.changes(ctx.calendar, None, window):
        ctx.store.renew()
        _copy_page(ctx, [row for row in listing.entries if not isinstance(row, Gone)], window)


def _copy_page(ctx: Context, entries: Sequence[Seen | Unreadable], window: Window) -> None:
    ids = [row.remote_id for row in entries]
    with ctx.store.page() as page:
        links, known = page.links_at(ids), page.known(ids)
    wanted = [
        row
        for row in entries
        if isinstance(row, Seen)
        and not (row.remote_id in links and links[row.remote_id].live)
        and not known_outside(known.get(row.remote_id), row, window)
    ]
    inline: list[Fetched] = [row for row in wanted if row.event is not None]
    copy_rows(ctx, inline, window)
    for asked in batches(ctx, [row.remote_id for row in wanted if row.event is None]):
        copy_rows(ctx, ctx.fetch(asked), window)


def fetch_and_copy(ctx: Context, remote_ids: Sequence[str], window: Window) -> None:
    """Read and take in, batch by batch, for a listing that is a baseline's too: no address is left without a row."""
    for asked in batches(ctx, remote_ids):
        copy_rows(ctx, read(ctx, asked), window)


def known_outside(known: Known | None, row: Seen, window: Window) -> bool:
    """Whether an unlinked entry is known as it is listed, and lies outside."""
    same = known is not None and known.indexed and known.version is not None and known.version == row.version
    return same and known is not None and known.first_start is not None and not _row_in(known, window)


def _row_in(row: Known, window: Window) -> bool:
    late = window.start is None or row.last_end is None or row.last_end.date() >= window.start
    return late and (window.end is None or row.first_start is None or row.first_start.date() < window.end)


def copy_rows(ctx: Context, rows: Sequence[Fetched], window: Window) -> None:
    """Copy what lies inside, take in what is linked, and only remember the rest."""
    zone = ctx.integration.time_zone
    outside = [
        row
        for row in rows
        if isinstance(row, Seen) and row.event is not None and not in_window(row.event.content, window, zone)
    ]
    if outside:
        with ctx.store.page() as page:
            here = page.links_at([row.remote_id for row in outside])
            outside = [row for row in outside if row.remote_id not in here or not here[row.remote_id].live]
            for row in outside:
                if row.remote_id not in here:
                    page.put_known(known_row(ctx, row))
    passed = {id(row) for row in outside}
    take_fetched(ctx, [row for row in rows if id(row) not in passed], COPY)


def in_window(shown: Content, window: Window, zone: str) -> bool:
    """Whether a single event, or any occurrence of a series, touches days of a window, local in ``zone`` (F2)."""
    span = shown.span
    if span is None:
        return False
    if window.start is None and window.end is None:
        return True
    low = day(window.start).instant(zone) if window.start else datetime.min.replace(tzinfo=UTC)
    high = day(window.end).instant(zone) if window.end else datetime.max.replace(tzinfo=UTC)
    if not span.recurring:
        return span.start.instant(zone) < high and span.end.instant(zone) > low
    if window.end is None:
        end = last_end(shown)
        return end is None or end > low
    try:
        start = max(low, span.start.instant(zone) - timedelta(days=1))
        return next(occurrences(shown, start, high), None) is not None
    except (Rejected, OverflowError):
        # Not expanded, so not known to be outside; what takes it in says why it stays a known row.
        return True


def local_window(today: date, past_days: int | None, future_days: int | None) -> Window:
    """A range of local days around today; None is unbounded (F2)."""
    start = today - timedelta(days=past_days) if past_days is not None else None
    end = today + timedelta(days=future_days + 1) if future_days is not None else None
    return Window(start, end)
