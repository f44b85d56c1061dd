"""Quotas of the services, shared by all processes: a request waits a little, or its run yields (DESIGN 6)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from calbridge.connectors.contract import ConnectorSpec
from calbridge.errors import BudgetSpent
from calbridge.store.accounts import StoredAccount

if TYPE_CHECKING:
    from calbridge.service.parts import Parts

LONGEST_WAIT = 2.0
"""Seconds that a request waits for its turn; a run that would wait longer yields."""


@dataclass(frozen=True, slots=True)
class Budget:
    """So many ``requests`` in so many ``seconds`` for whatever ``name`` stands for. A name tells nobody's address."""

    name: str
    requests: int
    seconds: float


class Budgets(Protocol):
    """Counts requests over all processes."""

    def take(self, budgets: Sequence[Budget]) -> float:
        """Count one request in all of them and give 0, or count nothing and give the seconds until it may be tried.

        Must be quick and raise nothing: where nobody counts, everything may be sent, and the service throttles.
        """


class NoBudgets:
    """Nobody counts."""

    def take(self, budgets: Sequence[Budget]) -> float:
        """At once."""
        return 0.0


def budgets_of(spec: ConnectorSpec, account: StoredAccount) -> list[Budget]:
    """What a request for this account counts for."""
    mailbox = hashlib.sha256(f"{account.url}|{account.owner_id or account.username}".encode()).hexdigest()[:24]
    names = {"mailbox": f"mailbox_{spec.name}_{mailbox}", "project": f"project_{spec.name}"}
    return [Budget(f"{names[each.scope]}_{each.seconds:g}", each.requests, each.seconds) for each in spec.limits]


def paced(
    parts: Parts, spec: ConnectorSpec, account: StoredAccount, before_request: Callable[[], None] | None
) -> Callable[[], None] | None:
    """What is to be done before each request: wait for its turn, then what was wanted anyway."""
    budgets = budgets_of(spec, account)
    if not budgets:
        return before_request

    def before() -> None:
        left = LONGEST_WAIT
        while (seconds := parts.budgets.take(budgets)) > 0:
            if seconds > left:
                raise BudgetSpent(retry_after=seconds)
            time.sleep(seconds)
            left -= seconds
        # Afterwards: a lease must outlast the request, not the waiting.
        if before_request is not None:
            before_request()

    return before
