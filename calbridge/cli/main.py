"""The command `calbridge`. Each group of verbs has a module of its own beside this one and is added here."""

from __future__ import annotations

import click

from calbridge import __version__


@click.group()
@click.version_option(__version__, prog_name="calbridge")
def main() -> None:
    """Keep My Calendar and a linked calendar the same, in both directions."""
