"""How soon a change at a service is in the change feed: a strict double of Google pushes to a real installation.

API, workers, scheduler, database and Redis are processes of their own on this machine; the double answers at once, so
the numbers are ours alone. ``python -m tools.benchmark.pushes [--quick] [--postgresql]`` measures
this part alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import requests

from calbridge.cli.plain import plain_table
from tests.doubles.google import google_double
from tests.e2e.databases import postgresql
from tests.e2e.google_fleet import GoogleFleet, google_fleet, lunch
from tests.servers.waiting import eventually

PUSH_HEADERS = ("push, idle worker", "notice -> change feed p50 ms", "p95 ms", "notice answered p95 ms")


@dataclass(frozen=True)
class PushSizes:
    """How much is measured: changes, and notices that say nothing new."""

    changes: int = 100
    notices: int = 1000


FULL_PUSHES, QUICK_PUSHES = PushSizes(), PushSizes(20, 200)


@dataclass(frozen=True)
class PushNumbers:
    """Seconds: from the change at the service to its entry in the change feed, and until a notice is answered."""

    heard_p50: float
    heard_p95: float
    answered_p95: float


def measure_pushes(sizes: PushSizes, say: Callable[[str], None], database_url: str | None = None) -> PushNumbers:
    """All numbers, on an installation of its own; the embedded database, where no other is given."""
    given = {"CALBRIDGE_LEASE_SECONDS": "60", "CALBRIDGE_REQUEST_TIMEOUT": "30"}
    with google_double() as google, google_fleet(google, database_url, **given) as linked:
        linked.start()
        say("push: an event made at Google, until the change feed tells of it")
        heard = [_heard(linked, number) for number in range(sizes.changes)]
        say("push: a burst of notices")
        answered = _answers(linked, sizes.notices)
    return PushNumbers(_part(heard, 0.5), _part(heard, 0.95), _part(answered, 0.95))


def _heard(linked: GoogleFleet, number: int) -> float:
    title = f"Lunch {number}"
    begun = time.monotonic()
    linked.google.insert(lunch(title))
    while title not in linked.news():
        assert time.monotonic() - begun < 60, "it was not heard"
        time.sleep(0.003)
    took = time.monotonic() - begun
    eventually(linked.idle)
    # Not in step with anything.
    time.sleep(0.1 + 0.037 * (number % 7))
    return took


def _answers(linked: GoogleFleet, number: int) -> list[float]:
    """Seconds of each of many notices, one after the other, while a worker takes them up."""
    (channel,) = linked.google.channels.values()
    path = channel.address.partition("/v1/")[2]
    headers = {
        "X-Goog-Channel-ID": channel.id,
        "X-Goog-Channel-Token": channel.token or "",
        "X-Goog-Resource-State": "exists",
    }
    found: list[float] = []
    with requests.Session() as session:
        for _ in range(number):
            begun = time.monotonic()
            session.post(f"http://127.0.0.1:{linked.port}/v1/{path}", headers=headers, timeout=30).raise_for_status()
            found.append(time.monotonic() - begun)
    return found


def _part(found: list[float], share: float) -> float:
    return sorted(found)[int(len(found) * share)]


def push_row(kind: str, numbers: PushNumbers) -> list[str]:
    """One line of the table."""
    told = (numbers.heard_p50, numbers.heard_p95, numbers.answered_p95)
    return [kind, *(f"{seconds * 1000:.0f}" for seconds in told[:2]), f"{told[2] * 1000:.1f}"]


def main() -> int:
    """This part alone."""
    parser = argparse.ArgumentParser(description="Measure pushes.")
    parser.add_argument("--quick", action="store_true", help="a fifth of the sizes")
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL of its own")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        url = stack.enter_context(postgresql()) if chosen.postgresql else None
        sizes = QUICK_PUSHES if chosen.quick else FULL_PUSHES
        numbers = measure_pushes(sizes, lambda text: print(text, file=sys.stderr), url)
        print(plain_table(PUSH_HEADERS, [push_row("PostgreSQL" if url else "SQLite", numbers)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
