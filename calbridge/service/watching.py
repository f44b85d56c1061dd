"""Push subscriptions of integrations: made, renewed and ended, each as one step of a job (contract C12).

Subscribing never stands in the way of syncing: what can't be subscribed to is polled. A row is stored before the
service is asked and completed when it answered, so a notice that comes early is known, and so is a question whose
answer nobody has.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from calbridge.connectors.contract import Connector, ConnectorSpec, Subscription, Watch, Watching
from calbridge.domain.tenant_settings import Mechanism
from calbridge.errors import BudgetSpent, CalbridgeError, ConnectorError, Refused, SignInRequired
from calbridge.log import bound, get_logger
from calbridge.service.opening import opened, usable_account
from calbridge.service.outages import went_wrong
from calbridge.service.parts import Parts
from calbridge.service.polling import pause_between_polls, pushes
from calbridge.service.tenant_settings import settings_of_tenant
from calbridge.service.watch_rules import CLAIM, ENDINGS, Plan, Wanted, Wish, pause, plan, renewal
from calbridge.store.accounts import StoredAccount
from calbridge.store.integrations import StoredIntegration
from calbridge.store.watches import (
    ASKED,
    LIVE,
    StoredWatch,
    due_watches,
    leave_unwatched,
    push_to,
    pushed_elsewhere,
    unwatched_due,
)
from calbridge.store.work import Work
from calbridge.sync.memory import Direction

ENDING_SECONDS = 10.0
"""For ending the subscriptions of a user or a tenant that is being erased; the others end by themselves."""
MOST = 1000
LEAST_LIFE = timedelta(minutes=1)
"""Before a subscription is looked after again, however soon the service lets it end."""

log = get_logger(__name__)


def watches_due(parts: Parts, limit: int = 200) -> list[tuple[str, str]]:
    """Tenant and id of integrations whose subscriptions are to be looked after, tenants in turn.

    Where services push to another address than before, all of them are. Raises DatabaseUnusable.
    """
    services = pushing_services(parts)
    pushed_at = f"{_base(parts) or ''} {' '.join(services)}"
    with parts.database.system_read() as system:
        due = due_watches(system.connection, system.now, services, limit)
        moved = pushed_elsewhere(system.connection, pushed_at)
        others = unwatched_due(system.connection, system.now, services)
    if moved or others:
        with parts.database.system_write() as system:
            leave_unwatched(system.connection, system.now, services)
            if moved:
                push_to(system.connection, system.now, pushed_at, services)
    return due


def pushing_services(parts: Parts) -> list[str]:
    """Services that can tell of changes."""
    return sorted(service.name for spec in parts.registry.specs if pushes(spec) for service in spec.services)


def _base(parts: Parts) -> str | None:
    """Where services reach this installation: over TLS, or not at all."""
    told = parts.settings.public_url
    return told if told is not None and told.startswith("https://") else None


@dataclass(frozen=True, slots=True)
class _Claimed:
    """An integration that is the caller's to look after, with what that takes; ``account`` of None can't be used."""

    integration: StoredIntegration
    spec: ConnectorSpec
    mechanism: Mechanism
    plan: Plan
    wanted: Wanted | None
    account: StoredAccount | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class _Outcome:
    """What came of it: the plan's own time of the next look, unless something else is said."""

    look: timedelta | None = None
    tries: int = 0
    code: str | None = None
    fresh: StoredWatch | None = None
    gap: bool = False
    dropped: list[str] = field(default_factory=list)


def keep_watch(parts: Parts, tenant: str, integration_id: str) -> None:
    """Look after the subscriptions of one integration, if they are due and nobody else does.

    What a service refuses is told in its log and tried again later. Raises DatabaseUnusable, Refused
    (``integration_not_found``): it was deleted meanwhile.
    """
    claimed = _claim(parts, tenant, integration_id)
    if claimed is None:
        return
    with bound(tenant=tenant, integration=integration_id):
        outcome = _carry_out(parts, tenant, claimed)
        _close(parts, tenant, claimed, outcome)


def _claim(parts: Parts, tenant: str, integration_id: str) -> _Claimed | None:
    with parts.database.write(tenant) as work:
        integration = work.integrations.claim_watches(integration_id, work.now + CLAIM)
        if integration is None:
            return None
        claimed = _decided(parts, work, integration)
        if claimed is None:
            work.integrations.watches_looked_after(integration, None, 0, None)
        return claimed


