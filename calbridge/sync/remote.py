"""Reading the linked calendar (SYNC C1, D2, D6, D11): page by page, checkpointed, every failure stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from calbridge.connectors.contract import Fetched, Gone, Seen, Unreadable, Window
from calbridge.connectors.contract import Page as Listing
from calbridge.domain.content import Content
from calbridge.errors import CursorExpired
from calbridge.sync.context import Context, known_row, portions
from calbridge.sync.memory import Known, Link
from calbridge.sync.observe import INDEX, LIVE, PAIR, unreadable
from calbridge.sync.ports import Page
from calbridge.sync.ranges import copy_rows, fetch_and_copy, known_outside
from calbridge.sync.taking import drop_known, fetch_and_take, page_of_batches, take_fetched
from calbridge.sync.unfinished import cancel_created


def live_window(ctx: Context) -> Window:
    """What live runs ask for (C1)."""
    today = ctx.now.date()
    horizon = ctx.connector.capabilities.horizon_days
    end = today + timedelta(days=horizon) if horizon is not None else None
    return Window(today - timedelta(days=ctx.setting.options.live_past_days), end)


def read_changes(ctx: Context, *, full: bool = False, window: Window | None = None) -> bool:
    """Follow the delta, or list everything. True when it was read to its end.

    ``window`` is the range that this run is to copy: a baseline with nothing to match copies it from its own listing.
    """
    try:
        return _read(ctx, full, window)
    except CursorExpired:
        ctx.count("cursor_expired")
        with ctx.store.page() as page:
            state = replace(page.integration(), cursor=None, checkpoint=None)
            page.save_integration(state)
            page.keep_listed(None)
        ctx.integration = replace(ctx.integration, cursor=None, checkpoint=None)
        return _read(ctx, True, window)


def _read(ctx: Context, full: bool, window: Window | None) -> bool:
    baseline = not ctx.integration.baselined
    mode = INDEX if baseline else LIVE
    # A listing that was cut goes on (D13), even where all is to be compared: begun anew it might never come to an end.
    start = ctx.integration.checkpoint or (None if full else ctx.integration.cursor)
    resumed = start is not None and start == ctx.integration.checkpoint
    listed = _listed_before(ctx) if resumed else set()
    ctx.listed_anew = not baseline and (start is None or resumed)
    bodies = not baseline or _something_to_match(ctx)
    copied = None if bodies else window
    for listing in ctx.connector.changes(ctx.calendar, start, live_window(ctx)):
        ctx.store.renew()
        if listed is not None:
            listed.update(row.remote_id for row in listing.entries if not isinstance(row, Gone))
        _take_page(ctx, listing, mode, bodies, copied)
        if listing.last:
            _finish(ctx, listing, listed)
            if copied is not None and not resumed:
                _note_copied(ctx, listing, copied)
            return True
        cut = ctx.budget.spent()
        _save_checkpoint(ctx, listing, listed if cut else None)
        if cut:
            return False
    return False


def _listed_before(ctx: Context) -> set[str] | None:
    """What the listing named before it was cut; None where the run that was at it was killed."""
    with ctx.store.page() as page:
        return page.listed()


def _note_copied(ctx: Context, listing: Listing, window: Window) -> None:
    """Whether the range is done: the listing reached beyond it, and every address answered."""
    covers = listing.covers or Window()
    early = covers.start is None or (window.start is not None and covers.start < window.start)
    late = covers.end is None or (window.end is not None and covers.end > window.end)
    if listing.full and early and late and not ctx.counters.get("unknown"):
        ctx.count("range_runs")
        ctx.range_copied = True


def _something_to_match(ctx: Context) -> bool:
    """D9: bodies are fetched only if there is something to match."""
    with ctx.store.page() as page:
        return page.has_unlinked_items()


def _save_checkpoint(ctx: Context, listing: Listing, listed: set[str] | None) -> None:
    """``listed``: what was named so far, to be kept where the run ends here."""
    if listing.checkpoint is not None:
        with ctx.store.page() as page:
            page.save_integration(replace(page.integration(), checkpoint=listing.checkpoint))
            if listed is not None:
                page.keep_listed(listed)


def _finish(ctx: Context, listing: Listing, listed: set[str] | None) -> None:
    """The end of a delta: absences of a complete listing become evidence; the cursor is stored last.

    ``listed``: what was named; None where a part of that is not known, so nothing is absent, or compared (D11).
    """
    if listing.full and listed is not None:
        _note_absent(ctx, listed, listing.covers or Window())
    with ctx.store.page() as page:
        before = page.integration()
        state = replace(before, cursor=listing.cursor, checkpoint=None)
        if listing.full:
            state = replace(state, compared_at=ctx.now if listed is not None else None)
        page.save_integration(state)
        if before.checkpoint is not None:
            page.keep_listed(None)
        ctx.settled = page.outstanding(ctx.now).settled
    ctx.integration = replace(ctx.integration, cursor=listing.cursor, checkpoint=None)


def _note_absent(ctx: Context, listed: set[str], covers: Window) -> None:
    """D7: absence is evidence only inside what a complete listing covers; D8: an empty calendar is suspicious."""
    with ctx.store.page() as page:
        ctx.listed_empty = not listed and page.live_count() > 0
        links, known = page.links_not_at(listed), page.known_not_at(listed)
    for some in portions(links):
        with ctx.store.page() as page:
            for link in page.links(some).values():
                if link.live and link.gone_at is None and _covered(link.shown, covers):
                    page.put_link(replace(link, gone_at=ctx.now, gone_sure=False))
    for some in portions(known):
        with ctx.store.page() as page:
            rows = page.known(some).values()
            drop_known(page, [row.remote_id for row in rows if _row_covered(row, covers)])


def _covered(shown: Content, covers: Window) -> bool:
    span = shown.span
    if covers.start is None and covers.end is None:
        return True
    if span is None or (span.recurring and covers.end is not None):
        return False
    starts, ends = span.start.local.date(), span.end.local.date()
    return (covers.start is None or ends > covers.start) and (covers.end is None or starts < covers.end)


def _row_covered(row: Known, covers: Window) -> bool:
    if covers.start is None and covers.end is None:
        return True
    if row.first_start is None or row.last_end is None:
        return False
    late = covers.start is None or row.last_end.date() > covers.start
    return late and (covers.end is None or row.first_start.date() < covers.end)


def _take_page(ctx: Context, listing: Listing, mode: str, bodies: bool, copied: Window | None) -> None:
    if not listing.entries:
        return
    with ctx.store.page() as page:
        wanted = _sort(ctx, page, listing.entries, mode, bodies, copied)
    inline = {row.remote_id: row for row in listing.entries if isinstance(row, Seen) and row.event is not None}
    ready: list[Fetched] = [inline[each] for each in wanted if each in inline]
    rest = [each for each in wanted if each not in inline]
    unanswered = ctx.counters.get("unknown", 0)
    if copied is None:
        take_fetched(ctx, ready, mode)
        fetch_and_take(ctx, rest, mode)
    else:
        copy_rows(ctx, ready, copied)
        fetch_and_copy(ctx, rest, copied)
    if mode == INDEX and ctx.counters.get("unknown", 0) > unanswered:
        _keep_versions(ctx, listing, rest)


def _keep_versions(ctx: Context, listing: Listing, asked: Sequence[str]) -> None:
    """What gave no answer at the baseline is no news while it stays as it was listed (D9)."""
    versions = {row.remote_id: row.version for row in listing.entries if isinstance(row, Seen)}
    with ctx.store.page() as page:
        for row in page.known(asked).values():
            if row.recheck and not row.indexed:
                page.put_known(replace(row, version=versions.get(row.remote_id)))


def _sort(
    ctx: Context,
    page: Page,
    entries: Iterable[Seen | Gone | Unreadable],
    mode: str,
    bodies: bool,
    copied: Window | None,
) -> list[str]:
    """Drop echoes and what is unknown and gone, note evidence; answer what must be read."""
    last = {row.remote_id: row for row in entries}
    ids = list(last)
    links, known = page.links_at(ids), page.known(ids)
    gone = [each for each, row in last.items() if isinstance(row, Gone)]
    cancel_created(ctx, page, gone)
    wanted: list[str] = []
    for remote_id, row in last.items():
        link = links.get(remote_id)
        if isinstance(row, Gone):
            if link is not None and link.live:
                page.put_link(replace(link, gone_at=link.gone_at or ctx.now, gone_sure=row.sure))
        elif isinstance(row, Unreadable):
            unreadable(ctx, page, row)
        elif link is not None and link.live:
            if _is_echo(ctx, page, link, row):
                continue
            wanted.append(remote_id)
        elif copied is not None:
            if not known_outside(known.get(remote_id), row, copied):
                wanted.append(remote_id)
        elif _is_news(ctx, page, row, known.get(remote_id), mode, bodies):
            wanted.append(remote_id)
    drop_known(page, [each for each in gone if each in known])
    return wanted


def _is_echo(ctx: Context, page: Page, link: Link, row: Seen) -> bool:
    """The version we know already; reappearing clears a mark of deletion (D8)."""
    if row.version is None or row.version != link.seen_version:
        return False
    if link.gone_at is not None:
        page.put_link(replace(link, gone_at=None, gone_sure=False, work=link.work or link.waits))
    return True


def _is_news(ctx: Context, page: Page, row: Seen, known: Known | None, mode: str, bodies: bool) -> bool:
    """Whether an unlinked entry has to be read; at a baseline without anything to match it is only listed."""
    if known is not None and row.version is not None and known.version == row.version and not known.recheck:
        return False
    if mode == INDEX and not bodies:
        page.put_known(known_row(ctx, replace(row, event=None)))
        return False
    return True


def reread(ctx: Context, mode: str = LIVE) -> None:
    """Read again what must be compared anew: conflicts, changed levels, silent answers.

    Page by page: what is left when the time of a slice is over keeps its mark, and the next run goes on (D13). The
    pairs of a baseline (``PAIR``) are few, and all of them are read before it ends.
    """
    size = page_of_batches(ctx)
    after: str | None = None
    while True:
        with ctx.store.page() as page:
            links = page.links_to_read(ctx.now, after, size)
        fetch_and_take(ctx, [link.remote_id for link in links if link.remote_id is not None], LIVE)
        if len(links) < size:
            break
        if ctx.budget.spent():
            return
        after = links[-1].id
    place: str | None = None
    while place := _recheck(ctx, place, size, mode):
        if mode != PAIR and ctx.budget.spent():
            return


def _recheck(ctx: Context, after: str | None, size: int, mode: str) -> str | None:
    """Decide known rows after that id again; the last one's id where there may be more."""
    with ctx.store.page() as page:
        rows = page.known_to_recheck(ctx.now, after, size)
    fetch_and_take(ctx, [row.remote_id for row in rows], mode)
    return rows[-1].remote_id if len(rows) == size else None
