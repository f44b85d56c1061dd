"""Range runs of retrieving (SYNC F2): what lies in a window is copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from calbridge.connectors.contract import Fetched, Gone, Seen, Unknown, Unreadable, Window
from calbridge.sync.context import Context, known_row
from calbridge.sync.memory import Known
from calbridge.sync.observe import COPY
from calbridge.sync.taking import batches, read, take_fetched
from calbridge.sync.windows import in_window


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
    fetch_and_copy(ctx, [row.remote_id for row in wanted if row.event is None], window)


def fetch_and_copy(ctx: Context, remote_ids: Sequence[str], window: Window) -> None:
    """Read and take in, batch by batch; no address is left without a row."""
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
    _copy_later(ctx, [row.remote_id for row in rows if isinstance(row, Unknown)], window)


def _copy_later(ctx: Context, remote_ids: Sequence[str], window: Window) -> None:
    """What got no answer stays asked for: whichever run reads it copies it (D6)."""
    if not remote_ids:
        return
    with ctx.store.page() as page:
        for row in page.known(remote_ids).values():
            page.put_known(replace(row, ranged=window))
