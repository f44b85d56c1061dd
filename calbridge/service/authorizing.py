"""The beginning of a sign-in at a service's own page (DESIGN: Security, OAuth): who may begin it, and in which browser.

An address with a random state is given to a caller of the API, and opened in the user's browser. What that browser gets
there, a cookie, must come back with the same state; only digests of both are stored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from calbridge.connectors.contract import OAUTH, Connector, SigningIn
from calbridge.errors import Refused
from calbridge.service.opening import opened
from calbridge.service.origins import allowed_for
from calbridge.service.parts import Parts
from calbridge.service.public_address import is_safe
from calbridge.service.tenant_settings import refuse_service
from calbridge.service.values import flag, invalid, text
from calbridge.service.views_accounts import AuthorizationView
from calbridge.store.accounts import StoredAccount
from calbridge.store.authorizations import BEGUN, Authorization, secret_digest
from calbridge.store.work import Work

LIFETIME = timedelta(minutes=10)
PAGE = "/v1/oauth/sign-in"
CALLBACK = "/v1/oauth/callback"
COOKIE = "__Host-calbridge-"
"""Begin of the cookie's name; browsers take such a one over https only, and from nobody but us (RFC 6265bis, 4.1.3)."""
_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class People:
    """Who is to be connected to what, in words for people. ``now`` is the address that is connected until now."""

    user: str
    company: str
    service: str
    now: str | None = None


@dataclass(frozen=True, slots=True)
class SignInPage:
    """What the page tells, where it leads on to, and the cookie that must come back."""

    people: People
    onward: str
    cookie: str
    return_to: str | None


def authorize(
    parts: Parts, tenant: str, integration_id: str, *, return_to: object = None, relink: object = False
) -> AuthorizationView:
    """The address of our own page on which the user begins to sign in, good for 10 minutes and once.

    ``return_to`` is where the browser goes when all is done; ``relink`` allows the account of somebody else. Raises
    Refused (``integration_not_found``, ``password_needed``, ``public_url_missing``, ``public_url_insecure``,
    ``return_not_allowed``, ``service_not_allowed``, ``invalid_value``), PermissionMissing (``app_not_registered``).
    """
    with parts.database.read(tenant) as work:
        integration = work.integrations.require(integration_id)
        fresh_id = work.keys.new_id()
    if parts.registry.spec_for(integration.service).authentication != OAUTH:
        raise Refused(code="password_needed", service=integration.service)
    callback(parts)
    begun = Authorization(
        fresh_id,
        integration.id,
        integration.user_id,
        integration.service,
        expires_at=parts.clock.now() + LIFETIME,
        return_to=None if return_to is None else _return_address(parts, tenant, return_to),
        relink=flag(relink, "relink"),
        begun_by=str(parts.actor),
    )
    state, verifier = secrets.token_urlsafe(_RANDOM_BYTES), secrets.token_urlsafe(_RANDOM_BYTES)
    _onward(parts, tenant, begun, state, verifier, None)
    with parts.database.write(tenant) as work:
        work.integrations.require(integration_id)
        refuse_service(work, integration.service)
        work.authorizations.add(begun, state, verifier)
        work.audit.add(str(parts.actor), "sign_in_begun", integration=integration_id, relink=begun.relink)
    return AuthorizationView(f"{parts.settings.public_url}{PAGE}?{urlencode({'state': state})}", begun.expires_at)


def callback(parts: Parts) -> str:
    """Where services send browsers back to. Raises Refused (``public_url_missing``, ``public_url_insecure``)."""
    if parts.settings.public_url is None:
        raise Refused(code="public_url_missing")
    if not is_safe(parts.settings.public_url):
        raise Refused(code="public_url_insecure")
    return f"{parts.settings.public_url}{CALLBACK}"


def question_address(parts: Parts, state: str) -> str:
    """Of the page that asks whose account goes to whom; without the service's code, which is used up."""
    return f"{callback(parts)}?{urlencode({'state': state})}"


