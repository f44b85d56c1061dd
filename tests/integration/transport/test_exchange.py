from __future__ import annotations

import base64
import contextlib
import gzip
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from calbridge.connectors.transport import BasicAuth, Counters, Request, Transport
from calbridge.errors import AddressRefused, LeaseLost, Unavailable
from tests.integration.transport.wire_server import Heard, ServerMaker, always, say

ALICE = BasicAuth("alice@example.com", "se:cr\u00e9t")


def failure(transport: Transport, request: Request, auth: BasicAuth | None = None) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        transport.send(request, auth)
    return caught.value


def test_a_request_arrives_as_given_and_the_answer_comes_back(serve: ServerMaker) -> None:
    server = serve(always(say("207 Multi-Status", b"<x/>", ETag='"1"', Content_Type="text/xml")))
    with Transport(server.reach, user_agent="calbridge/1") as transport:
        request = Request("REPORT", f"{server.url}/cal/%C3%BC?a=b", {"Depth": "1", "host": "evil.example"}, b"<q/>")
        response = transport.send(request, ALICE)
    heard = server.heard[0]
    assert heard.line == "REPORT /cal/%C3%BC?a=b HTTP/1.1"
    assert heard.headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "calbridge/1",
        "accept-encoding": "gzip, deflate",
        "content-length": "4",
        "depth": "1",
        "authorization": "Basic " + base64.b64encode("alice@example.com:se:cr\u00e9t".encode()).decode(),
    }
    assert heard.body == b"<q/>"
    assert (response.status, response.body, response.headers["etag"]) == (207, b"<x/>", '"1"')
    assert response.url == f"{server.url}/cal/%C3%BC?a=b"


def test_connections_are_kept_between_requests(serve: ServerMaker) -> None:
    server = serve(always(say(body=b"ok")))
    with Transport(server.reach) as transport:
        for _ in range(5):
            assert transport.send(Request("GET", server.url)).body == b"ok"
    assert server.connections == 1


def test_chunked_head_and_bodiless_answers_leave_the_connection_in_order(serve: ServerMaker) -> None:
    answers = {
        "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x\r\nbc\r\n0\r\nT: 1\r\n\r\n",
        "/head": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\nContent-Encoding: gzip\r\n\r\n",
        "/none": b"HTTP/1.1 204 No Content\r\n\r\n",
        "/same": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        "/interim": b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + say(body=b"end"),
    }

    def script(heard: Heard, sock: socket.socket) -> None:
        sock.sendall(answers[heard.line.split()[1]])

    server = serve(script)
    with Transport(server.reach) as transport:
        got = [transport.send(Request("HEAD" if path == "/head" else "GET", server.url + path)) for path in answers]
    assert [(response.status, response.body) for response in got] == [
        (200, b"abc"),
        (200, b""),
        (204, b""),
        (304, b""),
        (200, b"end"),
    ]
    assert server.connections == 1


def test_a_connection_that_the_server_closed_meanwhile_is_replaced_before_sending(serve: ServerMaker) -> None:
    server = serve(always(say(), keep=False))
    with Transport(server.reach) as transport:
        transport.send(Request("PUT", server.url, body=b"x"))
        time.sleep(0.05)
        transport.send(Request("PUT", server.url, body=b"x"))
    assert (server.connections, len(server.heard)) == (2, 2)


def test_bytes_nobody_asked_for_are_never_taken_for_an_answer(serve: ServerMaker) -> None:
    server = serve(always(say(body=b"one") + say(body=b"smuggled")))
    with Transport(server.reach) as transport:
        assert [transport.send(Request("GET", server.url)).body for _ in range(2)] == [b"one", b"one"]
    assert server.connections == 2


def test_a_redirect_is_an_answer_like_any_other(serve: ServerMaker) -> None:
    server = serve(always(say("302 Found", Location="/login")))
    with Transport(server.reach) as transport:
        response = transport.send(Request("PUT", server.url, body=b"x"))
    assert (response.status, response.headers["location"], len(server.heard)) == (302, "/login", 1)