def _decided(parts: Parts, work: Work, integration: StoredIntegration) -> _Claimed | None:
    """What is to be done, stored as far as it needs nobody else; None where the service does not push."""
    try:
        spec = parts.registry.spec_for(integration.service)
    except Refused:
        return None
    watches = work.watches.list(integration.id)
    if not pushes(spec) and not watches:
        return None
    mechanism = settings_of_tenant(work).mechanism
    try:
        account, secret = usable_account(work, integration.account_id)
    except CalbridgeError:
        account, secret = None, None
    wish = _wish(parts, integration, spec, mechanism, usable=account is not None)
    wanted = None
    base = _base(parts)
    if wish is Wish.PUSH and account is not None and base is not None:
        wanted = Wanted(integration.calendar_id or "", account.id, base)
    decided = plan(wish, wanted, watches, work.now)
    work.watches.drop([each.id for each in decided.drop])
    # What is being ended may be over although nobody hears of it.
    if doubtful := [each.id for each in (*decided.doubt, *decided.end)]:
        work.watches.doubt(doubtful)
    return _Claimed(integration, spec, mechanism, decided, wanted, account, secret)


def _wish(
    parts: Parts, integration: StoredIntegration, spec: ConnectorSpec, mechanism: Mechanism, *, usable: bool
) -> Wish:
    switched_on = integration.active and integration.stopped is None and mechanism is not Mechanism.POLLING
    if not switched_on or not pushes(spec) or _base(parts) is None or integration.calendar_id is None:
        return Wish.NONE
    if integration.status == "not_connected" or not usable:
        return Wish.WAIT
    return Wish.PUSH if integration.status == "connected" else Wish.NONE


def _carry_out(parts: Parts, tenant: str, claimed: _Claimed) -> _Outcome:
    outcome = _Outcome(tries=claimed.integration.watch_tries)
    if claimed.plan.ask:
        _subscribe(parts, tenant, claimed, outcome)
    _end_each(parts, tenant, claimed.plan.end, outcome)
    if outcome.look is None:
        outcome.tries = 0
    return outcome


def _subscribe(parts: Parts, tenant: str, claimed: _Claimed, outcome: _Outcome) -> None:
    """Ask for a subscription, in the place of the former one where there is one."""
    wanted, account, former = claimed.wanted, claimed.account, claimed.plan.former
    assert wanted is not None
    assert account is not None
    assert claimed.secret is not None
    address_id, token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with parts.database.write(tenant) as work:
        work.integrations.require(claimed.integration.id)
        row = StoredWatch(
            work.keys.new_id(),
            claimed.integration.id,
            account.id,
            claimed.spec.name,
            wanted.calendar_id,
            wanted.base,
            ASKED,
            work.now,
        )
        work.watches.add(row, address_id, token)
    address = f"{wanted.base}/v1/notifications/{claimed.spec.name}/{address_id}"
    subscription = Subscription(row.id, address, token)

    def ask(connector: Connector) -> Watch:
        assert isinstance(connector, Watching), "a connector that claims PUSH can watch"
        if former is None or former.state is None or former.expires_at is None:
            return connector.watch(wanted.calendar_id, subscription)
        return connector.renew(wanted.calendar_id, Watch(former.state, former.expires_at), subscription)

    told, failure = _asked(parts, tenant, account, claimed.secret, ask)
    if told is None:
        # Also where the service may have agreed: what it then pushes comes to an unknown address, until it ends.
        outcome.dropped.append(row.id)
        _failed(parts, tenant, claimed, outcome, failure)
        return
    outcome.fresh = replace(row, status=LIVE, state=told.state, expires_at=told.expires_at)
    unanswered = any(each.status == ASKED for each in claimed.plan.drop)
    outcome.gap = former is None or former.status != LIVE or unanswered
    if former is not None:
        outcome.dropped.append(former.id)


def _asked(
    parts: Parts, tenant: str, account: StoredAccount, secret: str, ask: Callable[[Connector], Watch | None]
) -> tuple[Watch | None, CalbridgeError | None]:
    """What a service answered, or how it failed; a connector that breaks fails like any other."""
    try:
        with opened(parts, tenant, account, secret) as connector:
            return ask(connector), None
    except (ConnectorError, Refused) as error:
        return None, error
    except CalbridgeError:
        raise
    except Exception as error:
        log.error("watch_broke", exc_info=error)
        return None, ConnectorError(code="internal_error")


