"""Our own database and Redis: closed to connectors and webhooks, whatever a tenant was granted."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from calbridge.connectors.transport import Request
from calbridge.errors import AddressRefused, Unavailable
from calbridge.service.transports import Transports
from tests.integration.service.world import TENANT, World

LOOPBACK = ip_network("127.0.0.0/8")


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
    settings = replace(world.parts.settings, redis_url="redis://127.0.0.1:6390", private_networks=(LOOPBACK,))
    make = Transports(settings, world.parts.database)
    with make(TENANT) as transport, pytest.raises(Unavailable, match="host_unreachable"):
        transport.send(Request("GET", "http://127.0.0.1:9/"))


@pytest.mark.parametrize("place", ["127.0.0.1:9", "127.0.0.0/8:9", "localhost:9"])
def test_a_grant_that_is_older_than_the_operator_s_ceiling_opens_nothing(world: World, place: str) -> None:
    grant(world, place)
    host = "localhost:9" if place.startswith("localhost") else "127.0.0.1:9"
    lower = replace(world.parts.settings, private_networks=(ip_network("10.0.0.0/8"),))
    with Transports(lower, world.parts.database)(TENANT) as transport, pytest.raises(AddressRefused) as refused:
        transport.send(Request("GET", f"http://{host}/"))
    assert refused.value.code == "private_network_needed"
    assert refused.value.facts["reason"] == "beyond_private_networks"
