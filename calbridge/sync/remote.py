"""Reading the linked calendar (SYNC C1, D2, D6, D11): page by page, checkpointed, every failure stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from calbridge.connectors.contract import Fetched, Gone, Seen, Unknown, Unreadable, Window
from calbridge.connectors.contract import Page as Listing
from calbridge.domain.content import Content
from calbridge.domain.recurrence import last_end, occurrences
from calbridge.domain.times import day
from calbridge.errors import CursorExpired, Rejected
from calbridge.sync.context import MOST, PAGE, Context, failed, in_page, known_row
from calbridge.sync.decide import without_event
from calbridge.sync.memory import Known, KnownState, Link, LinkState
from calbridge.sync.observe import COPY, INDEX, LIVE, observe, unreadable
from calbridge.sync.ports import Page
from calbridge.sync.unfinished import cancel_created


def live_window(ctx: Context) -> Window:
    """What live runs ask for (C1)."""
    today = ctx.now.date()
    horizon = ctx.connector.capabilities.horizon_days
    end = today + timedelta(days=horizon) if horizon is not None else None
    return Window(today - timedelta(days=ctx.setting.options.live_past_days), end)


def read_changes(ctx: Context, *, full: bool = False) -> bool:
    """Follow the delta, or list everything. True when it was read to its end."""
    try:
        return _read(ctx, full)
    except CursorExpired:
        ctx.count("cursor_expired")
        with ctx.store.page() as page:
            state = replace(page.integration(), cursor=None, checkpoint=None)
            page.save_integration(state)
        ctx.integration = replace(ctx.integration, cursor=None, checkpoint=None)
        return _read(ctx, full=True)


def _read(ctx: Context, full: bool) -> bool:
    baseline = not ctx.integration.baselined
    mode = INDEX if baseline else LIVE
    start = None if full else ctx.integration.checkpoint or ctx.integration.cursor
    resumed = start is not None and start == ctx.integration.checkpoint
    listed: set[str] = set()
    bodies = not baseline or _something_to_match(ctx)
    for listing in ctx.connector.changes(ctx.calendar, start, live_window(ctx)):
        ctx.store.renew()
        listed.update(row.remote_id for row in listing.entries if not isinstance(row, Gone))
        _take_page(ctx, listing, mode, bodies)
        if listing.last:
            _finish(ctx, listing, listed, whole=not resumed)
            return True
        _save_checkpoint(ctx, listing)
        if ctx.budget.spent():
            return False
    return False


def _something_to_match(ctx: Context) -> bool:
    """D9: bodies are fetched only if there is something to match."""
    with ctx.store.page() as page:
        return page.has_unlinked_items()


def _save_checkpoint(ctx: Context, listing: Listing) -> None:
    if listing.checkpoint is not None:
        with ctx.store.page() as page:
            page.save_integration(replace(page.integration(), checkpoint=listing.checkpoint))


def _finish(ctx: Context, listing: Listing, listed: set[str], *, whole: bool) -> None:
    """The end of a delta: absences of a complete listing become evidence; the cursor is stored last."""
    with ctx.store.page() as page:
        if listing.full and whole:
            _note_absent(ctx, page, listed, listing.covers or Window())
        state = replace(page.integration(), cursor=listing.cursor, checkpoint=None)
        if listing.full:
            state = replace(state, compared_at=ctx.now)
        page.save_integration(state)
    ctx.integration = replace(ctx.integration, cursor=listing.cursor, checkpoint=None)


def _note_absent(ctx: Context, page: Page, listed: set[str], covers: Window) -> None:
    """D7: absence is evidence only inside what a complete listing covers; D8: an empty calendar is suspicious."""
    ctx.listed_empty = not listed and page.live_count() > 0
    after = None
    while links := page.all_links(after, PAGE):
        after = links[-1].id
        for link in links:
            absent = link.live and link.remote_id not in listed and link.gone_at is None
            if absent and _covered(link.shown, covers):
                page.put_link(replace(link, gone_at=ctx.now, gone_sure=False))
    gone = []
    place = None
    while rows := page.all_known(place, PAGE):
        place = rows[-1].remote_id
        gone += [row.remote_id for row in rows if row.remote_id not in listed and _row_covered(row, covers)]
    _drop_known(page, gone)


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


def _drop_known(page: Page, remote_ids: Sequence[str]) -> None:
    """Forget rows that vanished; what they stood in the way of is decided again (D10)."""
    for row in page.known(remote_ids).values():
        if row.uid:
            page.wake_known(row.uid)
    page.drop_known(remote_ids)


def _take_page(ctx: Context, listing: Listing, mode: str, bodies: bool) -> None:
    if not listing.entries:
        return
    with ctx.store.page() as page:
        wanted = _sort(ctx, page, listing.entries, mode, bodies)
    inline = {row.remote_id: row for row in listing.entries if isinstance(row, Seen) and row.event is not None}
    ready: list[Fetched] = [inline[each] for each in wanted if each in inline]
    take_fetched(ctx, ready, mode)
    fetch_and_take(ctx, [each for each in wanted if each not in inline], mode)


def _sort(ctx: Context, page: Page, entries: Iterable[Seen | Gone | Unreadable], mode: str, bodies: bool) -> list[str]:
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
        elif _is_news(ctx, page, row, known.get(remote_id), mode, bodies):
            wanted.append(remote_id)
    _drop_known(page, [each for each in gone if each in known])
    return wanted


def _is_echo(ctx: Context, page: Page, link: Link, row: Seen) -> bool:
    """The version we know already; reappearing clears a mark of deletion (D8)."""
    if row.version is None or row.version != link.seen_version:
        return False
    if link.gone_at is not None:
        page.put_link(replace(link, gone_at=None, gone_sure=False))
    return True


def _is_news(ctx: Context, page: Page, row: Seen, known: Known | None, mode: str, bodies: bool) -> bool:
    """Whether an unlinked entry has to be read; at a baseline without anything to match it is only listed."""
    if known is not None and row.version is not None and known.version == row.version and not known.recheck:
        return False
    if mode == INDEX and not bodies:
        page.put_known(known_row(ctx, replace(row, event=None)))
        return False
    return True


def _batches(ctx: Context, remote_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many ids as are read and taken in at once, so that memory is bounded (C2)."""
    size = max(1, min(ctx.connector.capabilities.fetch_batch, 500))
    for start in range(0, len(remote_ids), size):
        yield remote_ids[start : start + size]


