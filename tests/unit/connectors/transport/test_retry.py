from __future__ import annotations

import pytest

from calbridge.connectors.transport import Headers, Request, Response, backoff, idempotent_retry
from calbridge.errors import Unavailable


def test_the_wait_doubles_up_to_its_cap_and_half_of_it_is_chance() -> None:
    waits = [backoff(attempt, base=1.0, cap=10.0, random=lambda: 1.0) for attempt in range(6)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert backoff(2, base=1.0, cap=10.0, random=lambda: 0.0) == 2.0
    assert backoff(10_000, base=1.0, cap=10.0, random=lambda: 0.5) == 7.5


def attempts_of(method: str, code: str, failures: int, allowed: int = 3) -> tuple[int, list[float], bool]:
    tried: list[str] = []
    waits: list[float] = []

    def send(request: Request) -> Response:
        tried.append(request.method)
        if len(tried) <= failures:
            raise Unavailable(code=code)
        return Response(207, Headers(), b"", request.url)

    request = Request(method, "https://a.example/")
    try:
        idempotent_retry(send, request, allowed, base=1.0, cap=4.0, sleep=waits.append, random=lambda: 1.0)
    except Unavailable:
        return len(tried), waits, False
    return len(tried), waits, True


@pytest.mark.parametrize("method", ["GET", "PROPFIND", "REPORT"])
def test_reading_is_tried_again_after_a_pause(method: str) -> None:
    assert attempts_of(method, "host_unreachable", failures=2) == (3, [1.0, 2.0], True)
    assert attempts_of(method, "timed_out", failures=9) == (3, [1.0, 2.0], False)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH", "MKCALENDAR", "MOVE", "PROPPATCH"])
def test_what_may_write_is_sent_once(method: str) -> None:
    assert attempts_of(method, "host_unreachable", failures=1) == (1, [], False)


@pytest.mark.parametrize("code", ["tls_failed", "response_too_large"])
def test_what_would_only_fail_again_is_not_repeated(code: str) -> None:
    assert attempts_of("GET", code, failures=1) == (1, [], False)
