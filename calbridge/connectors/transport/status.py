"""What a status code means for everybody, and answers that only look like success."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from calbridge.connectors.transport.values import Response
from calbridge.errors import SignInRequired, Throttled, Unavailable

#: Nobody is believed who asks to wait longer than this many seconds.
MAX_RETRY_AFTER = 86_400.0


def raise_for_status_class(response: Response, *, now: Callable[[], float] = time.time) -> None:
    """Raise for the statuses that mean the same at every service; all others are the connector's to judge.

    401: SignInRequired, unconfirmed. 429, and 503 with Retry-After: Throttled. Other 5xx: Unavailable. 403 is
    left alone, as it may be a permission or a failed precondition.
    """
    status = response.status
    wait = retry_after(response, now=now)
    if status == 401:
        raise SignInRequired("the service refused the credentials", confirmed=False, status=status)
    if status == 429 or (status == 503 and wait is not None):
        raise Throttled("the service asks us to wait", retry_after=wait)
    if status >= 500:
        raise Unavailable("the service failed", status=status)


def retry_after(response: Response, *, now: Callable[[], float] = time.time) -> float | None:
    """Seconds from now by Retry-After (RFC 9110 section 10.2.3: seconds or a date), or None without a usable one."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return min(float(value[:12]), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError, TypeError):
        return None
    return min(max(0.0, moment - now()), MAX_RETRY_AFTER)


def looks_like_html(response: Response) -> bool:
    """Is this a web page (a login form, as a rule) where data was expected, whatever its status says?"""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        return True
    start = response.body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html"))
