"""Quotas of the services, shared by all processes: a request waits a little, or its run yields (DESIGN 6)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from calbridge.connectors.contract import ConnectorSpec, RequestLimit
from calbridge.connectors.transport import Request
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

    def take(self, budgets: Sequence[Budget], calls: int = 1) -> float:
        """Count so many calls in all of them and give 0, or count nothing and give the seconds until it may be tried.

        Must be quick and raise nothing: where nobody counts, everything may be sent, and the service throttles.
        """

    def used(self, budgets: Sequence[Budget]) -> Sequence[float] | None:
        """The share of each that is used at the moment, 0 to 1; None where nobody counts. Raises nothing."""


class NoBudgets:
    """Nobody counts."""

    def take(self, budgets: Sequence[Budget], calls: int = 1) -> float:
        """At once."""
        return 0.0

    def used(self, budgets: Sequence[Budget]) -> None:
        """Unknown."""


def project_budgets(specs: Iterable[ConnectorSpec]) -> list[tuple[str, Budget]]:
    """The quotas that all tenants share, with the names of their connectors."""
    return [(spec.name, _project(spec, limit)) for spec in specs for limit in spec.limits if limit.scope == "project"]


def budgets_of(spec: ConnectorSpec, account: StoredAccount) -> list[Budget]:
    """What a request for this account counts for."""
    mailbox = hashlib.sha256(f"{account.url}|{account.owner_id or account.username}".encode()).hexdigest()[:24]

    def budget(limit: RequestLimit) -> Budget:
        if limit.scope == "project":
            return _project(spec, limit)
        return Budget(f"mailbox_{spec.name}_{mailbox}_{limit.seconds:g}", limit.requests, limit.seconds)

    return [budget(each) for each in spec.limits]


def _project(spec: ConnectorSpec, limit: RequestLimit) -> Budget:
    return Budget(f"project_{spec.name}_{limit.seconds:g}", limit.requests, limit.seconds)


def paced(
    parts: Parts, spec: ConnectorSpec, account: StoredAccount, before_request: Callable[[Request], None] | None
) -> Callable[[Request], None] | None:
    """What is to be done before each request: wait for its turn, then what was wanted anyway."""
    budgets = budgets_of(spec, account)
    if not budgets:
        return before_request

    def before(request: Request) -> None:
        left = LONGEST_WAIT
        while (seconds := parts.budgets.take(budgets, request.calls)) > 0:
            if seconds > left:
                raise BudgetSpent(retry_after=seconds)
            time.sleep(seconds)
            left -= seconds
        # Afterwards: a lease must outlast the request, not the waiting.
        if before_request is not None:
            before_request(request)

    return before
