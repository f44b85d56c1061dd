"""Where the account's calendars are, asked only when it is needed: a poll must stay one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from calbridge.connectors.contract import Account, Calendar
from calbridge.errors import CalendarGone, ConnectorError, PermissionMissing, Unavailable
from calbridge_caldav import bodies
from calbridge_caldav.calendars import calendar_url, listed, with_primary
from calbridge_caldav.client import DavClient
from calbridge_caldav.discovery import Discovered, Locator, discover
from calbridge_caldav.hrefs import canonical
from calbridge_caldav.properties import Resource, read_resources

_GONE = frozenset({404, 410})


class Homes:
    """The homes of one account: those of the stored facts first, found anew where these no longer answer."""

    def __init__(self, client: DavClient, account: Account, locate: Locator) -> None:
        self._client = client
        self._account = account
        self._locate = locate
        self._homes = tuple(account.facts.get("homes", "").split())

    def rediscover(self) -> Discovered:
        """Ask who we are and where the calendars are. Raises what :func:`discover` raises."""
        found = discover(self._client, self._account, self._locate)
        self._homes = found.homes
        return found

    def url_of(self, calendar: str) -> str:
        """The URL of a calendar, by its id."""
        if "://" in calendar:
            return calendar
        return calendar_url(calendar, self._known()[0])

    def calendars(self) -> list[Calendar]:
        """All calendars of all homes.

        A home that is not where it was is looked for once more (dossier 2, iCloud); one of several that is closed hides
        no other. Raises PermissionMissing, Unavailable.
        """
        try:
            found = self._list(self._homes) if self._homes else None
        except Unavailable:
            found = None
        if found is None or found.closed:
            found = self._list(self.rediscover().homes)
        return found.calendars

    def moved(self, calendar: str) -> bool:
        """After a calendar answered that it is not there: whether it lives under another URL now.

        Raises CalendarGone where the homes answer and do not list it (dossier 3, a calendar that disappears).
        """
        before = self.url_of(calendar)
        found = self._list(self.rediscover().homes)
        if calendar not in {each.id for each in found.calendars}:
            for home, error in found.closed.items():
                if canonical(before).startswith(canonical(home).rstrip("/") + "/"):
                    raise error
            raise CalendarGone("no home lists it")
        return self.url_of(calendar) != before

    def _known(self) -> tuple[str, ...]:
        return self._homes or self.rediscover().homes

    def _list(self, homes: Sequence[str]) -> _Listed:
        """Raises what is wrong with the first home where all are closed."""
        found: dict[str, Calendar] = {}
        closed: dict[str, ConnectorError] = {}
        for home in homes:
            try:
                for calendar in listed(self._children(home), home, homes[0]):
                    found.setdefault(calendar.id, calendar)
            except (PermissionMissing, _HomeMissing) as error:
                closed[home] = error
        if len(closed) == len(homes):
            raise closed[homes[0]]
        return _Listed(with_primary(list(found.values())), closed)

    def _children(self, home: str) -> list[Resource]:
        response = self._client.propfind(home, bodies.CALENDARS, 1)
        if response.status in _GONE:
            raise _home_missing()
        if response.status == 403:
            raise PermissionMissing("the calendar home is not shown", status=403)
        resources = read_resources(response)
        if not any(resource.found for resource in resources):
            raise _home_missing()  # not even the home itself: Xandikos answers 207 with a 404 row
        return resources


class _Listed(NamedTuple):
    """The calendars of all homes that are open, and what the others answered."""

    calendars: list[Calendar]
    closed: Mapping[str, ConnectorError]


class _HomeMissing(Unavailable):
    """A home answered 404 or 410."""


def _home_missing() -> _HomeMissing:
    return _HomeMissing("the calendar home is missing", sent=True)
