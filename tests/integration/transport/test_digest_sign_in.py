from __future__ import annotations

import hashlib
import re
import socket

from calbridge.connectors.transport import BasicAuth, Request, Transport
from tests.integration.transport.wire_server import Heard, Script, ServerMaker, always, say

ALICE = BasicAuth("alice", "right", auth="digest")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def proves(told: str, method: str, path: str, nonce: str) -> bool:
    """The check a service makes, written from RFC 7616 section 3.4.1."""
    given = dict(re.findall(r'(\w+)="?([^",]*)"?', told))
    secret, act = sha256("alice:calendars:right"), sha256(f"{method}:{path}")
    wanted = sha256(f"{secret}:{nonce}:{given['nc']}:{given['cnonce']}:{given['qop']}:{act}")
    return (given["username"], given["uri"], given["nonce"], given["response"]) == ("alice", path, nonce, wanted)


def challenging(lives: int) -> Script:
    """A service whose nonces serve ``lives`` requests each and then are stale."""
    used = {"nonce-0": 0}

    def script(heard: Heard, sock: socket.socket) -> None:
        method, path, _ = heard.line.split()
        told = heard.headers.get("authorization", "")
        nonce = f"nonce-{len(used) - 1}"
        if told and used[nonce] < lives and proves(told, method, path, nonce):
            used[nonce] += 1
            sock.sendall(say("201 Created"))
            return
        stale = "true" if told and used[nonce] >= lives else "false"
        if stale == "true":
            used[f"nonce-{len(used)}"] = 0
        field = f'Digest realm="calendars", nonce="nonce-{len(used) - 1}", qop="auth", algorithm=SHA-256, stale={stale}'
        sock.sendall(say("401 Unauthorized", WWW_Authenticate=field))

    return script


def test_a_challenge_is_answered_once_and_its_nonce_used_on(serve: ServerMaker) -> None:
    server = serve(challenging(lives=2))
    with Transport(server.reach) as transport:
        got = [transport.send(Request("PUT", f"{server.url}/a?b", body=b"x"), ALICE).status for _ in range(3)]
    assert got == [201, 201, 201]
    # challenge + 1st, 2nd, stale challenge + 3rd
    assert len(server.heard) == 5
    assert [heard.body for heard in server.heard] == [b"x"] * 5


def test_a_wrong_password_is_offered_once_for_each_call(serve: ServerMaker) -> None:
    server = serve(challenging(lives=9))
    with Transport(server.reach) as transport:
        wrong = BasicAuth("alice", "wrong", auth="digest")
        assert transport.send(Request("GET", f"{server.url}/"), wrong).status == 401
    assert ["authorization" in heard.headers for heard in server.heard] == [False, True]


def test_a_password_that_is_refused_with_a_good_nonce_is_not_offered_again(serve: ServerMaker) -> None:
    server = serve(challenging(lives=9))
    with Transport(server.reach) as transport:
        assert transport.send(Request("GET", f"{server.url}/"), ALICE).status == 201
        assert transport.send(Request("GET", f"{server.url}/"), BasicAuth("alice", "old", auth="digest")).status == 401
    assert ["authorization" in heard.headers for heard in server.heard] == [False, True, True]


def test_the_password_is_never_sent_to_a_service_that_wants_it_plain(serve: ServerMaker) -> None:
    server = serve(always(say("401 Unauthorized", WWW_Authenticate='Basic realm="x"')))
    calls: list[int] = []
    with Transport(server.reach, before_request=lambda _: calls.append(1)) as transport:
        assert transport.send(Request("GET", server.url), ALICE).status == 401
    assert ["authorization" in heard.headers for heard in server.heard] == [False]
    assert len(calls) == 1
