"""Taking in what was read (SYNC C2, D6): batch by batch and page by page, every failure stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from calbridge.connectors.contract import Fetched, Gone, Seen, Unknown, Unreadable
from calbridge.sync.context import PAGE, RETRY_FIRST, Context, failed, in_page, pause_after, portions
from calbridge.sync.memory import Known, KnownState, LinkState
from calbridge.sync.observe import observe, unreadable
from calbridge.sync.ports import Page
from calbridge.sync.transitions import without_event

NEXT_RUN = timedelta(minutes=1)
"""Not in this run, whose questions follow each other closely."""


def batches(ctx: Context, remote_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many ids as are read and taken in at once, so that memory is bounded (C2)."""
    return portions(remote_ids, max(1, min(ctx.connector.capabilities.fetch_batch, PAGE)))


def page_of_batches(ctx: Context) -> int:
    """As many rows as make a page and are read in full batches."""
    batch = max(1, ctx.connector.capabilities.fetch_batch)
    return batch * max(1, PAGE // batch)


def fetch_and_take(ctx: Context, remote_ids: Sequence[str], mode: str) -> None:
    """Read and take in, batch by batch, so that memory is bounded by a batch (C2)."""
    for asked in batches(ctx, remote_ids):
        take_fetched(ctx, read(ctx, asked), mode)


def read(ctx: Context, asked: Sequence[str]) -> list[Fetched]:
    """What is there, with a row for every address that got no answer."""
    rows = ctx.fetch(asked)
    answered = {row.remote_id for row in rows}
    return [*rows, *(Unknown(each) for each in asked if each not in answered)]


def take_fetched(ctx: Context, rows: Sequence[Fetched], mode: str) -> None:
    """Take in rows that were read, in one transaction a page."""
    for some in portions(rows):
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
    drop_known(page, [row.remote_id])


def _read_later(ctx: Context, page: Page, remote_id: str) -> None:
    """No answer about this address: remembered, so that the cursor may pass it (D6)."""
    ctx.count("unknown")
    link = page.links_at([remote_id]).get(remote_id)
    if link is not None and link.state is LinkState.DETACHED:
        page.put_link(replace(link, seen_version=None, reread=True, work=True, retry_at=ctx.now + RETRY_FIRST))
        return
    if link is not None and link.state is not LinkState.CLOSED:
        later = failed(link, "no_answer", ctx.now, permanent=False)
        page.put_link(replace(later, seen_version=None, reread=True))
        return
    known = page.known([remote_id]).get(remote_id) or Known(remote_id, state=KnownState.KNOWN)
    # The next run asks again; whoever is silent then is left in peace for longer and longer.
    pause = pause_after(known.tries - 1) if known.tries else NEXT_RUN
    page.put_known(replace(known, recheck=True, retry_at=ctx.now + pause, tries=known.tries + 1))


def drop_known(page: Page, remote_ids: Sequence[str]) -> None:
    """Forget rows that vanished; what they stood in the way of is decided again (D10)."""
    gone = page.known(remote_ids)
    for row in gone.values():
        if row.uid:
            page.wake_known(row.uid)
        rivals = page.known_matching(None, row.match, None) if row.state is KnownState.AMBIGUOUS else ()
        for rival in rivals:
            if rival.remote_id not in gone and rival.state is KnownState.AMBIGUOUS:
                page.put_known(rival.again())
    page.drop_known(remote_ids)
