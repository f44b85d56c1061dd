"""What single servers do differently, as data, each with its source.

Sources are rows of the project's CalDAV dossier, which measured Radicale, Xandikos, DAViCal, Cyrus and SOGo.
"""

from __future__ import annotations

import re

ICLOUD_URL = "https://caldav.icloud.com/"
"""Dossier 2, iCloud: always start here; home-sets stand on partition hosts."""

COUNTER_ETAG = re.compile(r'"gcs\d+"')
"""SOGo's ETags count the writes of a name and restart after a delete (dossier 5, ETag semantics): in a delta an equal
one proves nothing. SOGo also ignores If-None-Match, If-Match on a missing resource, and If-Match of DELETE."""

EXPIRED_TOKEN_SERVER_ERRORS = frozenset({500, 501})
"""Answered by some servers to a sync-token they no longer know (dossier 4.1, token invalid)."""

SILENT_PAGE_SIZE = 500
"""Stalwart cuts a first listing without a 507 row (dossier 4.1, truncation): a listing whose length is a multiple of
this is compared with a PROPFIND before it is called complete."""

MINIMAL_DURATION_SECONDS = 1
"""Cyrus refuses DTEND = DTSTART and takes one second more (dossier 5, VEVENT without DTEND)."""

UID_CONFLICT_CONDITIONS = frozenset({"no-uid-conflict", "unique-scheduling-object-resource"})
"""RFC 4791 section 5.3.2.1 and RFC 6638; answered with 409, 412 or 403 (dossier 5, UID conflict)."""

TOO_LARGE_CONDITIONS = frozenset({"max-resource-size", "max-attachment-size"})
NOT_EXPRESSIBLE_CONDITIONS = frozenset({"min-date-time", "max-date-time", "max-instances"})
READ_ONLY_CONDITIONS = frozenset({"need-privileges"})
QUOTA_CONDITIONS = frozenset({"quota-not-exceeded", "sufficient-disk-space"})

SERVER_PRODUCTS_IGNORING_PRECONDITIONS = ("sogo",)
"""Parts of a ``Server`` field, lower case (dossier 5, update and DELETE)."""


def look_before_writing(version: str | None) -> bool:
    """Whether this version proves nothing, as a condition or by being equal.

    There is none, it is weak (RFC 9110 section 13.1.1), or SOGo made it.
    """
    return version is None or version.startswith("W/") or COUNTER_ETAG.fullmatch(version) is not None