def _failed(parts: Parts, tenant: str, claimed: _Claimed, outcome: _Outcome, error: CalbridgeError | None) -> None:
    """Try again later, and say so once."""
    known = error if isinstance(error, ConnectorError) else None
    outcome.look = pause(known, outcome.tries, parts.random.random())
    if isinstance(error, BudgetSpent):
        # Nothing was asked, so nothing was refused.
        outcome.look = timedelta(seconds=error.retry_after or 1.0)
        outcome.code = claimed.integration.watch_code
        return
    outcome.code = error.code if error is not None else "internal_error"
    outcome.tries += 1
    log.warning("not_watched", code=outcome.code, tries=outcome.tries, mechanism=claimed.mechanism.value)
    if isinstance(error, SignInRequired):
        # That concerns the account, whoever finds it (C5).
        went_wrong(parts, tenant, claimed.integration, error)


def _end_each(parts: Parts, tenant: str, watches: Iterable[StoredWatch], outcome: _Outcome) -> None:
    for each in watches:
        if _ended(parts, tenant, each) or outcome.tries >= ENDINGS:
            outcome.dropped.append(each.id)
        else:
            outcome.look = pause(None, outcome.tries, parts.random.random())
            outcome.tries += 1


def _ended(parts: Parts, tenant: str, watch: StoredWatch) -> bool:
    """End a subscription at the service; whether there is nothing left to do."""
    with parts.database.read(tenant) as work:
        try:
            account, secret = usable_account(work, watch.account_id)
        except CalbridgeError:
            return True
    return _unwatched(parts, tenant, watch, account, secret)


def _unwatched(parts: Parts, tenant: str, watch: StoredWatch, account: StoredAccount, secret: str) -> bool:
    state, expires_at = watch.state, watch.expires_at
    if state is None or expires_at is None:
        return True

    def end(connector: Connector) -> None:
        if isinstance(connector, Watching):
            connector.unwatch(watch.calendar_id, Watch(state, expires_at))

    _, error = _asked(parts, tenant, account, secret, end)
    if error is not None:
        log.info("not_unwatched", code=error.code)
    return error is None


def _close(parts: Parts, tenant: str, claimed: _Claimed, outcome: _Outcome) -> None:
    """What came of it, in one transaction. A subscription that nobody wants any more is ended at once."""
    integration = claimed.integration
    unwanted = None
    with parts.database.write(tenant) as work:
        look_at = claimed.plan.look_at
        if (fresh := outcome.fresh) is not None and fresh.expires_at is not None:
            if work.watches.answered(fresh.id, fresh.state or "", fresh.expires_at):
                look_at = max(renewal(fresh, parts.random.random()), work.now + LEAST_LIFE)
                if outcome.gap:
                    # What changed before the service began to tell is for the next delta.
                    work.raise_due(integration.id)
            else:
                unwanted = fresh
        work.watches.drop(outcome.dropped)
        if outcome.look is not None:
            look_at = min(look_at or work.now + outcome.look, work.now + outcome.look)
        if work.integrations.get(integration.id) is not None:
            if outcome.code is not None and integration.watch_code is None:
                work.logs.add(integration.id, "push_failed", Direction.RETRIEVE, outcome.code, work.now)
            work.integrations.watches_looked_after(integration, look_at, outcome.tries, outcome.code)
            if not work.watches.pushed(integration.id):
                work.integrations.poll_until(integration.id, work.now + pause_between_polls(parts, work, integration))
    parts.dispatch(tenant, work)
    if unwanted is not None and claimed.account is not None and claimed.secret is not None:
        # By now the account may be gone, too.
        _unwatched(parts, tenant, unwanted, claimed.account, claimed.secret)


def end_watches(parts: Parts, tenant: str, integration_id: str) -> None:
    """End all subscriptions of an integration that is about to go; one try each, as they end by themselves anyway."""
    with parts.database.read(tenant) as work:
        watches = work.watches.list(integration_id)
    for each in watches:
        _ended(parts, tenant, each)
    if watches:
        with parts.database.write(tenant) as work:
            work.watches.drop([each.id for each in watches])


def end_all_watches(parts: Parts, tenant: str, user_id: str | None = None) -> None:
    """End the subscriptions of a user or a whole tenant that is about to be erased, as far as there is time."""
    until = time.monotonic() + ENDING_SECONDS
    with parts.database.read(tenant) as work:
        watched = work.watches.watched_integrations(user_id, MOST)
    for integration_id in watched:
        if time.monotonic() >= until:
            log.warning("watches_left", tenant=tenant, count=len(watched))
            return
        end_watches(parts, tenant, integration_id)