def fetch_and_take(ctx: Context, remote_ids: Sequence[str], mode: str) -> None:
    """Read and take in, batch by batch, so that memory is bounded by a batch (C2)."""
    for asked in _batches(ctx, remote_ids):
        rows = ctx.fetch(asked)
        answered = {row.remote_id for row in rows}
        silent: list[Fetched] = [Unknown(each) for each in asked if each not in answered]
        take_fetched(ctx, [*rows, *silent], mode)


def take_fetched(ctx: Context, rows: Sequence[Fetched], mode: str) -> None:
    """Take in rows that were read, in one transaction a page."""
    for start in range(0, len(rows), PAGE):
        some = rows[start : start + PAGE]
        in_page(ctx, partial(_take_rows, ctx, some, mode))


def _take_rows(ctx: Context, rows: Sequence[Fetched], mode: str, page: Page) -> None:
    _announce(ctx, page, rows)
    for row in rows:
        _take_row(ctx, page, row, mode)


def _announce(ctx: Context, page: Page, rows: Sequence[Fetched]) -> None:
    """Tell the store what is about to be asked."""
    events = [row.event for row in rows if isinstance(row, Seen) and row.event is not None]
    matches = [match for event in events if (match := ctx.keys.match(event.content))]
    ctx.batch_matches = Counter(matches)
    page.expect(
        remote_ids=[row.remote_id for row in rows],
        uids=[event.uid for event in events if event.uid],
        matches=list(ctx.batch_matches),
        markers=[event.marker for event in events if event.marker],
    )


def _take_row(ctx: Context, page: Page, row: Fetched, mode: str) -> None:
    match row:
        case Seen() if row.event is not None:
            ctx.count("read")
            observe(ctx, page, row, mode)
        case Gone():
            _gone_on_fetch(ctx, page, row)
        case Unreadable():
            unreadable(ctx, page, row)
        case _:
            _read_later(ctx, page, row.remote_id)


