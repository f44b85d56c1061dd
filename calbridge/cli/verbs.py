"""What all verbs share: their options, their help with an example, and the session they work with."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from typing import Any

import click

from calbridge.cli.session import TENANT_VARIABLE, Session

Work = Callable[..., int | None]
EXAMPLE = "Example:"
_HALF = re.compile("[\ud800-\udfff]")


def verb(group: click.Group | None, name: str, *examples: str, tenant: bool = True) -> Callable[[Work], click.Command]:
    """Make a function a verb, of ``group`` if given; it gets a :class:`Session` first and may return an exit code.

    ``examples`` are command lines for the help, without the leading ``calbridge``. ``tenant``: whether the verb works
    inside one tenant, and so has the option to name it.
    """

    def register(work: Work) -> click.Command:
        @functools.wraps(work)
        def run(*arguments: Any, as_json: bool, tenant_named: str | None = None, **options: Any) -> int | None:
            session = Session(as_json=as_json, tenant_named=tenant_named)
            try:
                _refuse_half_characters(tenant_named, *options.values())
                return work(session, *arguments, **options)
            finally:
                session.close()

        command: click.Command = click.command(name, epilog=_epilog(examples))(run)
        command.params += [_tenant(), _as_json()] if tenant else [_as_json()]
        if group is not None:
            group.add_command(command)
        return command

    return register


def user_option(*, required: bool = True) -> Callable[[Any], Any]:
    """The user of the PSA that the verb is about."""
    return click.option("--user", "user_id", required=required, metavar="USER", help="The user's id in the PSA.")


def yes_option() -> Callable[[Any], Any]:
    """Don't ask before something is deleted."""
    return click.option("--yes", is_flag=True, help="Do it without asking.")


def ask(question: str, *, yes: bool) -> None:
    """Go on only if a person says so, or ``--yes`` was given. Raises click.Abort, click.UsageError."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here: add --yes if it is meant.", click.get_current_context())
    click.confirm(question, abort=True, err=True)


def _refuse_half_characters(*values: Any) -> None:
    """Python reads bytes that are no UTF-8 as lone surrogates, which no id holds and nothing can store."""
    words = [word for value in values for word in (value if isinstance(value, tuple) else (value,))]
    if any(isinstance(word, str) and _HALF.search(word) for word in words):
        raise click.UsageError("A word is not UTF-8.", click.get_current_context())


def _as_json() -> click.Option:
    return click.Option(["--json", "as_json"], is_flag=True, help="Print JSON for programs instead of text for people.")


def _tenant() -> click.Option:
    told = f"The tenant; {TENANT_VARIABLE} names it, too. Default: the only tenant there is."
    return click.Option(["--tenant", "tenant_named"], envvar=TENANT_VARIABLE, metavar="TENANT", help=told)


def _epilog(examples: tuple[str, ...]) -> str:
    lines = "\n".join(f"  calbridge {example}" for example in examples)
    return f"\b\n{EXAMPLE}\n{lines}"
