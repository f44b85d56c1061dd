from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from calbridge.connectors.transport import Grant, Reach, Request, Resolver, Transport
from calbridge.errors import AddressRefused, SettingsInvalid, Unavailable
from tests.integration.transport.wire_server import ServerMaker, always, say

Certify = Callable[[str], tuple[Path, ssl.SSLContext]]


def fixed(*addresses: str) -> Resolver:
    return lambda host, port: list(addresses)


def refused(transport: Transport, url: str) -> AddressRefused:
    with pytest.raises(AddressRefused) as caught:
        transport.send(Request("GET", url))
    return caught.value


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "127.1", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_no_way_of_writing_loopback_reaches_it_without_a_grant(serve: ServerMaker, host: str) -> None:
    server = serve(always(say()))
    with Transport(Reach(https_only=False, ports=frozenset({server.port}))) as transport:
        assert refused(transport, f"http://{host}:{server.port}/").code == "private_network_needed"
    assert server.connections == 0


def test_one_bad_address_among_good_ones_refuses_the_name(serve: ServerMaker) -> None:
    server = serve(always(say()))
    reach = Reach(https_only=False, ports=frozenset({server.port}))
    with Transport(reach, resolver=fixed("8.8.8.8", "127.0.0.1")) as transport:
        assert refused(transport, f"http://a.example:{server.port}/").code == "private_network_needed"
    assert server.connections == 0


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2"])
def test_a_resolver_that_flips_to_loopback_is_refused_at_the_next_connect(serve: ServerMaker) -> None:
    """127.0.0.2 stands for the outside and is granted; 127.0.0.1 at the same port is not."""
    inside = serve(always(say(body=b"secret")))
    outside = serve(always(say(body=b"outside", Connection="close"), keep=False), address="127.0.0.2", port=inside.port)
    answers = iter([["127.0.0.2"], ["127.0.0.1"]])
    url = f"http://a.example:{inside.port}/"
    with Transport(outside.reach, resolver=lambda host, port: next(answers)) as transport:
        assert transport.send(Request("GET", url)).body == b"outside"
        assert refused(transport, url).code == "private_network_needed"
    assert next(answers, None) is None
    assert inside.connections == 0


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.9"])
def test_the_next_address_is_tried_where_the_first_does_not_answer(serve: ServerMaker) -> None:
    server = serve(always(say(body=b"ok")))
    reach = Reach(granted=(Grant.parse(f"a.example:{server.port}"),))
    with Transport(reach, resolver=fixed("127.0.0.9", "127.0.0.1")) as transport:
        assert transport.send(Request("GET", f"http://a.example:{server.port}/")).body == b"ok"


def test_a_name_that_does_not_exist_and_a_closed_port_are_unreachable(serve: ServerMaker) -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    for resolver in (unknown, fixed(), fixed("127.0.0.1")):
        with Transport(Reach(granted=(Grant.parse("a.example:1"),)), resolver=resolver) as transport:
            with pytest.raises(Unavailable) as caught:
                transport.send(Request("GET", "http://a.example:1/"))
            assert (caught.value.code, caught.value.facts["sent"]) == ("host_unreachable", False)


def test_a_hanging_name_look_up_ends_with_the_connect_time_out() -> None:
    ended = threading.Event()

    def hanging(host: str, port: int) -> list[str]:
        ended.wait(5)
        return []

    begun = time.monotonic()
    with Transport(Reach(), resolver=hanging, connect_timeout=0.2) as transport, pytest.raises(Unavailable) as caught:
        transport.send(Request("GET", "https://a.example/"))
    ended.set()
    assert (caught.value.code, caught.value.facts["sent"]) == ("timed_out", False)
    assert time.monotonic() - begun < 1.5


def test_tls_is_verified_for_the_name_although_the_address_was_chosen(serve: ServerMaker, certify: Certify) -> None:
    ca_file, context = certify("cal.example")
    seen: list[str | None] = []
    context.sni_callback = lambda sock, name, ctx: seen.append(name)
    server = serve(always(say(body=b"ok")), context)
    reach = Reach(granted=(Grant.parse(f"127.0.0.0/8:{server.port}"),))
    with Transport(reach, resolver=fixed("127.0.0.1"), ca_file=str(ca_file)) as transport:
        for _ in range(3):
            assert transport.send(Request("GET", f"https://cal.example.:{server.port}/")).body == b"ok"
        assert server.connections == 1
        assert server.heard[0].headers["host"] == f"cal.example:{server.port}"
    assert seen == ["cal.example"]


def test_a_certificate_for_an_address_serves_the_address(serve: ServerMaker, certify: Certify) -> None:
    ca_file, context = certify("127.0.0.1")
    server = serve(always(say(body=b"ok")), context)
    with Transport(server.reach, ca_file=str(ca_file)) as transport:
        assert transport.send(Request("GET", server.url)).body == b"ok"


@pytest.mark.parametrize(("host", "trusted"), [("other.example", True), ("cal.example", False)])
def test_a_wrong_name_or_an_unknown_authority_fails_before_anything_is_sent(
    serve: ServerMaker, certify: Certify, host: str, trusted: bool
) -> None:
    ca_file, context = certify("cal.example")
    server = serve(always(say()), context)
    reach = Reach(granted=(Grant.parse(f"127.0.0.0/8:{server.port}"),))
    transport = Transport(reach, resolver=fixed("127.0.0.1"), ca_file=str(ca_file) if trusted else None)
    with transport, pytest.raises(Unavailable) as caught:
        transport.send(Request("GET", f"https://{host}:{server.port}/"))
    assert (caught.value.code, caught.value.facts["sent"]) == ("tls_failed", False)
    assert server.heard == []


def test_a_server_without_tls_fails_as_tls(serve: ServerMaker) -> None:
    server = serve(always(say()))
    with Transport(server.reach) as transport, pytest.raises(Unavailable) as caught:
        transport.send(Request("GET", server.url.replace("http:", "https:")))
    assert caught.value.code == "tls_failed"


def test_a_ca_file_that_can_not_be_used_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(SettingsInvalid):
            Transport(Reach(), ca_file=str(tmp_path / name))
