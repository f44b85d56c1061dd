"""Where a password comes from: a prompt, standard input or an environment variable, and never an argument.

Arguments stand in the list of processes and in the history of the shell.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import click

VARIABLE = "CALBRIDGE_PASSWORD"


def password_option() -> Callable[[Any], Any]:
    """Read the password from standard input."""
    told = f"Read the password from standard input. Without: from {VARIABLE}, else you are asked."
    return click.option("--password-stdin", is_flag=True, help=told)


def read_password(username: str, *, from_stdin: bool) -> str:
    """The password of ``username``. Raises click.UsageError where there is none."""
    if from_stdin:
        given = _from_stdin()
    elif VARIABLE in os.environ:
        given = os.environ[VARIABLE]
    elif sys.stdin.isatty():
        given = str(click.prompt(f"Password of {username}", hide_input=True, err=True))
    else:
        told = f"No password: pipe it in with --password-stdin, or set {VARIABLE}."
        raise click.UsageError(told, click.get_current_context())
    if not given:
        raise click.UsageError("The password is empty.", click.get_current_context())
    return given


def _from_stdin() -> str:
    try:
        return sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise click.UsageError("The password is not UTF-8.", click.get_current_context()) from error
