"""The manual page on errors is the catalogue."""

from __future__ import annotations

import re

from calbridge.catalogue import CATALOGUE
from tests.conftest import ROOT
from tools.write_docs import errors_page

PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def test_the_page_is_what_the_catalogue_says() -> None:
    assert errors_page() == PAGE


def test_every_code_stands_on_the_page_once() -> None:
    assert re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE) == list(CATALOGUE)
