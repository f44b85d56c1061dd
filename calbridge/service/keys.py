"""API keys: made, listed, taken back (DESIGN: REST API, keys and scopes).

A key is ``cbk_`` + prefix + ``_`` + 256 random bits. Only its SHA-256 is stored: nothing slower is needed, because what
is random can't be guessed from a digest.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Final

from calbridge.errors import Refused
from calbridge.log import get_logger
from calbridge.service.access import Role
from calbridge.service.key_views import KeyView, NewKeyView, key_view, new_key_view
from calbridge.service.parts import Parts
from calbridge.service.values import MAX_NAME, invalid, text
from calbridge.store.api_keys import ApiKey
from calbridge.store.work import System, Work

LIVE_AT_ONCE: Final = 2
"""Of one role and name: the one in use, and the one that follows it."""
SHAPE: Final = re.compile(r"cbk_(?P<prefix>[pt][0-9a-f]{16})_[A-Za-z0-9_-]{43}")
"""``p``: a key of the platform, ``t``: a key of a tenant."""

log = get_logger(__name__)


def digest(key: str) -> str:
    """What is stored of a key, hexadecimal."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def create_key(
    parts: Parts, tenant: str | None, role: Role, name: str, expires_at: datetime | None = None
) -> NewKeyView:
    """A new key of a tenant (role admin or backend), or of the platform where ``tenant`` is None.

    Two of one role and name may live at a time, so that one follows the other without a pause. Raises Refused
    (``tenant_not_found``, ``invalid_value``, ``too_large``, ``too_many_keys``).
    """
    _check(parts, tenant, role, expires_at)
    told = text(name, "name", MAX_NAME).strip()
    if not told:
        raise invalid("name", "must not be empty")
    prefix = ("p" if tenant is None else "t") + secrets.token_hex(8)
    key = f"cbk_{prefix}_{secrets.token_urlsafe(32)}"
    stored = ApiKey(
        id=secrets.token_hex(12),
        role=role.value,
        name=told,
        prefix=prefix,
        digest=digest(key),
        created_at=parts.clock.now(),
        expires_at=expires_at.astimezone(UTC) if expires_at else None,
        tenant=tenant,
    )
    with _writing(parts, tenant) as unit:
        _take_turns(unit)
        if unit.api_keys.count_live(stored.role, stored.name) >= LIVE_AT_ONCE:
            raise Refused(code="too_many_keys", role=stored.role)
        unit.api_keys.add(stored)
        _note(parts, unit, "key_created", stored)
    return new_key_view(stored, key)


def list_keys(parts: Parts, tenant: str | None, *, limit: int = 200, after: str | None = None) -> list[KeyView]:
    """Keys of a tenant or, with None, of the platform, in the order of their ids; expired ones too.

    Raises Refused (``tenant_not_found``).
    """
    unit: AbstractContextManager[Work | System] = (
        parts.database.system_read() if tenant is None else parts.database.read(tenant)
    )
    with unit as reading:
        if isinstance(reading, Work):
            reading.settings.get()
        return [key_view(each) for each in reading.api_keys.list(after, limit)]


def revoke_key(parts: Parts, tenant: str | None, key_id: str) -> KeyView:
    """Take a key back: it is refused from now on. Raises Refused (``key_not_found``)."""
    with _writing(parts, tenant) as unit:
        stored = unit.api_keys.get(key_id)
        if stored is None or not unit.api_keys.remove(key_id):
            raise Refused(code="key_not_found", key=key_id)
        _note(parts, unit, "key_revoked", stored)
    return key_view(stored)


def _check(parts: Parts, tenant: str | None, role: Role, expires_at: datetime | None) -> None:
    fitting = {Role.PLATFORM} if tenant is None else {Role.ADMIN, Role.BACKEND}
    if role not in fitting:
        raise invalid("role", f"must be one of {', '.join(sorted(fitting))}")
    if expires_at is not None and expires_at.tzinfo is None:
        raise invalid("expires_at", "must be a time with its offset")
    if expires_at is not None and expires_at <= parts.clock.now():
        raise invalid("expires_at", "must lie in the future")


def _writing(parts: Parts, tenant: str | None) -> AbstractContextManager[Work | System]:
    if tenant is not None:
        return parts.database.write(tenant)
    # The installation's row is what the platform's writers take turns on, and it is made by its first use.
    assert parts.database.installation
    return parts.database.system_write()


def _take_turns(unit: Work | System) -> None:
    """Two at a time count each other."""
    if isinstance(unit, Work):
        unit.settings.get(lock=True)
    else:
        unit.api_keys.lock()


def _note(parts: Parts, unit: Work | System, action: str, stored: ApiKey) -> None:
    """In the tenant's audit; what happens to keys of the platform, which has none, stands in the log."""
    if isinstance(unit, Work):
        unit.audit.add(str(parts.actor), action, key=stored.id, role=stored.role, name=stored.name)
    else:
        log.info(action, key_id=stored.id, role=stored.role, actor=str(parts.actor))
