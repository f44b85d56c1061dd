"""Every error of calbridge, in one tree.

    CalbridgeError                      code, facts, who must act
    |-- SettingsInvalid                 the environment can't be used as it is
    |-- ConnectorError                  what a connector may raise (docs/contract.md, C5)
    |   |-- SignInRequired              the service refused the credentials (confirmed or not)
    |   |-- PermissionMissing           signed in, but this is not allowed
    |   |-- Throttled                   the service asks us to wait
    |   |   `-- BudgetSpent             we would reach its quota, and wait by ourselves
    |   |-- Unavailable                 no usable answer: network, 5xx, nonsense
    |   |-- AddressRefused              our own guard refuses to go there
    |   |-- CursorExpired               a full listing is needed
    |   |-- VersionConflict             somebody else changed it first
    |   |-- NotFound                    nothing at that address
    |   |-- Rejected                    the service will never accept this write
    |   |-- EventFailed                 the service fails at this one event, and works for the others
    |   `-- CalendarGone                the calendar itself is not there any more
    |-- RedisUnusable                   the queues can't be reached now
    |-- StoreError                      our own memory
    |   |-- LeaseLost                   another run owns the integration now
    |   |-- ItemChanged                 the item moved on since it was read
    |   |-- SecretUnreadable            no key opens this secret
    |   `-- DatabaseUnusable            locked, full, unreachable or not migrated
    |-- MailFailed                      the mail server did not take a mail
    `-- Refused                         a request that can't be done as asked (a door shows its sentence)

``code`` is stable and listed in :mod:`calbridge.catalogue`, which also holds the sentence for people and
says who must act. Errors carry facts, never sentences for users, secrets or item text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class CalbridgeError(Exception):
    """Root of the tree. ``code`` is an entry of the catalogue; ``facts`` are small values for operators."""

    default_code: ClassVar[str] = "internal_error"

    def __init__(self, detail: str = "", *, code: str | None = None, **facts: object) -> None:
        super().__init__(detail or code or self.default_code)
        self.detail = detail
        self.code = code or self.default_code
        self.facts: Mapping[str, object] = facts

    def __str__(self) -> str:
        told = f"{self.code}: {self.detail}" if self.detail else self.code
        return f"{told} ({', '.join(f'{k}={v}' for k, v in self.facts.items())})" if self.facts else told


class SettingsInvalid(CalbridgeError):
    """A setting is missing or has a value that can't be used."""

    default_code = "settings_invalid"


class ConnectorError(CalbridgeError):
    """Raised by connectors and their transport, understood by the engine (C5)."""

    default_code = "connector_failed"


class SignInRequired(ConnectorError):
    """The service refused the credentials.

    ``confirmed`` means: certain, never try this secret again. Unconfirmed refusals (a service known for false
    ones) may be tried at most three times in an hour.
    """

    default_code = "sign_in_required"

    def __init__(self, detail: str = "", *, confirmed: bool, code: str | None = None, **facts: object) -> None:
        super().__init__(detail, code=code, **facts)
        self.confirmed = confirmed


class PermissionMissing(ConnectorError):
    """Signed in, but the account may not do this."""

    default_code = "permission_missing"


class Throttled(ConnectorError):
    """The service asks for fewer requests; ``retry_after`` in seconds where it says so."""

    default_code = "throttled"

    def __init__(self, detail: str = "", *, retry_after: float | None = None, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.retry_after = retry_after


class BudgetSpent(Throttled):
    """Our own share of the service's quota is used up; ``retry_after`` in seconds. Nothing was sent."""

    default_code = "budget_spent"


class Unavailable(ConnectorError):
    """No usable answer. After a write: the outcome is unknown."""

    default_code = "unavailable"


class AddressRefused(ConnectorError):
    """The URL guard refuses this address (private network, port, scheme, redirect target)."""

    default_code = "address_refused"


class CursorExpired(ConnectorError):
    """The cursor or checkpoint can't be used any more: list everything."""

    default_code = "cursor_expired"


class VersionConflict(ConnectorError):
    """A conditional write met another version."""

    default_code = "version_conflict"


class NotFound(ConnectorError):
    """A write met nothing at its address. Never evidence of a deletion by itself (D7)."""

    default_code = "not_found"


class Rejected(ConnectorError):
    """The service will not accept this, however often it is tried. ``field`` names the unit where known."""

    default_code = "rejected"

    def __init__(self, detail: str = "", *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.field = field


class EventFailed(ConnectorError):
    """The service fails at this one event now, while its calendar answers: it is tried again, the others go on."""

    default_code = "event_failed"


class CalendarGone(ConnectorError):
    """The linked calendar is not there any more. Never read as "all events were deleted"."""

    default_code = "calendar_gone"


class StoreError(CalbridgeError):
    """Our own memory can't do what was asked."""

    default_code = "store_failed"


class LeaseLost(StoreError):
    """The lease of a run ran out or was taken; the run stops without another step (D1)."""

    default_code = "lease_lost"


class ItemChanged(StoreError):
    """A conditional write met a newer item version."""

    default_code = "item_changed"


class SecretUnreadable(StoreError):
    """No configured key opens this secret."""

    default_code = "secret_unreadable"


class DatabaseUnusable(StoreError):
    """Locked, full, unreachable or not migrated."""

    default_code = "database_unusable"


class RedisUnusable(CalbridgeError):
    """The Redis that carries the jobs did not answer in time. What is due stands in the database."""

    default_code = "redis_unusable"


class MailFailed(CalbridgeError):
    """The mail server did not take a mail. ``code`` tells whether it is this mail or the server."""

    default_code = "mail_refused"


class Refused(CalbridgeError):
    """A request that can't be done as asked; ``code`` says why and the door shows its sentence."""

    default_code = "refused"