def _gone_on_fetch(ctx: Context, page: Page, row: Gone) -> None:
    link = page.links_at([row.remote_id]).get(row.remote_id)
    if link is not None and link.state is LinkState.DETACHED:
        page.put_link(replace(without_event(link), work=link.work))
    elif link is not None and link.live:
        page.put_link(replace(link, gone_at=link.gone_at or ctx.now, gone_sure=row.sure, work=False))
    _drop_known(page, [row.remote_id])


def _read_later(ctx: Context, page: Page, remote_id: str) -> None:
    """No answer about this address: remembered, so that the cursor may pass it (D6)."""
    ctx.count("unknown")
    link = page.links_at([remote_id]).get(remote_id)
    if link is not None and link.state is not LinkState.CLOSED:
        later = failed(link, "no_answer", ctx.now, permanent=False)
        page.put_link(replace(later, seen_version=None, reread=True))
        return
    known = page.known([remote_id]).get(remote_id) or Known(remote_id, state=KnownState.KNOWN)
    page.put_known(replace(known, version=None, recheck=True))


def reread(ctx: Context, mode: str = LIVE) -> None:
    """Read again what must be compared anew: conflicts, changed levels, silent answers."""
    with ctx.store.page() as page:
        links = [link for link in page.links_to_do(ctx.now, MOST) if needs_reading(link)]
        rows = page.known_to_recheck(MOST)
    fetch_and_take(ctx, [link.remote_id for link in links if link.remote_id is not None], LIVE)
    _recheck(ctx, rows, mode)


def needs_reading(link: Link) -> bool:
    """Whether a link with work must be read before it is decided."""
    return link.reread and link.remote_id is not None and link.gone_at is None


def _recheck(ctx: Context, rows: Sequence[Known], mode: str) -> None:
    ids = [row.remote_id for row in rows]
    if not ids:
        return
    with ctx.store.page() as page:
        for row in page.known(ids).values():
            page.put_known(replace(row, recheck=False))
    fetch_and_take(ctx, ids, mode)


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
        and not _known_outside(known.get(row.remote_id), row, window)
    ]
    inline: list[Fetched] = [row for row in wanted if row.event is not None]
    _copy_rows(ctx, inline, window)
    for asked in _batches(ctx, [row.remote_id for row in wanted if row.event is None]):
        _copy_rows(ctx, ctx.fetch(asked), window)


def _known_outside(known: Known | None, row: Seen, window: Window) -> bool:
    same = known is not None and known.indexed and known.version is not None and known.version == row.version
    return same and known is not None and known.first_start is not None and not _row_in(known, window)


def _row_in(row: Known, window: Window) -> bool:
    late = window.start is None or row.last_end is None or row.last_end.date() >= window.start
    return late and (window.end is None or row.first_start is None or row.first_start.date() < window.end)


def _copy_rows(ctx: Context, rows: Sequence[Fetched], window: Window) -> None:
    inside = []
    outside = []
    for row in rows:
        if (
            isinstance(row, Seen)
            and row.event is not None
            and not in_window(row.event.content, window, ctx.integration.time_zone)
        ):
            outside.append(row)
        else:
            inside.append(row)
    take_fetched(ctx, inside, COPY)
    with ctx.store.page() as page:
        here = page.links_at([row.remote_id for row in outside])
        for row in outside:
            if row.remote_id not in here:
                page.put_known(known_row(ctx, row))


def in_window(shown: Content, window: Window, zone: str) -> bool:
    """Whether a single event, or any occurrence of a series, touches days of a window, local in ``zone`` (F2)."""
    span = shown.span
    if span is None:
        return False
    low = day(window.start).instant(zone) if window.start else datetime.min.replace(tzinfo=UTC)
    high = day(window.end).instant(zone) if window.end else datetime.max.replace(tzinfo=UTC)
    if not span.recurring:
        return span.start.instant(zone) < high and span.end.instant(zone) > low
    if window.start is None and window.end is None:
        return True
    if window.end is None:
        end = last_end(shown)
        return end is None or end > low
    start = max(low, span.start.instant(zone) - timedelta(days=1))
    try:
        return next(occurrences(shown, start, high), None) is not None
    except Rejected:
        # Not expanded, so not known to be outside; what takes it in says why it stays a known row.
        return True
