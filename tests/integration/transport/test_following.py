from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from calbridge.connectors.transport import BasicAuth, Grant, Reach, Request, Transport, follow
from calbridge.errors import AddressRefused
from tests.integration.transport.wire_server import Heard, Script, Server, ServerMaker, always, say

ALICE = BasicAuth("alice@example.com", "planted")


def never(old: str, new: str) -> bool:
    return False


def pages(answers: Mapping[str, bytes]) -> Script:
    def script(heard: Heard, sock: socket.socket) -> None:
        sock.sendall(answers[heard.line.split()[1]])

    return script


def moved(where: str, status: str = "301 Moved Permanently") -> bytes:
    return say(status, Location=where)


def reach_of(*servers: Server) -> Reach:
    return Reach(granted=tuple(Grant.parse(f"127.0.0.1:{server.port}") for server in servers))


def refusal(transport: Transport, request: Request) -> AddressRefused:
    with pytest.raises(AddressRefused) as caught:
        follow(transport, request, ALICE, same_site=never)
    return caught.value


@pytest.mark.parametrize("status", ["301 M", "302 F", "303 S", "307 T", "308 P"])
def test_method_body_and_credentials_go_along_on_the_same_host(serve: ServerMaker, status: str) -> None:
    server = serve(pages({"/.well-known/caldav": moved("/dav/", status), "/dav/": say("207 Multi-Status")}))
    request = Request("PROPFIND", f"{server.url}/.well-known/caldav", {"Depth": "0"}, b"<q/>")
    with Transport(server.reach) as transport:
        response = follow(transport, request, ALICE, same_site=never)
    assert (response.status, response.url) == (207, f"{server.url}/dav/")
    first, second = server.heard
    assert second.line == "PROPFIND /dav/ HTTP/1.1"
    assert (second.body, second.headers) == (first.body, first.headers)
    assert "authorization" in second.headers


def test_credentials_go_to_another_host_only_where_the_policy_says_so(serve: ServerMaker) -> None:
    other = serve(always(say()))
    server = serve(always(moved(f"{other.url}/x")))
    request = Request("PROPFIND", server.url, {"Cookie": "planted", "Authorization": "planted", "Depth": "0"}, b"<q/>")
    asked: list[tuple[str, str]] = []

    def always_same(old: str, new: str) -> bool:
        asked.append((old, new))
        return True

    with Transport(reach_of(server, other)) as transport:
        follow(transport, request, ALICE, same_site=never)
        follow(transport, request, ALICE, same_site=always_same)
    without, with_them = other.heard
    assert not {"authorization", "cookie"} & set(without.headers)
    assert without.headers["depth"] == "0"
    assert with_them.headers["authorization"].startswith("Basic ")
    assert asked == [(server.url, f"{other.url}/x")]


def test_credentials_once_dropped_stay_dropped_on_the_way_back(serve: ServerMaker) -> None:
    home: list[str] = []
    other = serve(lambda heard, sock: sock.sendall(moved(f"{home[0]}/back")))
    server = serve(pages({"/": moved(other.url), "/back": say()}))
    home.append(server.url)
    with Transport(reach_of(server, other)) as transport:
        follow(transport, Request("GET", server.url), ALICE, same_site=never)
    assert "authorization" in server.heard[0].headers
    assert "authorization" not in server.heard[1].headers


def test_every_hop_goes_through_the_guard(serve: ServerMaker) -> None:
    inside = serve(always(say()))
    server = serve(always(moved(inside.url)))
    with Transport(server.reach) as transport:
        assert refusal(transport, Request("GET", server.url)).code == "address_refused"
    assert inside.connections == 0


@pytest.mark.parametrize(
    "where",
    [
        "file:///etc/hosts",
        "https://alice@example.com/",
        "http://[::1",
        "https://example.com:0/",
        "http://169.254.169.254/",
    ],
)
def test_a_target_that_is_no_proper_url_is_refused(serve: ServerMaker, where: str) -> None:
    server = serve(always(moved(where)))
    with Transport(server.reach) as transport:
        assert refusal(transport, Request("GET", server.url)).code in (
            "address_refused",
            "port_refused",
            "redirect_refused",
        )
    assert len(server.heard) == 1


def test_loops_and_too_many_hops_are_refused(serve: ServerMaker) -> None:
    loop = serve(pages({"/a": moved("/b"), "/b": moved("/a#x")}))
    endless = serve(lambda heard, sock: sock.sendall(moved(heard.line.split()[1] + "x")))
    with Transport(reach_of(loop, endless)) as transport:
        assert refusal(transport, Request("GET", f"{loop.url}/a")).code == "redirect_refused"
        assert refusal(transport, Request("GET", f"{endless.url}/")).code == "redirect_refused"
    assert (len(loop.heard), len(endless.heard)) == (2, 6)


def test_a_write_is_not_repeated_after_see_other(serve: ServerMaker) -> None:
    server = serve(pages({"/": moved("/login", "303 See Other")}))
    with Transport(server.reach) as transport:
        assert refusal(transport, Request("PUT", server.url, body=b"x")).code == "redirect_refused"
    assert len(server.heard) == 1


def test_a_redirect_without_location_is_handed_back(serve: ServerMaker) -> None:
    server = serve(always(say("302 Found")))
    with Transport(server.reach) as transport:
        assert follow(transport, Request("GET", server.url), None, same_site=never).status == 302


def test_https_is_never_left_for_http_while_the_other_way_is_open(
    serve: ServerMaker, certify: Callable[[str], tuple[Path, ssl.SSLContext]]
) -> None:
    ca_file, context = certify("127.0.0.1")
    plain_end, secure_end = serve(always(say(body=b"plain"))), serve(always(say(body=b"secure")), context)
    down, up = serve(always(moved(plain_end.url)), context), serve(always(moved(secure_end.url)))
    with Transport(reach_of(plain_end, secure_end, down, up), ca_file=str(ca_file)) as transport:
        assert refusal(transport, Request("GET", down.url)).code == "redirect_refused"
        assert follow(transport, Request("GET", up.url), None, same_site=never).body == b"secure"
    assert plain_end.connections == 0
