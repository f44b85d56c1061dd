"""Which HTTP status an error code has."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from calbridge.catalogue import Who, describe

_BY_STATUS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        400: ("malformed_json", "malformed_request"),
        401: ("unauthenticated",),
        403: ("scope_missing", "service_not_allowed", "sign_in_denied", "sign_in_elsewhere"),
        404: (
            "path_not_found",
            "tenant_not_found",
            "user_not_found",
            "integration_not_found",
            "item_not_found",
            "run_not_found",
            "host_not_found",
            "key_not_found",
            "webhook_not_found",
            "delivery_not_found",
            "known_not_found",
            "event_not_found",
            "calendar_not_found",
            "sandbox_off",
        ),
        405: ("method_not_allowed",),
        409: (
            "already_exists",
            "organised_elsewhere",
            "text_hidden",
            "integration_inactive",
            "integration_running",
            "not_connected",
            "confirmation_needed",
            "plan_stale",
            "link_not_in_that_state",
            "too_many_keys",
            "setting_locked",
            "sync_disabled",
            "version_conflict",
            "calendar_sync_off",
            "not_invited",
            "webhook_inactive",
            "too_many_webhooks",
            "answer_not_possible",
            "password_needed",
            "public_url_insecure",
            "public_url_missing",
            "sign_in_page_needed",
        ),
        410: ("cursor_expired", "sign_in_expired"),
        412: ("item_changed", "precondition_failed"),
        415: ("unsupported_media_type",),
        429: ("too_many_requests", "too_many_checks", "throttled"),
        500: ("internal_error",),
        503: (
            "database_unusable",
            "database_locked",
            "database_not_migrated",
            "disk_full",
            "store_failed",
            "lease_lost",
            "secret_unreadable",
            "not_ready",
        ),
    }
)
_STATUSES = {code: status for status, codes in _BY_STATUS.items() for code in codes}
UPSTREAM = 502
"""A calendar service could not be used while somebody waited for the answer."""


def status_of(code: str, *, connector: bool = False) -> int:
    """The status of a code; ``connector``: raised by a calendar service, not by a request of the caller."""
    if connector and code != "throttled":
        return 409 if describe(code).who in (Who.USER, Who.ADMIN) else UPSTREAM
    return _STATUSES.get(code, 422)
