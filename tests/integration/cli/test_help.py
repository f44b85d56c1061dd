"""Every verb explains itself."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from calbridge.cli.main import main
from calbridge.cli.verbs import EXAMPLE

WANTED = """
db upgrade / tenants create / tenants list / users put / users import / users delete / users export / users list /
connectors / integrations add / integrations calendars / integrations list / integrations set / integrations sync /
integrations logs / integrations preview / integrations apply / integrations confirm / integrations delete /
integrations check / items put / items list / items show / items delete / hosts grant / hosts list / hosts revoke /
keys create / keys list / keys revoke / run /
api / worker / scheduler / openapi write / settings / tick / doctor / secrets rotate / secrets verify / links list /
links act / known list / known act
"""


def verbs(
    group: click.Group, context: click.Context, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """All verbs below a group with their whole names."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from verbs(command, context, (*path, name))
        else:
            yield " ".join((*path, name)), command


VERBS = dict(verbs(main, click.Context(main)))


def examples(command: click.Command) -> list[str]:
    """The command lines of the help."""
    _, _, text = (command.epilog or "").partition(f"{EXAMPLE}\n")
    return [line.strip() for line in text.splitlines()]


def test_all_verbs_exist() -> None:
    assert {" ".join(name.split()) for name in WANTED.split("/")} <= VERBS.keys()


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_says_what_it_does_and_what_its_options_mean(name: str) -> None:
    command = VERBS[name]

    assert (command.help or "").strip().splitlines()[0].endswith(".")
    assert command.get_short_help_str(200)
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert all((option.help or "").endswith((".", ")")) or '"' in (option.help or "") for option in options)
    assert "--json" in [name for option in options for name in option.opts]


@pytest.mark.parametrize("name", VERBS)
def test_the_examples_of_a_verb_can_be_typed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("staff.csv", "item.json"):
        (tmp_path / file).touch()
    command = VERBS[name]

    assert examples(command)
    for example in examples(command):
        program, *words = shlex.split(example)
        assert (program, " ".join(words[: len(name.split())])) == ("calbridge", name)
        with command.make_context(name, words[len(name.split()) :]):
            pass


def test_no_verb_takes_a_password_as_an_argument() -> None:
    taking = {
        (name, option.name)
        for name, command in VERBS.items()
        for option in command.params
        if "password" in str(option.name) and not getattr(option, "is_flag", False)
    }

    assert taking == set()
