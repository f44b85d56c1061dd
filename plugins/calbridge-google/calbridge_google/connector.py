"""The connector itself: each call of the contract is one line into the module that does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from calbridge.connectors.capabilities import Capabilities
from calbridge.connectors.contract import (
    Account,
    Answer,
    Calendar,
    Fetched,
    Owner,
    Page,
    Place,
    Result,
    Seen,
    Subscription,
    Watch,
    Window,
    Write,
)
from calbridge.connectors.transport import Transport
from calbridge.domain.content import Content
from calbridge_google import fields, signing, watching
from calbridge_google.calendars import calendars
from calbridge_google.capabilities import CAPABILITIES
from calbridge_google.carrying import CarryingHttp
from calbridge_google.changes import changes
from calbridge_google.checking import owner_of
from calbridge_google.client import CalendarClient
from calbridge_google.endpoints import endpoints_of
from calbridge_google.fetch import fetch, find
from calbridge_google.naming import place_of
from calbridge_google.responding import respond
from calbridge_google.series import Reader
from calbridge_google.tokens import Grant, Tokens, grant_of, refreshed
from calbridge_google.writing import write_all


class GoogleConnector:
    """One Google account. The transport belongs to the caller."""

    def __init__(self, account: Account, transport: Transport) -> None:
        self._endpoints = endpoints_of(account.settings)
        self._transport = transport
        self._own = account.own_addresses
        self._app = (account.settings.get("client_id", ""), account.settings.get("client_secret", ""))
        self._account = account
        self._tokens = Tokens(lambda: grant_of(account.secret), self._renew, self._keep)
        self._client = CalendarClient(self._endpoints.api, CarryingHttp(transport, self._tokens.bearer))

    @property
    def capabilities(self) -> Capabilities:
        """The same for every account."""
        return CAPABILITIES

    def check(self) -> Owner:
        """Sign in and say who this is. Raises as :func:`.checking.owner_of`."""
        return owner_of(self._transport, self._endpoints, self._tokens)

    def calendars(self) -> Sequence[Calendar]:
        """See :mod:`.calendars`."""
        return calendars(self._client)

    def changes(self, calendar: str, cursor: str | None, window: Window) -> Iterator[Page]:
        """See :mod:`.changes`. The window is not used: every listing covers all there is."""
        return changes(self._reader(calendar), cursor)

    def fetch(self, calendar: str, remote_ids: Sequence[str]) -> Sequence[Fetched]:
        """See :mod:`.fetch`."""
        return fetch(self._reader(calendar), remote_ids)

    def find(self, calendar: str, keys: Sequence[str], uids: Sequence[str]) -> Sequence[Seen]:
        """See :mod:`.fetch`."""
        return find(self._reader(calendar), keys, uids)

    def place(self, calendar: str, key: str) -> Place | None:
        """Id and UID of a create, from the key alone. Sends nothing."""
        return place_of(key)

    def write(self, calendar: str, writes: Sequence[Write]) -> Sequence[Result]:
        """See :mod:`.writing`."""
        return write_all(self._reader(calendar), writes)

    def normalise(self, content: Content) -> Content:
        """See :func:`.fields.normalise`."""
        return fields.normalise(content, self._own)

    def respond(self, calendar: str, answer: Answer) -> Result:
        """See :mod:`.responding`."""
        return respond(self._reader(calendar), answer)

    def authorize_url(
        self, redirect_uri: str, state: str, code_challenge: str, *, login_hint: str | None = None
    ) -> str:
        """See :func:`.signing.authorize_url`."""
        return signing.authorize_url(self._endpoints, self._app, redirect_uri, state, code_challenge, login_hint)

    def exchange(self, code: str, redirect_uri: str, code_verifier: str) -> str:
        """See :func:`.signing.exchange`."""
        grant = grant_of(self._account.secret) if self._account.secret else None
        former = (grant, self._account.facts.get("sub"))
        return signing.exchange(
            self._transport, self._endpoints, self._app, code, redirect_uri, code_verifier, former
        ).text

    def refresh(self) -> str:
        """A fresh access token now, whatever the stored one is good for. Raises as :func:`.tokens.refreshed`."""
        self._tokens.bearer(True)
        return self._tokens.grant.text

    def revoke(self) -> None:
        """See :func:`.signing.revoke`."""
        signing.revoke(self._transport, self._endpoints, self._tokens.grant)

    def watch(self, calendar: str, wanted: Subscription) -> Watch:
        """See :func:`.watching.watch`."""
        return watching.watch(self._client, calendar, wanted)

    def renew(self, calendar: str, watch: Watch, wanted: Subscription) -> Watch:
        """See :func:`.watching.renew`."""
        return watching.renew(self._client, calendar, watch, wanted)

    def unwatch(self, calendar: str, watch: Watch) -> None:
        """See :func:`.watching.unwatch`."""
        watching.unwatch(self._client, watch)

    def close(self) -> None:
        """Nothing is held here: connections belong to the transport."""

    def _reader(self, calendar: str) -> Reader:
        return Reader(self._client, calendar, self._own)

    def _keep(self, grant: Grant) -> None:
        self._account.keep_secret(grant.text)

    def _renew(self, grant: Grant) -> Grant:
        return refreshed(self._transport, self._endpoints, self._app, grant)


def open_connector(account: Account, transport: Transport) -> GoogleConnector:
    """The factory that the plugin names."""
    return GoogleConnector(account, transport)
