"""What the plugin registers. Light: the connector is imported when the first account is opened."""

from __future__ import annotations

from collections.abc import Mapping

from calbridge.connectors.contract import ConnectorSpec, ServiceSpec
from calbridge.connectors.hookspecs import hookimpl
from calbridge_caldav.capabilities import capabilities_for

_FACTORY = "calbridge_caldav.connector:open_connector"
_USERNAME = {"type": "string", "title": "User name", "minLength": 1, "maxLength": 320}
_PASSWORD = {"type": "string", "title": "Password", "minLength": 1, "maxLength": 1000, "writeOnly": True}
_URL = {"type": "string", "title": "Server", "description": "Calendar address, server name or e-mail address"}


def _schema(properties: Mapping[str, object], required: list[str]) -> Mapping[str, object]:
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


@hookimpl
def calbridge_register_connectors() -> list[ConnectorSpec]:
    """CalDAV servers and iCloud: one connector code, two sets of sizes."""
    caldav = ConnectorSpec(
        name="caldav",
        services=(ServiceSpec("caldav", "CalDAV", needs_url=True, help="Any server that speaks CalDAV."),),
        authentication="password",
        account_schema=_schema({"url": _URL, "username": _USERNAME, "password": _PASSWORD}, ["username", "password"]),
        capabilities=capabilities_for("caldav", {}),
        factory=_FACTORY,
    )
    icloud = ConnectorSpec(
        name="icloud",
        services=(ServiceSpec("icloud", "iCloud", help="Needs an app-specific password of the Apple Account."),),
        authentication="password",
        account_schema=_schema({"username": _USERNAME, "password": _PASSWORD}, ["username", "password"]),
        capabilities=capabilities_for("icloud", {}),
        factory=_FACTORY,
    )
    return [caldav, icloud]
