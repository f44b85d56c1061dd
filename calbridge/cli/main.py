"""The command ``calbridge``: all verbs under one door."""

from __future__ import annotations

import importlib
from types import MappingProxyType

import click

from calbridge import __version__
from calbridge.cli.door import Door

_PLACES = MappingProxyType(
    {
        "run": "running:run",
        "api": "serving:api",
        "db": "installation:DATABASE",
        "tenants": "installation:TENANTS",
        "users": "users:USERS",
        "connectors": "integrations:connectors",
        "integrations": "runs:INTEGRATIONS",
        "items": "items:ITEMS",
        "links": "pairs:LINKS",
        "known": "pairs:KNOWN",
        "hosts": "hosts:HOSTS",
        "keys": "keys:KEYS",
        "settings": "installation:settings",
        "tick": "installation:tick",
        "doctor": "installation:doctor",
        "secrets": "installation:SECRETS",
        "worker": "processes:worker",
        "scheduler": "processes:scheduler",
        "openapi": "openapi:OPENAPI",
    }
)
"""Verb or group to where it is defined; a module is loaded when one of its verbs is asked for."""


class Verbs(Door):
    """The verbs, in the order in which an installation meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in our order."""
        return list(_PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb or group of this name."""
        if cmd_name not in _PLACES:
            return None
        module, _, name = _PLACES[cmd_name].partition(":")
        found: click.Command = getattr(importlib.import_module(f"calbridge.cli.{module}"), name)
        return found


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="calbridge")
def main() -> None:
    """Keep My Calendar and a linked calendar the same, in both directions.

    \b
    First steps:
      calbridge db upgrade
      calbridge tenants create acme
      calbridge users put alice --time-zone Europe/Vienna
      calbridge integrations add --user alice --service icloud --username alice@example.com

    Every verb has --help with an example, and --json for programs.
    """
