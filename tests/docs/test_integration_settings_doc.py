"""The manual page on the settings of an integration and the code say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from calbridge.domain.settings_json import IntegrationSettings, patched, settings_in, settings_out
from calbridge.errors import Refused
from tests.conftest import ROOT
from tools.write_docs import integration_page

PAGE = (ROOT / "docs" / "integration-settings.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([a-z_.]+)` \| (.+) \| (.+) \| `(.+)` \|$", PAGE, re.MULTILINE)
DEFAULTS = settings_out(IntegrationSettings())
WORDS = r"(^|: )`"
"""How values begin that are words to choose from."""
UNBOUND = {"past_days": None, "future_days": None}


def names(told: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """Every setting by its dotted name; what is set as a whole is one."""
    for name, value in told.items():
        if name in ("retrieve", "send", "ranges", "privacy", "skip") and value is not None:
            yield from names(value, f"{place}{name}.")
        else:
            yield place + name


def setting(name: str, value: Any) -> dict[str, Any]:
    """A setting of a dotted name as the API takes it."""
    for step in reversed(name.split(".")):
        value = {step: value}
    return value  # type: ignore[no-any-return]


def test_the_page_is_what_the_code_says() -> None:
    assert integration_page() == PAGE


def test_every_setting_stands_on_the_page_and_no_other() -> None:
    bounds = {f"ranges.{side}.{end}" for side in ("retrieve", "send") for end in UNBOUND}
    assert {name for name, *_ in ROWS} == set(names(DEFAULTS)) | bounds


def test_every_setting_has_a_meaning_in_a_sentence() -> None:
    assert [name for name, meaning, *_ in ROWS if not meaning.endswith(".")] == []


@pytest.mark.parametrize(("name", "default"), [(name, default) for name, _, _, default in ROWS])
def test_every_default_on_the_page_is_the_one_that_holds(name: str, default: str) -> None:
    told = settings_in(setting(name, json.loads(default)))
    if re.fullmatch(r"ranges\.\w+\.\w+", name):
        assert told == settings_in(setting(name.rpartition(".")[0], UNBOUND))
    else:
        assert told == IntegrationSettings()


@pytest.mark.parametrize(
    ("name", "values"), [(name, values) for name, _, values, _ in ROWS if re.search(WORDS, values)]
)
def test_every_word_on_the_page_is_taken_and_another_refused(name: str, values: str) -> None:
    words = re.findall(r"`(\w+)`", values.rpartition(": ")[2])
    made = [_taken(name, word == "true" if word in ("true", "false") else word) for word in words]
    assert len({json.dumps(each) for each in made}) == len(words)
    with pytest.raises(Refused):
        _taken(name, "colour")


def _taken(name: str, value: Any) -> dict[str, Any]:
    """All settings after this one was set."""
    whole = dict.fromkeys(DEFAULTS["existence"], value) if name == "existence" else value
    return settings_out(settings_in(patched(DEFAULTS, setting(name, whole))))


@pytest.mark.parametrize(
    ("name", "values"), [(name, values) for name, _, values, _ in ROWS if "whole number" in values]
)
def test_every_number_on_the_page_is_taken_and_one_beyond_refused(name: str, values: str) -> None:
    least, most = map(int, re.findall(r"\d+", values))
    for number in (least, most):
        settings_in(setting(name, number))
    for number in (least - 1, most + 1):
        with pytest.raises(Refused):
            settings_in(setting(name, number))
