"""Linking another calendar (SYNC D9): the old one is read a last time, its links are parked, nothing is deleted
unless asked; coming back re-opens what lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from calbridge.connectors.contract import Connector, Delete, Done, Failed
from calbridge.errors import ConnectorError, NotFound
from calbridge.sync import engine
from calbridge.sync.context import PAGE, Context, log, portions
from calbridge.sync.memory import Direction, Intent, Link, LinkState, MadeBy, Op
from calbridge.sync.ports import Clock, Keys, Page, RunStore
from calbridge.sync.transitions import REOPENED, would_mail


@dataclass(frozen=True, slots=True)
class Left:
    """What leaving a calendar did: links parked, events of ours removed there, and those that had to stay.

    ``unread``: code of why it could not be read a last time.
    """

    parked: int
    removed: int
    not_removed: int
    unread: str | None = None


def leave_calendar(connector: Connector, store: RunStore, clock: Clock, keys: Keys, *, remove_ours: bool) -> Left:
    """Read the linked calendar a last time and close its links; with ``remove_ours`` our copies go first.

    The caller holds the lease, then stores the new calendar and calls :func:`enter_calendar`.

    :raises ConnectorError: copies can't be removed; what was done is stored, and leaving may be repeated.
    :raises LeaseLost: another run owns the integration.
    """
    unread = None
    try:
        engine.run(connector, store, clock, keys)
    except ConnectorError as error:
        unread = error.code
    ctx = engine.context(connector, store, clock, keys)
    removed, kept = remove_copies(ctx) if remove_ours else (0, 0)
    return Left(_park(ctx), removed, kept, unread)


def leave_unread(connector: Connector, store: RunStore, clock: Clock, keys: Keys) -> int:
    """Close the links of the linked calendar without a last look, where its account is somebody else's; how many.

    What changed since the last run stays as it is on both sides. Sends nothing; :func:`leave_calendar` otherwise.

    :raises LeaseLost: another run owns the integration.
    """
    return _park(engine.context(connector, store, clock, keys))


def _links(ctx: Context, wanted: Callable[[Link], bool]) -> list[Link]:
    found: list[Link] = []
    after = None
    with ctx.store.page() as page:
        while links := page.all_links(after, PAGE):
            after = links[-1].id
            found += [link for link in links if wanted(link)]
    return found


def remove_copies(ctx: Context) -> tuple[int, int]:
    """Remove every event that we made: how many went, how many had to stay because it would mail guests (A8).

    The user confirmed their number, so the guard does not count them (D8).
    """
    ours = _links(ctx, lambda link: link.live and link.made_by is MadeBy.US)
    going = [link for link in ours if link.editable.existence and not would_mail(link, ctx.setting)]
    size = max(1, ctx.connector.capabilities.write_batch)
    removed = sum(_remove(ctx, some) for some in portions(going, size))
    return removed, len(ours) - removed


def _remove(ctx: Context, links: Sequence[Link]) -> int:
    """One batch, each step stored before its call (D4)."""
    intents = [
        Intent(ctx.keys.new_id(), link.id, Op.DELETE, link.remote_id, link.uid, link.key, created_at=ctx.now)
        for link in links
    ]
    with ctx.store.page() as page:
        for intent in intents:
            page.put_intent(intent)
    ctx.store.renew()
    writes = [Delete(link.remote_id or "", link.seen_version, link.native) for link in links]
    results = ctx.connector.write(ctx.calendar, writes)
    removed = 0
    with ctx.store.page() as page:
        for link, intent, result in zip(links, intents, results, strict=True):
            page.drop_intent(intent.id)
            if isinstance(result, Done) or (isinstance(result, Failed) and isinstance(result.error, NotFound)):
                removed += 1
                log(ctx, page, "remove", Direction.SEND, link, page.item(link.item_id), "calendar_changed")
                page.drop_link(link.id)
    return removed


def _park(ctx: Context) -> int:
    """Close what is open as ``calendar_changed``, with its memories; forget known rows and open steps."""
    with ctx.store.page() as page:
        for intent in page.intents():
            _keep_address(page, intent)
    links = _links(ctx, lambda link: link.state is not LinkState.CLOSED)
    for some in portions(links):
        with ctx.store.page() as page:
            for link in some:
                if link.remote_id is None:
                    page.drop_link(link.id)
                else:
                    page.put_link(parked(link, ctx))
    with ctx.store.page() as page:
        while rows := page.all_known(None, PAGE):
            page.drop_known([row.remote_id for row in rows])
    return sum(1 for link in links if link.remote_id is not None)


def _keep_address(page: Page, intent: Intent) -> None:
    """An open create may have happened: its link is parked with the address, so that it is known on return."""
    link = page.links([intent.link_id]).get(intent.link_id)
    page.drop_intent(intent.id)
    if link is not None and intent.op is Op.CREATE and link.remote_id is None:
        made = replace(link, remote_id=intent.remote_id, uid=intent.uid, key=intent.key, sent=intent.target)
        page.put_link(replace(made, state=LinkState.PENDING))


def parked(link: Link, ctx: Context) -> Link:
    """The closed link that waits for its calendar to come back."""
    return replace(
        link,
        state=LinkState.CLOSED,
        reason="calendar_changed",
        since=ctx.now,
        parked=ctx.calendar,
        gone_at=None,
        work=False,
        reread=False,
    )


def enter_calendar(store: RunStore, clock: Clock) -> int:
    """Start anew on the calendar that is linked now and re-open the links that were parked for it; how many.

    The next run reads their events: a three-way merge where item and event live; where the event is gone the link is
    dropped and the item kept. A link whose item is gone stays closed.
    """
    with store.page() as page:
        state = page.integration()
        page.save_integration(
            replace(state, cursor=None, checkpoint=None, mark=0, baselined=False, projected=None, compared_at=None)
        )
        page.keep_listed(None)
    reopened = 0
    after = None
    while True:
        with store.page() as page:
            links = page.all_links(after, PAGE)
            if not links:
                return reopened
            after = links[-1].id
            reopened += sum(_reopen(page, link, clock) for link in links if link.parked == state.calendar_id)


def _reopen(page: Page, link: Link, clock: Clock) -> int:
    item = page.item(link.item_id)
    other = page.links_of([link.item_id]).get(link.item_id)
    if item is None or item.deleted or (other is not None and other.id != link.id and other.holds_item):
        return 0
    page.put_link(
        replace(
            link,
            state=LinkState.PENDING,
            reason=REOPENED,
            since=clock.now(),
            parked=None,
            seen_version=None,
            work=True,
            reread=True,
        )
    )
    return 1
