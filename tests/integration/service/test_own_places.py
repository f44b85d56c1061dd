"""Our own database and Redis: closed to connectors and webhooks, whatever a tenant was granted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calbridge.connectors.transport import Request
from calbridge.errors import AddressRefused
from calbridge.service.transports import Transports
from tests.integration.service.world import TENANT, World


def grant(world: World, place: str) -> None:
    """As somebody could whose operator's ceiling is too high."""
    with world.parts.database.write(TENANT) as work:
        work.grants.add(place)


@pytest.mark.parametrize(
    ("place", "own"),
    [
        ("127.0.0.1:6390", {"redis_url": "redis://:secret@localhost:6390/0"}),
        ("127.0.0.1:6379", {"redis_url": "rediss://127.0.0.1"}),
        ("127.0.0.1:5433", {"database_url": "postgresql+psycopg://user:secret@127.0.0.1:5433/calbridge"}),
        ("127.0.0.1:5432", {"database_url": "postgresql+psycopg://localhost/calbridge"}),
    ],
)
def test_our_own_database_and_redis_stay_closed(world: World, place: str, own: dict[str, str]) -> None:
    grant(world, place)
    make = Transports(replace(world.parts.settings, **own), world.parts.database)  # type: ignore[arg-type]
    with make(TENANT) as transport, pytest.raises(AddressRefused) as refused:
        transport.send(Request("GET", f"http://{place}/"))
    assert refused.value.code == "address_refused"


def test_another_port_of_the_same_machine_is_as_granted(world: World) -> None:
    grant(world, "127.0.0.1:9")
    make = Transports(replace(world.parts.settings, redis_url="redis://127.0.0.1:6390"), world.parts.database)
    with make(TENANT) as transport, pytest.raises(Exception, match="host_unreachable"):
        transport.send(Request("GET", "http://127.0.0.1:9/"))
