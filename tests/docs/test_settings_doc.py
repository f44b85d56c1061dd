"""The manual page on settings and the code say the same."""

from __future__ import annotations

import re
from dataclasses import fields

from calbridge.settings import Settings, load_settings, variable_name
from tests.conftest import ROOT
from tools.write_docs import settings_page

PAGE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


def test_the_page_is_what_the_code_says() -> None:
    assert settings_page() == PAGE


def test_every_setting_stands_on_the_page_and_no_other() -> None:
    assert re.findall(r"^\| `(CALBRIDGE_\w+)`", PAGE, re.MULTILINE) == [variable_name(f.name) for f in fields(Settings)]


def test_every_variable_on_the_page_is_read() -> None:
    """Each default on the page, written out as a variable, changes nothing: so the page tells real defaults."""
    told = dict(re.findall(r"^\| `(CALBRIDGE_\w+)` \|.*\| (\S+) \|$", PAGE, re.MULTILINE))
    literal = {name: default for name, default in told.items() if default != "none"}

    assert set(literal) >= {"CALBRIDGE_DATA_DIR", "CALBRIDGE_LEASE_SECONDS", "CALBRIDGE_LOG_LEVEL"}
    assert load_settings(literal) == load_settings({})


def test_every_setting_has_a_meaning_and_a_default() -> None:
    for setting in fields(Settings):
        assert setting.metadata["meaning"].endswith(".")
        assert setting.metadata["default"]
