"""What may be wrong with an installation, each with what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from sqlalchemy.exc import DBAPIError

from calbridge.catalogue import describe
from calbridge.connectors.transport import Request
from calbridge.domain.tenant_settings import Mechanism
from calbridge.errors import CalbridgeError, ConnectorError, DatabaseUnusable, SecretUnreadable
from calbridge.service import doctor_surroundings as around
from calbridge.service.doctor_processes import processes
from calbridge.service.doctor_sign_ins import sign_ins
from calbridge.service.findings import bad, note, well
from calbridge.service.heartbeats import list_processes
from calbridge.service.hosts import beyond_ceiling
from calbridge.service.opening import opened, usable_account
from calbridge.service.parts import Parts
from calbridge.service.secrets import verify
from calbridge.service.tenant_settings import settings_of_tenant
from calbridge.service.views_installation import Finding
from calbridge.settings import variable_name
from calbridge.store import migrate
from calbridge.store.columns import from_micros
from calbridge.store.heartbeats import Heartbeat
from calbridge.store.integrations import StoredIntegration
from calbridge.store.sql import database_micros

SPACE_NEEDED = 200 * 2**20
"""Bytes: room for the write-ahead log of a large first run."""
CLOCK_TOLERANCE = timedelta(minutes=2)


class _Undone(Exception):
    """What was tried is not kept."""


def examine(parts: Parts) -> list[Finding]:
    """Look at the surroundings, disk, database, clocks, who is at work, secrets, connectors and every active
    integration's account.

    Raises nothing for what is wrong. A confirmed refusal of a secret is not tried again (C5).
    """
    settings = parts.settings
    found = [*_disk(parts), *around.folder(settings), *around.public_url(settings), *around.port(settings)]
    found += [*around.redis(settings), *around.mail(settings), *sign_ins(parts)]
    database = list(_database(parts))
    found += database
    if database[0].ok:
        found += [*_processes(parts), *_secrets(parts), *_connectors(parts), *_integrations(parts)]
    return found


def _processes(parts: Parts) -> Iterator[Finding]:
    """Nobody needs to be at work where no jobs are carried: ``tick`` does it."""
    if parts.settings.production or around.redis_address(parts.settings) is not None:
        yield from processes(list_processes(parts))


def _disk(parts: Parts) -> Iterator[Finding]:
    folder = parts.settings.data_dir
    try:
        free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
    except OSError as error:
        yield bad("disk_full", f"the data folder can't be looked at: {error.strerror}")
        return
    if free < SPACE_NEEDED:
        yield bad("disk_full", f"only {free // 2**20} MiB are free for the data folder")
    else:
        yield well("there is space for the data folder")


def _database(parts: Parts) -> Iterator[Finding]:
    try:
        migrate.check(parts.database)
        with parts.database.connect(writes=False) as connection:
            theirs = from_micros(database_micros(connection))
    except DatabaseUnusable as error:
        summary = describe(error.code).summary
        yield bad(error.code, f"{summary.rstrip('.')}: {error.detail}" if error.detail else summary)
        return
    try:
        _try_writing(parts)
    except DatabaseUnusable as error:
        told = f"the database can't be written: {describe(error.code).summary}"
        yield bad(error.code, "the database can be read but not written" if error.code == "database_unusable" else told)
        return
    yield well("the database can be written and has this version's tables")
    yield _clock("the database", theirs, parts.clock.now())


def _try_writing(parts: Parts) -> None:
    """Write a row and undo it: that a transaction can be begun says nothing. Raises DatabaseUnusable."""
    now = parts.clock.now()
    try:
        with suppress(_Undone), parts.database.system_write() as system:
            system.heartbeats.save(Heartbeat("doctor", "doctor", "", now, now, {}))
            raise _Undone
    except DBAPIError as error:
        # PostgreSQL, where it is a standby or our role may only read.
        raise DatabaseUnusable from error


def _clock(whose: str, theirs: datetime, ours: datetime) -> Finding:
    off = abs(theirs - ours)
    if off > CLOCK_TOLERANCE:
        return bad("clock_skewed", f"the clock of {whose} differs from ours by {int(off.total_seconds())} seconds")
    return well(f"the clock of {whose} agrees with ours")


def _secrets(parts: Parts) -> Iterator[Finding]:
    report = verify(parts)
    if report.unreadable:
        yield bad("secret_unreadable", f"{report.unreadable} of {report.total} stored secrets can't be opened")
    else:
        yield well("all stored secrets can be opened")


def _connectors(parts: Parts) -> Iterator[Finding]:
    for problem in parts.registry.problems:
        yield bad("connector_broken", f"{problem.distribution}: {problem.reason}: {problem.detail}")
    if parts.registry.specs:
        names = ", ".join(sorted(service.name for service in parts.registry.services))
        yield well(f"connectors for {names} are loaded")
    elif parts.settings.connectors is not None:
        yield bad("service_unknown", f"{variable_name('connectors')} names no connector that is installed")
    else:
        yield bad("service_unknown", "no connector is installed")


def _integrations(parts: Parts) -> Iterator[Finding]:
    with parts.database.system_read() as system:
        tenants = [each.id for each in system.tenants.list(limit=1000)]
    for tenant in tenants:
        try:
            with parts.database.read(tenant) as work:
                active = work.integrations.list(active=True, limit=1000)
        except SecretUnreadable:
            # The installation's own secret: it is told among the stored ones.
            return
        for host in beyond_ceiling(parts, tenant):
            yield bad("beyond_private_networks", f"{host} was granted to {tenant}, but PRIVATE_NETWORKS do not hold it")
        seen: set[str] = set()
        for each in active:
            if each.watch_code is not None:
                yield _unwatched(parts, tenant, each)
            if each.account_id and each.account_id not in seen:
                seen.add(each.account_id)
                yield from _account(parts, tenant, each)


def _unwatched(parts: Parts, tenant: str, integration: StoredIntegration) -> Finding:
    """Polling is a net, so this is a fault only where a tenant's administrator asked for push."""
    with parts.database.read(tenant) as work:
        asked_for = settings_of_tenant(work).mechanism is Mechanism.PUSH
    cause = describe(integration.watch_code or "").summary
    told = f"integration {integration.id} of {integration.user_id} is polled: {cause}"
    return bad("not_watched", told) if asked_for else note("not_watched", told)


def _account(parts: Parts, tenant: str, integration: StoredIntegration) -> Iterator[Finding]:
    name = f"integration {integration.id} of {integration.user_id}"
    try:
        with parts.database.read(tenant) as work:
            account, secret = usable_account(work, integration.account_id)
        yield from _service_clock(parts, tenant, account.url, name)
        with opened(parts, tenant, account, secret) as connector:
            connector.calendars()
    except CalbridgeError as error:
        yield bad(integration.reason or error.code, f"{name}: {describe(integration.reason or error.code).summary}")
        return
    yield well(f"{name}: the service answers")


def _service_clock(parts: Parts, tenant: str, url: str | None, name: str) -> Iterator[Finding]:
    """The Date of the service's answer against our clock; an answer without one says nothing."""
    if url is None:
        return
    address = url if "://" in url else f"https://{url}"
    with parts.transport_factory(tenant) as transport:
        try:
            answer = transport.send(Request("OPTIONS", address))
        except ConnectorError:
            return
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        return
    if theirs.tzinfo is not None:
        yield _clock(f"{urlsplit(address).hostname} ({name})", theirs, parts.clock.now())
