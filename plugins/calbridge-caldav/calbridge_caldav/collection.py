"""One linked calendar as the operations meet it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from calbridge.connectors.transport import Response
from calbridge.errors import CalendarGone
from calbridge_caldav.client import DavClient
from calbridge_caldav.homes import Homes
from calbridge_caldav.hrefs import canonical, origin_of

_GONE = frozenset({404, 410})


class Collection:
    """A calendar's URL with the requests to it; follows the calendar to another host where it moved."""

    def __init__(self, client: DavClient, homes: Homes, calendar: str) -> None:
        self.client = client
        self._homes = homes
        self._calendar = calendar
        self._url = self._path = ""
        self._find()

    @property
    def url(self) -> str:
        """Where it is now."""
        return self._url

    @property
    def path(self) -> str:
        """Its canonical path, with a slash at the end."""
        return self._path

    def url_of(self, path: str) -> str:
        """The URL of a member by its canonical path: on this calendar's host, whatever an href said."""
        return origin_of(self._url) + path

    def contains(self, path: str) -> bool:
        """Whether a canonical path is that of a direct member."""
        before = self._path
        return path.startswith(before) and len(path) > len(before) and path.find("/", len(before)) < 0

    def report(self, body: bytes, *, depth: int | None = None) -> Response:
        """A REPORT on it. Raises CalendarGone where it is not there any more."""
        return self._asked(lambda: self.client.report(self._url, body, depth=depth))

    def propfind(self, body: bytes, depth: int) -> Response:
        """A PROPFIND on it. Raises CalendarGone, PermissionMissing."""
        response = self._asked(lambda: self.client.propfind(self._url, body, depth))
        if response.status == 403:
            self.closed()
        return response

    def closed(self) -> NoReturn:
        """What 403 means: the calendar is closed to this account, or all is (dossier 8, 403 on one calendar).

        Raises CalendarGone where its home still answers, else what the home says: PermissionMissing, Unavailable.
        """
        self._homes.calendars()
        raise CalendarGone("the calendar is not shown", status=403)

    def ensure_there(self) -> None:
        """After a member answered 404 to a write: raises CalendarGone if the calendar itself is gone."""
        if self._homes.moved(self._calendar):
            self._find()

    def _asked(self, send: Callable[[], Response]) -> Response:
        response = send()
        if response.status not in _GONE or not self._homes.moved(self._calendar):
            return response
        self._find()
        return send()

    def _find(self) -> None:
        self._url = self._homes.url_of(self._calendar)
        path = canonical(self._url)
        self._path = path if path.endswith("/") else path + "/"
