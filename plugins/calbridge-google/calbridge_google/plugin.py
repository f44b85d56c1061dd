"""What the plugin registers. Light: the connector is imported when the first account is opened."""

from __future__ import annotations

from calbridge.connectors.contract import ConnectorSpec, RequestLimit, ServiceSpec
from calbridge.connectors.hookspecs import hookimpl
from calbridge_google.capabilities import CAPABILITIES
from calbridge_google.endpoints import SETTINGS
from calbridge_google.limits import PROJECT_CALLS, QUOTA_SECONDS, USER_CALLS


@hookimpl
def calbridge_register_connectors() -> list[ConnectorSpec]:
    """Google Calendar."""
    google = ConnectorSpec(
        name="google",
        services=(ServiceSpec("google", "Google Calendar", help="Sign in at Google; nothing has to be entered."),),
        authentication="oauth",
        account_schema={"type": "object", "properties": {}, "additionalProperties": False},
        capabilities=CAPABILITIES,
        factory="calbridge_google.connector:open_connector",
        settings=SETTINGS,
        limits=(
            RequestLimit("mailbox", USER_CALLS, QUOTA_SECONDS),
            RequestLimit("project", PROJECT_CALLS, QUOTA_SECONDS),
        ),
        notices="calbridge_google.notices:read_notice",
    )
    return [google]
