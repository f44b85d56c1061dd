"""The fixture through which tests of the double start one with given switches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.doubles.caldav import CalDavDouble, Quirks, caldav_double
from tests.doubles.raw_client import RawClient


@dataclass(frozen=True)
class Pair:
    """A double, a client of it, and the address of its calendar ``work``."""

    double: CalDavDouble
    client: RawClient
    work: str


Start = Callable[..., Pair]


@contextmanager
def starting() -> Iterator[Start]:
    """A function that starts doubles; all are stopped at the end."""
    with ExitStack() as stack:

        def start(**switches: Any) -> Pair:
            double = stack.enter_context(caldav_double(Quirks(**switches)))
            client = RawClient(double)
            stack.callback(client.close)
            return Pair(double, client, double.calendar_url("work"))

        yield start
