"""One run of one integration (SYNC D): the order of its phases.

Every phase leaves the store in a state from which the next run goes on, whatever happens in between: steps have
intents, evidence is on the links, the cursor is stored after what it covers, the mark with what it passed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import Connector, Window
from calbridge.domain.options import Options
from calbridge.sync import local, ranges, remote, removals, scanning, taking, unfinished
from calbridge.sync.context import PAGE, Context, NoBudget
from calbridge.sync.decisions import Setting
from calbridge.sync.memory import LinkState, MadeBy
from calbridge.sync.observe import INDEX, PAIR
from calbridge.sync.ports import Budget, Clock, Keys, RunStore

COMPARE_EVERY = timedelta(days=1)
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Task:
    """What a run shall do beside catching up: range runs (F2), or a full comparison (D11)."""

    retrieve: Window | None = None
    send: Window | None = None
    compare: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did.

    ``complete``: it was not cut by its budget; ``wrote``: an item or event was written (F4). ``retrieved``: the range
    that it was to retrieve is copied, also where the rest of the run was cut.
    """

    complete: bool
    wrote: bool
    waiting: bool
    counters: Mapping[str, int] = field(default_factory=dict)
    retrieved: bool = True


def run(
    connector: Connector,
    store: RunStore,
    clock: Clock,
    keys: Keys,
    task: Task | None = None,
    budget: Budget | None = None,
) -> Outcome:
    """Catch up with both sides, remote first (D2).

    :raises ConnectorError: of the account or service as a whole; what was done so far is stored.
    :raises LeaseLost: another run owns the integration now.
    """
    task = task or Task()
    ctx = context(connector, store, clock, keys, budget)
    _begin(ctx)
    open_creates = unfinished.look_up(ctx)
    if not remote.read_changes(ctx, full=task.compare, window=task.retrieve):
        return _outcome(ctx, complete=False, retrieved=False)
    quiet = ctx.settled and ctx.integration.baselined and not open_creates
    unfinished.drop_unfound(ctx, open_creates)
    _end_baseline(ctx)
    if not quiet:
        _settle_reading(ctx)
    if task.retrieve is not None and not ctx.range_copied and not ranges.copy_range(ctx, task.retrieve):
        return _outcome(ctx, complete=False, retrieved=False)
    found = scanning.scan_items(ctx)
    if task.send is None and not found.to_do:
        return _outcome(ctx, complete=not ctx.budget.spent(), waiting=found.waiting)
    if task.send is not None:
        scanning.link_range(ctx, task.send)
    _send_all(ctx)
    return _outcome(ctx, complete=not ctx.budget.spent())


def context(connector: Connector, store: RunStore, clock: Clock, keys: Keys, budget: Budget | None = None) -> Context:
    """What the phases of a run share, with the integration as it is stored now."""
    with store.page() as page:
        integration, steps = page.integration(), page.intents()
    setting = Setting(
        options=integration.options,
        integration_id=integration.id,
        now=clock.now(),
        silent_update=connector.capabilities.has(Ability.SILENT_UPDATE),
        leave_confirmed=integration.leave_confirmed,
    )
    return Context(connector, store, clock, keys, integration, setting, budget or NoBudget(), steps)


def _begin(ctx: Context) -> None:
    """The first run passes what exists; changed options and confirmations put links to work."""
    prints = options_print(ctx.setting.options)
    before = ctx.integration.projected
    if before is None:
        scanning.skip_to_now(ctx)
    if before != prints:
        if before is not None:
            _reproject(ctx, retrieve_changed=before.split("|")[0] != prints.split("|")[0])
        with ctx.store.page() as page:
            page.save_integration(replace(page.integration(), projected=prints))
        ctx.integration = replace(ctx.integration, projected=prints)
    _resume_confirmed(ctx)


@lru_cache(maxsize=256)
def options_print(options: Options) -> str:
    """Fingerprints of what the options say about retrieving and about the rest; stable over processes."""
    retrieve, rest = asdict(options.retrieve), asdict(replace(options, retrieve=type(options.retrieve)()))
    return "|".join(hashlib.sha256(_stable(part).encode()).hexdigest()[:16] for part in (retrieve, rest))


def _stable(value: object) -> str:
    return json.dumps(
        value, sort_keys=True, default=lambda each: sorted(each) if isinstance(each, frozenset) else str(each)
    )