def _return_address(parts: Parts, tenant: str, value: object) -> str:
    told = text(value, "return_to", 2000)
    try:
        split = urlsplit(told)
    except ValueError:
        split = urlsplit("")
    if split.scheme not in ("http", "https") or not split.hostname or not told.isascii() or not told.isprintable():
        raise invalid("return_to", "must be an address such as https://psa.example.com/calendar")
    if " " in told or not allowed_for(parts, tenant, f"{split.scheme}://{split.netloc}"):
        raise Refused(code="return_not_allowed", field="return_to")
    return told


def open_page(parts: Parts, state: str, cookies: Mapping[str, str]) -> SignInPage:
    """A browser opened the address: from now on the sign-in belongs to it.

    Raises Refused (``sign_in_expired``), PermissionMissing.
    """
    tenant, begun = find(parts, state)
    if begun.stage != BEGUN:
        raise Refused(code="sign_in_expired")
    cookie = cookies.get(cookie_name(state), "")
    if not _belongs(begun, cookie):
        cookie = secrets.token_urlsafe(_RANDOM_BYTES)
    with parts.database.write(tenant) as work:
        verifier = work.authorizations.bind(begun.id, secret_digest(cookie))
        if verifier is None:
            raise Refused(code="sign_in_expired")
        people, before = people_of(parts, work, begun), _account_of(work, begun)
    onward = _onward(parts, tenant, begun, state, verifier, before.owner_address if before else None)
    return SignInPage(people, onward, cookie, begun.return_to)


def find(parts: Parts, state: str) -> tuple[str, Authorization]:
    """The tenant and the sign-in of a state. Raises Refused (``sign_in_expired``)."""
    with parts.database.system_read() as system:
        found = system.authorization_of(state)
    if found is not None:
        tenant, authorization_id = found
        with parts.database.read(tenant) as work:
            begun = work.authorizations.get(authorization_id)
        if begun is not None:
            return tenant, begun
    raise Refused(code="sign_in_expired")


def find_mine(parts: Parts, state: str, cookies: Mapping[str, str]) -> tuple[str, Authorization]:
    """The same, for the browser it belongs to. Raises Refused (``sign_in_expired``, ``sign_in_elsewhere``)."""
    tenant, begun = find(parts, state)
    if not _belongs(begun, cookies.get(cookie_name(state), "")):
        raise Refused(code="sign_in_elsewhere")
    return tenant, begun


def way_back(parts: Parts, state: str, cookies: Mapping[str, str]) -> str | None:
    """The return address of a sign-in, for the browser it belongs to; raises nothing where there is none."""
    try:
        return find_mine(parts, state, cookies)[1].return_to
    except Refused:
        return None


def cookie_name(state: str) -> str:
    """Of its own for each sign-in, so that two at a time in one browser don't disturb each other."""
    return COOKIE + secret_digest(state)[:16]


def people_of(parts: Parts, work: Work, begun: Authorization) -> People:
    """Who is to be connected to what."""
    user = work.users.require(begun.user_id)
    name = user.name or user.id
    before = _account_of(work, begun)
    return People(
        user=f"{name} ({user.email})" if user.email else name,
        company=work.settings.get().name,
        service=title_of(parts, begun.service),
        now=before.owner_address if before else None,
    )


def title_of(parts: Parts, service: str) -> str:
    """A service's name for people. Raises Refused (``service_unknown``)."""
    offered = parts.registry.spec_for(service).services
    return next(each.title for each in offered if each.name == service)


def signing(connector: Connector) -> SigningIn:
    """The part of a connector that signs in. Raises Refused (``connector_broken``)."""
    if not isinstance(connector, SigningIn):
        raise Refused("it does not sign in", code="connector_broken")
    return connector


def _belongs(begun: Authorization, cookie: str) -> bool:
    return begun.browser is not None and hmac.compare_digest(begun.browser, secret_digest(cookie))


def _account_of(work: Work, begun: Authorization) -> StoredAccount | None:
    account_id = work.integrations.require(begun.integration_id).account_id
    return work.accounts.get(account_id) if account_id else None


def _onward(parts: Parts, tenant: str, begun: Authorization, state: str, verifier: str, hint: str | None) -> str:
    """The service's own page. Sends nothing."""
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    nobody = StoredAccount(begun.id, begun.service, "")
    with opened(parts, tenant, nobody, "") as connector:
        return signing(connector).authorize_url(callback(parts), state, challenge, login_hint=hint)
