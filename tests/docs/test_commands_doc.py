"""Every command that a page names exists, with the options it names."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from calbridge.cli.main import main
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"`calbridge ([a-z][^`]*)`")
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]+)")


def resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words name, and the words that are left."""
    command: click.Command = main
    context = click.Context(main)
    while words and isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, words
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_only_commands_that_exist(page: Path) -> None:
    for told in COMMAND.findall(page.read_text(encoding="utf-8")):
        command, left = resolved(told.split())
        offered = {option for parameter in command.params for option in parameter.opts}
        assert set(OPTION.findall(" ".join(left))) <= offered, told


def test_the_options_of_range_runs_are_those_of_the_manual() -> None:
    text = (ROOT / "docs" / "sync.md").read_text(encoding="utf-8")
    command, _ = resolved(["integrations", "sync"])
    offered = {option for parameter in command.params for option in parameter.opts}
    assert set(OPTION.findall(text)) <= offered


def test_the_tour_and_the_guides_name_files_that_exist() -> None:
    for page in (ROOT / "docs" / "tour.md", ROOT / "CONTRIBUTING.md"):
        for name in re.findall(r"`((?:calbridge|plugins|tests|docs)/[\w./-]+)`", page.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), name


def test_every_state_of_a_link_is_explained_to_operators() -> None:
    from calbridge.sync.memory import LinkState

    text = (ROOT / "docs" / "sync.md").read_text(encoding="utf-8")
    assert [state.value for state in LinkState if f"| `{state.value}` |" not in text] == []