def _reproject(ctx: Context, *, retrieve_changed: bool) -> None:
    """B2: all links are decided again; where the view may have changed, the event is read again (B1).

    Page by page; a run that is cut before the fingerprints are stored begins with this anew.
    """
    ctx.count("reprojected", 0)
    after: str | None = None
    while after := _reproject_links(ctx, after, retrieve_changed):
        pass
    place: str | None = None
    while retrieve_changed and (place := _recheck_private(ctx, place)):
        pass


def _reproject_links(ctx: Context, after: str | None, retrieve_changed: bool) -> str | None:
    """One page of links after that id; the last one's id, None when there were none."""
    with ctx.store.page() as page:
        links = page.all_links(after, PAGE)
        for link in links:
            if link.state is LinkState.CLOSED:
                continue
            reads = link.remote_id is not None and (
                link.state is LinkState.DETACHED or (retrieve_changed and link.made_by is not MadeBy.US)
            )
            version = None if reads else link.seen_version
            page.put_link(replace(link, work=True, retry_at=None, seen_version=version, reread=reads or link.reread))
            ctx.count("reprojected")
    return links[-1].id if links else None


def _recheck_private(ctx: Context, after: str | None) -> str | None:
    """One page of known rows after that id; the last one's id, None when there were none."""
    with ctx.store.page() as page:
        rows = page.all_known(after, PAGE)
        for row in rows:
            if row.code == "private":
                page.put_known(row.again())
    return rows[-1].remote_id if rows else None


def _resume_confirmed(ctx: Context) -> None:
    """D8, B3: somebody gave their word, so what waited goes on."""
    state = ctx.integration
    sends = state.confirmed_send_until is not None and state.confirmed_send_until > ctx.now
    if not sends and not state.leave_confirmed:
        return
    after: str | None = None
    while True:
        with ctx.store.page() as page:
            links = page.links_waiting(after, PAGE)
            for link in links:
                if link.gone_at is None:
                    page.put_link(replace(link, work=True))
        if len(links) < PAGE:
            return
        after = links[-1].id


def _end_baseline(ctx: Context) -> None:
    if not ctx.integration.baselined:
        remote.reread(ctx, PAIR)
        with ctx.store.page() as page:
            page.save_integration(replace(page.integration(), baselined=True))
        ctx.integration = replace(ctx.integration, baselined=True)


def _settle_reading(ctx: Context) -> None:
    with ctx.store.page() as page:
        if page.outstanding(ctx.now).settled:
            return
    remote.reread(ctx)
    if removals.execute(ctx):
        remote.reread(ctx)


def _send_all(ctx: Context) -> None:
    """Write, and look again at what met another version or nothing, a bounded number of times."""
    _index_before_creating(ctx)
    for _ in range(ROUNDS):
        local.send(ctx)
        with ctx.store.page() as page:
            left = page.outstanding(ctx.now)
        again = left.gone and ctx.counters.get("waiting_deletions", 0) == 0
        if ctx.budget.spent() or not (again or left.to_do):
            return
        _settle_reading(ctx)


def _index_before_creating(ctx: Context) -> None:
    """D9: a create first adopts, so what is listed must have been read once."""
    with ctx.store.page() as page:
        if not page.known_to_index(1) or not page.has_creates(ctx.now):
            return
    while not ctx.budget.spent():
        with ctx.store.page() as page:
            rows = page.known_to_index(max(1, ctx.connector.capabilities.fetch_batch))
        if not rows:
            return
        taking.fetch_and_take(ctx, [row.remote_id for row in rows], INDEX)
        with ctx.store.page() as page:
            for row in page.known([row.remote_id for row in rows]).values():
                if not row.indexed:
                    page.put_known(replace(row, indexed=True))


def _outcome(ctx: Context, *, complete: bool, waiting: bool | None = None, retrieved: bool = True) -> Outcome:
    """The end of a run. The word for leaving copies holds for the one complete run that began with it (B3)."""
    used_up = complete and ctx.integration.leave_confirmed
    if waiting is None or used_up:
        with ctx.store.page() as page:
            waiting = page.outstanding(ctx.now).waiting
            state = page.integration()
            # Options that changed meanwhile came with a word of their own.
            if used_up and state.options == ctx.integration.options:
                page.save_integration(replace(state, leave_confirmed=False))
    return Outcome(complete, ctx.wrote, waiting, dict(ctx.counters), retrieved)


def compare_due(compared_at: datetime | None, now: datetime) -> bool:
    """Whether the daily comparison is due (D11)."""
    return compared_at is None or now - compared_at >= COMPARE_EVERY
