"""Who an account is, and what is worth remembering of its server."""

from __future__ import annotations

from calbridge.connectors.contract import Account, Owner
from calbridge_caldav.discovery import Discovered
from calbridge_caldav.hrefs import canonical, origin_of
from calbridge_caldav.quirks import SERVER_PRODUCTS_IGNORING_PRECONDITIONS

_AUTO_SCHEDULE = "calendar-auto-schedule"


def owner_of(account: Account, found: Discovered, auth_kind: str) -> Owner:
    """The owner with facts for later runs; no secret is among them.

    The id is the principal: with its host for ordinary servers, by service for iCloud, whose hosts are partitions.
    """
    place = "icloud:" if account.service == "icloud" else origin_of(found.principal)
    username = account.username.strip().lower()
    addresses = found.addresses | ({username} if "@" in username else frozenset())
    address = username if username in addresses else min(filter(_is_mail, addresses), default=username)
    return Owner(place + canonical(found.principal), address, addresses, _facts(found, auth_kind))


def _is_mail(address: str) -> bool:
    """Not the path or URL of a principal, which may hold a mail address (RFC 6638 section 2.4.1)."""
    return "@" in address and ":" not in address and not address.startswith("/")


def _facts(found: Discovered, auth_kind: str) -> dict[str, str]:
    """``scheduling`` is ``none`` only where the server said what it can do and that was not among it."""
    classes = {part.strip().lower() for part in found.dav.split(",")} - {""}
    silent = bool(classes) and _AUTO_SCHEDULE not in classes
    facts = {"homes": " ".join(found.homes), "auth": auth_kind, "scheduling": "none" if silent else "auto"}
    if any(product in found.server.lower() for product in SERVER_PRODUCTS_IGNORING_PRECONDITIONS):
        facts["preconditions"] = "ignored"
    return facts
