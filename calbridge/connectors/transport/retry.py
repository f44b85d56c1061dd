"""When to try again, and how long to wait before."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import random as system_random

from calbridge.connectors.transport.values import Request, Response
from calbridge.errors import Unavailable

#: Reading methods; the reports of RFC 4791 and 6578 change nothing.
IDEMPOTENT = frozenset({"GET", "PROPFIND", "REPORT"})

# A too large answer or a wrong certificate would only come again.
_PASSING = frozenset({"timed_out", "host_unreachable", "malformed_answer"})


def backoff(attempt: int, *, base: float, cap: float, random: Callable[[], float]) -> float:
    """Seconds to wait after failure number ``attempt`` (0 is the first): doubled each time up to ``cap``.

    The second half of the wait is left to ``random`` (0 to 1), so that many clients do not come back at once.
    """
    full = min(cap, base * 2.0 ** min(attempt, 60))
    return full * (0.5 + 0.5 * random())


def idempotent_retry(
    send: Callable[[Request], Response],
    request: Request,
    attempts: int,
    *,
    base: float = 0.5,
    cap: float = 8.0,
    sleep: Callable[[float], None] = time.sleep,
    random: Callable[[], float] = system_random,
) -> Response:
    """Send up to ``attempts`` times, pausing in between, but everything that might write only once.

    Raises what the last attempt raised. Answers of any status count as success here.
    """
    last = attempts - 1 if request.method in IDEMPOTENT else 0
    for attempt in range(last):
        try:
            return send(request)
        except Unavailable as error:
            if error.code not in _PASSING:
                raise
        sleep(backoff(attempt, base=base, cap=cap, random=random))
    return send(request)
