"""How often may be called: per key, and per address where no valid key was presented (DESIGN: Security, isolation)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from calbridge.errors import Refused
from calbridge.log import get_logger

MEMORY = "memory://"
log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rates:
    """Limits as texts such as ``600/minute``."""

    per_key: str = "6000/minute"
    failures_per_address: str = "60/minute"


class Limits:
    """Counts calls in ``storage``: ``memory://`` of this process, or a Redis that all processes share.

    A storage that is down limits nobody: the API keeps answering.
    """

    def __init__(self, storage: str = MEMORY, rates: Rates | None = None) -> None:
        rates = rates or Rates()
        options = {} if storage == MEMORY else {"socket_timeout": 0.25, "socket_connect_timeout": 0.25}
        # A socket's URL as the redis library writes it, under the name that this one knows.
        place = f"redis+{storage}" if storage.startswith("unix://") else storage
        self._counting = FixedWindowRateLimiter(storage_from_string(place, wrap_exceptions=True, **options))
        self._per_key = parse(rates.per_key)
        self._failures = parse(rates.failures_per_address)

    def before_authentication(self, address: str) -> None:
        """Refuses an address that presented too many wrong keys. Raises Refused (``too_many_requests``)."""
        try:
            if not self._counting.test(self._failures, "address", address):
                raise self._refusal(self._failures, "address", address)
        except StorageError as error:
            log.warning("rate_limit_not_counted", error=type(error).__name__)

    def failed_authentication(self, address: str) -> None:
        """Count a wrong key."""
        self._hit(self._failures, "address", address)

    def authenticated(self, who: str) -> None:
        """Count a call. Raises Refused (``too_many_requests``)."""
        if not self._hit(self._per_key, "key", who):
            raise self._refusal(self._per_key, "key", who)

    def too_many_unknown(self, address: str) -> Refused | None:
        """What an address is told that tried too many notification addresses which nobody was given."""
        try:
            within = self._counting.test(self._failures, "notices", address)
        except StorageError as error:
            log.warning("rate_limit_not_counted", error=type(error).__name__)
            return None
        return None if within else self._refusal(self._failures, "notices", address)

    def unknown_address(self, address: str) -> None:
        """Count a notification address that nobody was given."""
        self._hit(self._failures, "notices", address)

    def _hit(self, item: RateLimitItem, *subject: str) -> bool:
        try:
            return self._counting.hit(item, *subject)
        except StorageError as error:
            log.warning("rate_limit_not_counted", error=type(error).__name__)
            return True

    def _refusal(self, item: RateLimitItem, *subject: str) -> Refused:
        until = self._counting.get_window_stats(item, *subject).reset_time
        return Refused(code="too_many_requests", retry_after=max(1, round(until - time.time())))
