"""Whether users can sign in at services that want it on their own pages."""

from __future__ import annotations

from collections.abc import Iterator

from calbridge.connectors.contract import OAUTH, Account, ConnectorSpec, SigningIn
from calbridge.connectors.transport import Reach, Transport
from calbridge.errors import CalbridgeError, PermissionMissing, Refused
from calbridge.service.authorizing import callback
from calbridge.service.findings import bad, note, well
from calbridge.service.parts import Parts
from calbridge.service.views_installation import Finding

_ANYWHERE = "https://calbridge.invalid/"


def sign_ins(parts: Parts) -> Iterator[Finding]:
    """One finding a connector; nothing is sent."""
    for spec in parts.registry.specs:
        if spec.authentication == OAUTH:
            yield _sign_in(parts, spec)


def _sign_in(parts: Parts, spec: ConnectorSpec) -> Finding:
    titles = ", ".join(each.title for each in spec.services)
    try:
        _ask(parts, spec)
    except PermissionMissing as missing:
        return note(missing.code, f"nobody can sign in at {titles}: this installation is not registered there")
    except CalbridgeError as error:
        return bad(error.code, f"nobody can sign in at {titles}: {error.code}")
    try:
        return well(f"users sign in at {titles}, which sends them back to {callback(parts)}")
    except Refused as refused:
        return bad(refused.code, f"nobody can sign in at {titles} before PUBLIC_URL is an https address")


def _ask(parts: Parts, spec: ConnectorSpec) -> None:
    """Whether the connector can tell where its service's page is. Raises CalbridgeError."""
    settings = parts.connector_settings.get(spec.name, {})
    for service in spec.services:
        with Transport(Reach()) as transport:
            connector = parts.registry.open(
                service.name, Account(service.name, None, "", "", settings=settings), transport
            )
            if isinstance(connector, SigningIn):
                connector.authorize_url(_ANYWHERE, "state", "challenge")
