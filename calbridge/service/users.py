"""Users of a tenant, under the PSA's own ids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from calbridge.errors import Refused
from calbridge.service.parts import Parts
from calbridge.service.revoking import end_account, end_unanswered
from calbridge.service.tenants import refuse_running
from calbridge.service.values import flag, identifier, mail_address, refuse_other_version, text, time_zone
from calbridge.service.views_people import ReceiptView, UserView
from calbridge.service.watching import end_all_watches
from calbridge.store.retention import erase_user
from calbridge.store.users import User
from calbridge.store.work import Work


class _Kept:
    """Not given, so kept."""


KEPT: Final = _Kept()
PAGE = 500


def put_user(
    parts: Parts,
    tenant: str,
    user_id: str,
    *,
    email: str | _Kept | None = KEPT,
    name: str | _Kept | None = KEPT,
    time_zone: str | _Kept | None = KEPT,
    calendar_sync: bool | _Kept | None = KEPT,
    if_version: int | None = None,
    create_only: bool = False,
) -> UserView:
    """Make or change a user; what is not given is kept, None clears.

    Raises Refused (``tenant_not_found``, ``invalid_value``, ``unknown_time_zone``, ``precondition_failed``).
    """
    given = {"email": email, "name": name, "time_zone": time_zone, "calendar_sync": calendar_sync}
    facts = {field: value for field, value in given.items() if not isinstance(value, _Kept)}
    with parts.database.write(tenant) as work:
        work.settings.get()
        if if_version is not None or create_only:
            stored = work.users.get(identifier(user_id, "user_id"), lock=True)
            refuse_other_version(None if stored is None else stored.version, if_version, user=user_id)
            if create_only and stored is not None:
                raise Refused(code="precondition_failed", user=user_id)
        return view(store_user(work, identifier(user_id, "user_id"), facts)[0])


def store_user(work: Work, user_id: str, facts: dict[str, Any]) -> tuple[User, str]:
    """The stored user, and whether it was ``created``, ``updated`` or left ``unchanged``."""
    checked = {name: _CHECKS[name](value, name) for name, value in facts.items()}
    before = work.users.get(user_id, lock=True)
    if before is None:
        return work.users.add(replace(User(user_id), **checked)), "created"
    after = replace(before, **checked)
    if after == before:
        return before, "unchanged"
    if before.calendar_sync != after.calendar_sync:
        work.integrations.look_after_watches(user_id)
    if before.calendar_sync and not after.calendar_sync:
        # Tokens that the user's pages hold are void from now on.
        after = replace(after, epoch=before.epoch + 1)
    return work.users.save(after), "updated"


def _email(value: object, field: str) -> str | None:
    return None if value in (None, "") else mail_address(value, field)


def _name(value: object, field: str) -> str:
    return "" if value is None else text(value, field, 200)


def _zone(value: object, field: str) -> str:
    if value in (None, ""):
        return "UTC"
    return time_zone(value, field)


def _sync(value: object, field: str) -> bool:
    return True if value is None else flag(value, field)


_CHECKS: dict[str, Any] = {"email": _email, "name": _name, "time_zone": _zone, "calendar_sync": _sync}


def get_user(parts: Parts, tenant: str, user_id: str) -> UserView:
    """One user. Raises Refused (``user_not_found``)."""
    with parts.database.read(tenant) as work:
        return view(work.users.require(user_id))


def user_exists(parts: Parts, tenant: str, user_id: str) -> bool:
    """Whether there is such a user."""
    with parts.database.read(tenant) as work:
        return work.users.get(user_id) is not None


def list_users(parts: Parts, tenant: str, *, after: str | None = None, limit: int | None = None) -> list[UserView]:
    """Users in the order of their ids after ``after``; all of them without ``limit``.

    Raises Refused (``tenant_not_found``).
    """
    found: list[User] = []
    with parts.database.read(tenant) as work:
        work.settings.get()
        if limit is not None:
            return [view(each) for each in work.users.list(after, limit)]
        while page := work.users.list(after=found[-1].id if found else after, limit=PAGE):
            found += page
    return [view(each) for each in found]


def delete_user(parts: Parts, tenant: str, user_id: str) -> ReceiptView:
    """Erase a user with all that is kept about them, and answer with a counted receipt.

    What syncing made in their calendar stays there; access that was granted to it is ended within a day. Raises Refused
    (``user_not_found``, ``integration_running``).
    """
    with parts.database.read(tenant) as work:
        work.users.require(user_id)
    refuse_running(parts, tenant, user_id)
    end_all_watches(parts, tenant, user_id)
    with parts.database.write(tenant) as work:
        for each in work.accounts.list(user_id):
            end_account(parts, work, each.id)
        end_unanswered(parts, work, work.authorizations.unanswered(user_id=user_id))
    return ReceiptView("user", tenant, user_id, parts.clock.now(), erase_user(parts.database, tenant, user_id))


def view(user: User) -> UserView:
    """A stored user as it is shown."""
    return UserView(
        user.id,
        user.email,
        user.name,
        user.time_zone,
        user.calendar_sync,
        user.created_at,
        user.updated_at,
        user.version,
    )
