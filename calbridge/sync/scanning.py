"""What there is to send (SYNC D2, F2): items above the mark, and those of a range, get links with work."""

from __future__ import annotations

from dataclasses import replace

from calbridge.connectors.contract import Window
from calbridge.domain.item import Item
from calbridge.sync.context import PAGE, Context
from calbridge.sync.memory import Link, LinkState, MadeBy, Outstanding
from calbridge.sync.ports import Page
from calbridge.sync.transitions import next_generation
from calbridge.sync.windows import in_window


def scan_items(ctx: Context) -> Outstanding:
    """Give every item above the mark its work; the mark moves in the same transaction. What is to do after that."""
    while True:
        with ctx.store.page() as page:
            state = page.integration()
            items, mark = page.items_to_scan(state.mark, PAGE)
            links = page.links_of([item.id for item in items]) if items else {}
            for item in items:
                _scan(ctx, page, item, links.get(item.id))
            if mark != state.mark:
                page.save_integration(replace(state, mark=mark))
            if len(items) < PAGE:
                return page.outstanding(ctx.now)


def _scan(ctx: Context, page: Page, item: Item, link: Link | None) -> None:
    if link is not None and link.parked is None:
        _wake(page, item, link)
    elif not item.deleted:
        page.put_link(Link(ctx.keys.new_id(), item.id, since=ctx.now, work=True, synced_version=item.version))


def _wake(page: Page, item: Item, link: Link) -> None:
    """The link of an item that changed; what syncing itself changed is known already.

    An item that was deleted in the PSA and made again is sent again (D3, E1).
    """
    if link.state is LinkState.CLOSED and link.reason == "deleted" and not item.deleted:
        fresh = replace(next_generation(link), state=LinkState.PENDING, reason="recreated", made_by=MadeBy.US)
        page.put_link(replace(fresh, work=True, tries=0, synced_version=item.version))
        return
    if link.state is not LinkState.CLOSED and (link.synced_version != item.version or link.state is LinkState.FAILED):
        page.put_link(replace(link, work=True, retry_at=None, tries=0, synced_version=item.version))


def skip_to_now(ctx: Context) -> None:
    """A baseline sends nothing: the mark passes what existed when it began (D9)."""
    with ctx.store.page() as page:
        state = page.integration()
        mark = state.mark
        while items := page.items_after(mark, PAGE):
            mark = items[-1].seq
        page.save_integration(replace(state, mark=mark))
    ctx.integration = replace(ctx.integration, mark=mark)


def link_range(ctx: Context, window: Window) -> None:
    """A range run of sending (F2): what lies in the window and has no link gets one."""
    after = 0
    while True:
        with ctx.store.page() as page:
            items = page.items_after(after, PAGE)
            if not items:
                return
            links = page.links_of([item.id for item in items])
            for item in items:
                _link_in_range(ctx, page, item, links.get(item.id), window)
            after = items[-1].seq


def _link_in_range(ctx: Context, page: Page, item: Item, link: Link | None, window: Window) -> None:
    """What has no event gets one, also what live sync passed by as too old."""
    shown = item.calendar_content(ctx.setting.options.default_minutes)
    if item.deleted or not in_window(shown, window, ctx.integration.time_zone):
        return
    if link is None or link.parked is not None:
        link = Link(ctx.keys.new_id(), item.id, since=ctx.now, synced_version=item.version)
    if link.remote_id is None and link.state is not LinkState.CLOSED:
        page.put_link(replace(link, work=True, ranged=True))
