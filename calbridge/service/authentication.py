"""Who presents a key or a token (DESIGN: REST API, keys and scopes)."""

from __future__ import annotations

import hmac

from calbridge.errors import DatabaseUnusable, Refused
from calbridge.log import get_logger
from calbridge.service.access import SCOPES, Caller, Role
from calbridge.service.keys import SHAPE, digest
from calbridge.service.parts import Parts
from calbridge.service.tokens import caller_of_token
from calbridge.store.api_keys import USE_STEP, ApiKey

LONGEST = 4096
"""Characters of what is presented; no key or token comes near."""
OF_SETTING = "PLATFORM_KEY"
"""The key id under which the platform key of the settings acts."""

log = get_logger(__name__)


def authenticate(parts: Parts, presented: str) -> Caller:
    """Whose key or user token this is.

    Raises Refused (``unauthenticated``), with the same words for whatever is wrong; DatabaseUnusable.
    """
    if len(presented) > LONGEST:
        raise Refused(code="unauthenticated")
    caller = _of_setting(parts, presented) or _of_key(parts, presented) or caller_of_token(parts, presented)
    if caller is None:
        raise Refused(code="unauthenticated")
    return caller


def _of_setting(parts: Parts, presented: str) -> Caller | None:
    wanted = parts.settings.platform_key
    # Digests: texts of different lengths would be told apart by the time it takes.
    if wanted is None or not hmac.compare_digest(digest(wanted), digest(presented)):
        return None
    return Caller(Role.PLATFORM, SCOPES[Role.PLATFORM], key_id=OF_SETTING)


def _of_key(parts: Parts, presented: str) -> Caller | None:
    shape = SHAPE.fullmatch(presented)
    if shape is None:
        return None
    prefix = shape["prefix"]
    with parts.database.system_read() as system:
        key = system.key_of(prefix, platform=prefix.startswith("p"))
    if key is None or not hmac.compare_digest(key.digest, digest(presented)) or not key.live(parts.clock.now()):
        return None
    _used(parts, key)
    role = Role(key.role)
    return Caller(role, SCOPES[role], tenant=key.tenant, key_id=key.id)


def _used(parts: Parts, key: ApiKey) -> None:
    if key.last_used_at is not None and parts.clock.now() - key.last_used_at < USE_STEP:
        return
    try:
        if key.tenant is None:
            with parts.database.system_write() as system:
                system.api_keys.used(key.id)
        else:
            with parts.database.write(key.tenant) as work:
                work.api_keys.used(key.id)
    except DatabaseUnusable as error:
        # Who only reads is served while the database takes no writes.
        log.warning("key_use_not_noted", key_id=key.id, code=error.code)
