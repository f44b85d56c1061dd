from __future__ import annotations

import pytest

from calbridge.connectors.transport import Headers, Response, looks_like_html, raise_for_status_class
from calbridge.errors import ConnectorError, SignInRequired, Throttled, Unavailable

NOON = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT


def answer(status: int, body: bytes = b"", **fields: str) -> Response:
    headers = Headers((name.replace("_", "-"), value) for name, value in fields.items())
    return Response(status, headers, body, "https://a.example/")


def raised(response: Response) -> ConnectorError | None:
    try:
        raise_for_status_class(response, now=lambda: NOON)
    except ConnectorError as error:
        return error
    return None


@pytest.mark.parametrize("status", [200, 201, 204, 207, 302, 304, 400, 403, 404, 409, 410, 412, 423, 499])
def test_statuses_that_differ_between_services_are_left_to_the_connector(status: int) -> None:
    assert raised(answer(status)) is None


def test_401_is_a_sign_in_problem_that_is_not_certain() -> None:
    error = raised(answer(401))
    assert isinstance(error, SignInRequired)
    assert error.confirmed is False


@pytest.mark.parametrize(
    ("status", "value", "seconds"),
    [
        (429, "", None),
        (429, "120", 120.0),
        (503, "0", 0.0),
        (503, "Fri, 15 Jan 2027 08:01:30 GMT", 90.0),
        (503, "Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        (429, "soon", None),
        (429, "-5", None),
        (429, "9" * 5000, 86_400.0),
    ],
)
def test_a_wish_to_wait_is_read_in_both_forms(status: int, value: str, seconds: float | None) -> None:
    error = raised(answer(status, Retry_After=value))
    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


@pytest.mark.parametrize(("status", "value"), [(500, ""), (502, ""), (503, ""), (503, "soon"), (507, ""), (500, "5")])
def test_other_failures_of_the_service_are_unavailability(status: int, value: str) -> None:
    assert isinstance(raised(answer(status, Retry_After=value)), Unavailable)


def test_login_pages_are_told_from_data() -> None:
    assert looks_like_html(answer(200, b"", Content_Type="Text/HTML; charset=utf-8"))
    assert looks_like_html(answer(201, b"\xef\xbb\xbf \r\n<!DOCTYPE html><p>", Content_Type="text/xml"))
    assert looks_like_html(answer(207, b"<HTML lang=en>"))
    assert not looks_like_html(
        answer(207, b'<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"/>', Content_Type="text/xml")
    )
    assert not looks_like_html(answer(200, b"BEGIN:VCALENDAR", Content_Type="text/calendar"))