def test_proxies_and_netrc_of_the_environment_are_ignored(
    serve: ServerMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proxy, server = serve(always(say(body=b"proxy"))), serve(always(say(body=b"direct")))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login bob password planted\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with Transport(server.reach) as transport:
        assert transport.send(Request("GET", server.url)).body == b"direct"
    assert proxy.connections == 0
    assert "authorization" not in server.heard[0].headers


def test_a_slowly_dripping_answer_is_cut_off_by_the_total_time_out(serve: ServerMaker) -> None:
    def script(heard: Heard, sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not server.stop.wait(0.02):
            sock.sendall(b"x")

    server = serve(script)
    with Transport(server.reach, timeout=0.3) as transport:
        begun = time.monotonic()
        error = failure(transport, Request("GET", server.url))
    assert (error.code, error.facts["sent"]) == ("timed_out", True)
    assert 0.28 < time.monotonic() - begun < 1.5


def test_a_silent_server_and_endless_interim_answers_end_too(serve: ServerMaker) -> None:
    def silent(heard: Heard, sock: socket.socket) -> None:
        server.stop.wait(5)

    server = serve(silent)
    with Transport(server.reach, timeout=0.2) as transport:
        assert failure(transport, Request("GET", server.url)).code == "timed_out"
    chatty = serve(always(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50))
    with Transport(chatty.reach) as transport:
        assert failure(transport, Request("GET", chatty.url)).code == "malformed_answer"


def test_a_server_that_does_not_read_can_not_hold_a_large_request(serve: ServerMaker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        server = serve(always(say()))
        server.port = deaf.getsockname()[1]
        with Transport(server.reach, timeout=0.3) as transport:
            error = failure(transport, Request("PUT", server.url, body=bytes(16 * 2**20)))
    assert error.code == "timed_out"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "host_unreachable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "malformed_answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "malformed_answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "malformed_answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed_answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nab", "malformed_answer"),
        (b"SSH-2.0-server\r\n", "malformed_answer"),
        (b"HTTP/1.1 abc\r\n\r\n", "malformed_answer"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", "malformed_answer"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200 + b"\r\n", "malformed_answer"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "malformed_answer"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PROPFIND"])
def test_an_answer_that_breaks_off_is_unavailability_and_nothing_is_resent(
    serve: ServerMaker, answer: bytes, code: str, method: str
) -> None:
    server = serve(always(answer, keep=False))
    with Transport(server.reach) as transport:
        error = failure(transport, Request(method, server.url, body=b"x"))
        time.sleep(0.02)
    assert (error.code, error.facts["sent"]) == (code, True)
    assert (len(server.heard), server.connections) == (1, 1)


def test_a_kept_connection_that_breaks_after_sending_is_not_used_to_send_again(serve: ServerMaker) -> None:
    def script(heard: Heard, sock: socket.socket) -> bool:
        if len(server.heard) == 1:
            sock.sendall(say())
            return True
        return False

    server = serve(script)
    with Transport(server.reach) as transport:
        transport.send(Request("GET", server.url))
        assert failure(transport, Request("PUT", server.url, body=b"x")).code == "host_unreachable"
        time.sleep(0.02)
    assert [heard.line.split()[0] for heard in server.heard] == ["GET", "PUT"]


def test_an_early_refusal_of_a_large_body_is_seen(serve: ServerMaker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(65536)
                sock.sendall(say("413 Content Too Large"))
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass

        threading.Thread(target=refuse, daemon=True).start()
        server = serve(always(say()))
        server.port = listener.getsockname()[1]
        with Transport(server.reach) as transport:
            assert transport.send(Request("PUT", server.url, body=bytes(2**20))).status == 413


def test_a_gzip_bomb_is_stopped_at_the_limit_of_unpacked_bytes(serve: ServerMaker) -> None:
    packed = gzip.compress(bytes(200 * 2**20), compresslevel=9)
    server = serve(always(say(body=packed, Content_Encoding="gzip")))
    with Transport(server.reach) as transport:
        error = failure(transport, Request("GET", server.url, max_bytes=2**20))
        received = transport.counters.bytes_received
    assert error.code == "response_too_large"
    assert received < 2**18


def test_a_declared_length_beyond_the_limit_is_refused_before_reading(serve: ServerMaker) -> None:
    def script(heard: Heard, sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
        server.stop.wait(5)

    server = serve(script)
    with Transport(server.reach, timeout=3) as transport:
        assert failure(transport, Request("GET", server.url, max_bytes=1000)).code == "response_too_large"


def test_an_endless_body_without_length_is_stopped(serve: ServerMaker) -> None:
    def script(heard: Heard, sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not server.stop.is_set():
            sock.sendall(b"1000\r\n" + bytes(4096) + b"\r\n")

    server = serve(script)
    with Transport(server.reach) as transport:
        assert failure(transport, Request("GET", server.url, max_bytes=2**18)).code == "response_too_large"


@pytest.mark.parametrize(
    "request_with",
    [
        {"headers": {"If-Match": '"1"\r\nX-Evil: 1'}},
        {"headers": {"X-A\r\nB": "1"}},
        {"headers": {"X": "a\x00"}},
        {"headers": {"X": "\u20ac"}},
        {"method": "GET / HTTP/1.1\r\nX:"},
    ],
)
def test_fields_that_could_smuggle_another_request_are_refused_unsent(
    serve: ServerMaker, request_with: dict[str, object]
) -> None:
    server = serve(always(say()))
    given: dict[str, object] = {"method": "GET", "headers": {}} | request_with
    with Transport(server.reach) as transport, pytest.raises(AddressRefused):
        transport.send(Request(url=server.url, **given))  # type: ignore[arg-type]
    assert server.connections == 0


def test_threads_share_a_bounded_number_of_connections(serve: ServerMaker) -> None:
    gate = threading.Barrier(3, timeout=5)

    def script(heard: Heard, sock: socket.socket) -> None:
        gate.wait()
        sock.sendall(say(body=heard.body))

    server = serve(script)
    with Transport(server.reach, pool_size=3) as transport, ThreadPoolExecutor(9) as pool:
        bodies = [str(n).encode() for n in range(12)]
        got = pool.map(lambda body: transport.send(Request("POST", server.url, body=body)).body, bodies)
        assert list(got) == bodies
        assert transport.counters.requests == 12
    assert server.connections == 3


def test_waiting_for_a_connection_counts_into_the_time_out(serve: ServerMaker) -> None:
    release = threading.Event()

    def script(heard: Heard, sock: socket.socket) -> None:
        release.wait(5)
        sock.sendall(say())

    server = serve(script)
    with Transport(server.reach, pool_size=1, timeout=0.5) as transport, ThreadPoolExecutor(1) as pool:
        first = pool.submit(failure, transport, Request("GET", server.url))
        time.sleep(0.2)
        begun = time.monotonic()
        second = failure(transport, Request("GET", server.url))
        release.set()
        assert first.result().code == "timed_out"
    assert second.code == "timed_out"
    assert time.monotonic() - begun < 1.0


def test_the_counters_know_every_byte_of_heads_and_bodies(serve: ServerMaker) -> None:
    answer = say(body=b"12345")
    server = serve(always(answer))
    with Transport(server.reach, user_agent="u") as transport:
        assert transport.counters == Counters(0, 0, 0)
        transport.send(Request("PUT", f"{server.url}/a", {"X": "1"}, b"body"))
        sent = (
            f"PUT /a HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUser-Agent: u\r\nAccept-Encoding: gzip, deflate\r\n"
            "Content-Length: 4\r\nX: 1\r\n\r\nbody"
        )
        assert transport.counters == Counters(1, len(sent), len(answer))


def test_before_request_can_stop_a_request_from_leaving(serve: ServerMaker) -> None:
    def lost(_: Request) -> None:
        raise LeaseLost

    server = serve(always(say()))
    with Transport(server.reach, before_request=lost) as transport, pytest.raises(LeaseLost):
        transport.send(Request("GET", server.url))
    assert server.connections == 0


def test_errors_name_no_password_and_no_path(serve: ServerMaker) -> None:
    server = serve(always(b"nonsense\r\n", keep=False))
    with Transport(server.reach) as transport:
        error = failure(transport, Request("GET", f"{server.url}/private-token"), ALICE)
    chain = f"{error!r} {error} {error.facts} {error.__cause__!r}"
    assert "private-token" not in chain
    assert "se:cr" not in chain
    assert "se:cr" not in repr(Request("GET", "https://a.example/", {"Authorization": "se:cr"}, b"se:cr"))


def test_a_budget_covers_all_requests_together(serve: ServerMaker) -> None:
    """Each request of 0.15 s has time enough by itself; together they have not."""

    def slow(_heard: Heard, sock: socket.socket) -> bool:
        time.sleep(0.15)
        # The last asker has gone by then.
        with contextlib.suppress(OSError):
            sock.sendall(say(body=b"late"))
        return True

    server = serve(slow)
    with Transport(server.reach, timeout=5, budget=0.4) as transport:
        assert transport.send(Request("GET", server.url)).body == b"late"
        assert transport.send(Request("GET", server.url)).body == b"late"
        assert failure(transport, Request("GET", server.url)).code == "timed_out"
        refused = failure(transport, Request("GET", server.url))
        assert (refused.code, refused.facts["sent"]) == ("timed_out", False)
    assert len(server.heard) == 3


def test_what_our_own_side_takes_before_a_request_is_not_the_service_s_time(serve: ServerMaker) -> None:
    server = serve(always(say()))

    def slow(_: Request) -> None:
        time.sleep(0.5)

    with Transport(server.reach, timeout=0.3, before_request=slow) as transport:
        assert transport.send(Request("GET", server.url)).status == 200
