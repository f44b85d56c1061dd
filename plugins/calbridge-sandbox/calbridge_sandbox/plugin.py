"""What the plugin registers. Light: the connector is imported when the first account is opened."""

from __future__ import annotations

from calbridge.connectors.capabilities import Ability, Capabilities, Support
from calbridge.connectors.contract import ConnectorSpec, ServiceSpec
from calbridge.connectors.hookspecs import hookimpl

_FULL = (
    Ability.ATOMIC_SERIES,
    Ability.CHOOSES_ADDRESS,
    Ability.CONDITIONAL_WRITE,
    Ability.CONTROLS,
    Ability.DELTA,
    Ability.MODIFIED_TIME,
    Ability.RECURRENCE,
    Ability.RESPOND,
    Ability.SILENT_UPDATE,
    Ability.STABLE_ADDRESS,
    Ability.WHOLE_MOVES,
)
CAPABILITIES = Capabilities(dict.fromkeys(_FULL, Support.FULL), fetch_batch=100, write_batch=100)
_USERNAME = {"type": "string", "title": "User name", "minLength": 1, "maxLength": 320}
_PASSWORD = {"type": "string", "title": "Any password", "minLength": 1, "maxLength": 1000, "writeOnly": True}


@hookimpl
def calbridge_register_connectors() -> list[ConnectorSpec]:
    """One service; calbridge offers it only with SANDBOX=1."""
    return [
        ConnectorSpec(
            name="sandbox",
            services=(ServiceSpec("sandbox", "Sandbox", help="A calendar for trying out; any password will do."),),
            authentication="password",
            account_schema={
                "type": "object",
                "properties": {"username": _USERNAME, "password": _PASSWORD},
                "required": ["username", "password"],
                "additionalProperties": False,
            },
            capabilities=CAPABILITIES,
            factory="calbridge_sandbox.connector:open_connector",
            storage=True,
        )
    ]
