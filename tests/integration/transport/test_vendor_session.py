from __future__ import annotations

import gzip

import pytest

from calbridge.connectors.transport import Reach, Transport
from calbridge.connectors.transport.session import GuardedSession
from calbridge.errors import AddressRefused
from tests.integration.transport.wire_server import ServerMaker, always, say


def test_a_vendor_library_gets_its_answer_through_the_transport(serve: ServerMaker) -> None:
    answer = say(
        "202 Accepted", gzip.compress(b'{"a": "\xc3\xbc"}'), Content_Encoding="gzip", Content_Type="application/json"
    )
    server = serve(always(answer))
    with Transport(server.reach) as transport, GuardedSession(transport) as session:
        response = session.post(f"{server.url}/x", json={"b": 1}, headers={"Authorization": "Bearer t"})
        assert (response.status_code, response.json(), transport.counters.requests) == (202, {"a": "\u00fc"}, 1)
    heard = server.heard[0]
    assert (heard.line, heard.body, heard.headers["authorization"]) == ("POST /x HTTP/1.1", b'{"b": 1}', "Bearer t")


def test_its_redirects_are_not_followed_and_proxies_not_used(
    serve: ServerMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = serve(always(say())), serve(always(say("302 Found", Location="/login")))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    with Transport(server.reach) as transport, GuardedSession(transport) as session:
        assert session.get(server.url).status_code == 302
    assert (len(server.heard), proxy.connections) == (1, 0)


def test_it_is_stopped_by_the_guard_and_has_no_other_way_out(serve: ServerMaker) -> None:
    server = serve(always(say()))
    with Transport(Reach()) as transport, GuardedSession(transport) as session:
        with pytest.raises(AddressRefused):
            session.get(server.url)
        assert set(session.adapters) == {"http://", "https://"}
    assert server.connections == 0
