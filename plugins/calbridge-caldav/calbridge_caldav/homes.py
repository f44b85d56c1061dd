"""Where the account's calendars are, asked only when it is needed: a poll must stay one request."""

from __future__ import annotations

from collections.abc import Sequence

from calbridge.connectors.contract import Account, Calendar
from calbridge.errors import CalendarGone, ConnectorError, PermissionMissing, Unavailable
from calbridge_caldav import bodies
from calbridge_caldav.calendars import calendar_url, listed, with_primary
from calbridge_caldav.client import DavClient
from calbridge_caldav.discovery import Discovered, Locator, discover
from calbridge_caldav.properties import read_resources

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

        A home that is not where it was is looked for once more (dossier 2, iCloud). Raises PermissionMissing,
        Unavailable.
        """
        if self._homes:
            try:
                return self._list(self._homes)
            except (Unavailable, _HomeMissing):
                pass
        try:
            return self._list(self.rediscover().homes)
        except _HomeMissing as error:
            raise Unavailable("the calendar home is missing", sent=True) from error

    def moved(self, calendar: str) -> bool:
        """After a calendar answered that it is not there: whether it lives under another URL now.

        Raises CalendarGone where the homes answer and do not list it (dossier 3, a calendar that disappears).
        """
        before = self.url_of(calendar)
        try:
            present = {found.id for found in self._list(self.rediscover().homes)}
        except _HomeMissing as error:
            raise Unavailable("the calendar home is missing", sent=True) from error
        if calendar not in present:
            raise CalendarGone("no home lists it")
        return self.url_of(calendar) != before

    def _known(self) -> tuple[str, ...]:
        return self._homes or self.rediscover().homes

    def _list(self, homes: Sequence[str]) -> list[Calendar]:
        found: dict[str, Calendar] = {}
        for home in homes:
            response = self._client.propfind(home, bodies.CALENDARS, 1)
            if response.status in _GONE:
                raise _HomeMissing
            if response.status == 403:
                raise PermissionMissing("the calendar home is not shown", status=403)
            resources = read_resources(response)
            if not any(resource.found for resource in resources):
                raise _HomeMissing  # not even the home itself: Xandikos answers 207 with a 404 row
            for calendar in listed(resources, home, homes[0]):
                found.setdefault(calendar.id, calendar)
        return with_primary(list(found.values()))


class _HomeMissing(ConnectorError):
    """A home answered 404 or 410."""
