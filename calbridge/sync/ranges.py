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

COPIED_BY_RANGES = frozenset({None, "past", "not_retrieved"})
"""Codes of what live sync leaves out and a range run does not."""


def copy_range(ctx: Context, window: Window) -> bool:
    """A range run (F2): list on its own, copy what lies in the window, discard the cursor. Whether all was copied.

    It is cut when the time of its slice is over (D13), but not before it copied something: what it reads when it is
    done again is that much less, so it comes to its end.
    """
    ctx.count("range_runs")
    copied = _copied(ctx)
    for listing in ctx.connector.changes(ctx.calendar, None, window):
        ctx.store.renew()
        rows = _to_copy(ctx, [row for row in listing.entries if not isinstance(row, Gone)], window)
        copy_rows(ctx, [row for row in rows if row.event is not None], window)
        left = [row.remote_id for row in rows if row.event is None]
        for asked in batches(ctx, left):
            if ctx.budget.spent() and _copied(ctx) > copied:
                return False
            copy_rows(ctx, read(ctx, asked), window)
    return True


def _copied(ctx: Context) -> int:
    return ctx.counters.get("items_created", 0)


def _to_copy(ctx: Context, entries: Sequence[Seen | Unreadable], window: Window) -> list[Seen]:
    """What may lie in the window and has no link; last what was left out before, for whatever reason."""
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
    return sorted(wanted, key=lambda row: _left_out(known.get(row.remote_id)))


def _left_out(known: Known | None) -> bool:
    return known is not None and (known.ranged is not None or known.code not in COPIED_BY_RANGES)


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
            ids = [row.remote_id for row in outside]
            here, known = page.links_at(ids), page.known(ids)
            outside = [row for row in outside if row.remote_id not in here or not here[row.remote_id].live]
            for row in outside:
                if row.remote_id not in here:
                    page.put_known(known_row(ctx, row, **_decided(known.get(row.remote_id))))
    passed = {id(row) for row in outside}
    take_fetched(ctx, [row for row in rows if id(row) not in passed], COPY)
    _copy_later(ctx, [row.remote_id for row in rows if isinstance(row, Unknown)], window)


def _decided(known: Known | None) -> dict[str, object]:
    """What was found out, or said by a person, about an event that a range passes."""
    return {"state": known.state, "code": known.code} if known and (known.ignored or known.stood_aside) else {}


def _copy_later(ctx: Context, remote_ids: Sequence[str], window: Window) -> None:
    """What got no answer stays asked for: whichever run reads it copies it (D6)."""
    if not remote_ids:
        return
    with ctx.store.page() as page:
        for row in page.known(remote_ids).values():
            page.put_known(replace(row, ranged=window))
