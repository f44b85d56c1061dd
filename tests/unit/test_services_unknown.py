"""The core knows no calendar service by its name: what one of them needs is a clause of the contract for all."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

NAMES = re.compile(r"google|gmail|icloud", re.IGNORECASE)
IN_CALENDAR_DATA = frozenset({"X-GOOGLE-CONFERENCE"})
"""Names of properties in iCalendar data, wherever that comes from."""
PACKAGES = ("domain", "connectors", "sync", "store", "service", "jobs")


def words_of(source: str) -> set[str]:
    """Names and texts of a module; what explains it is left out."""
    tree = ast.parse(source)
    told: set[str] = set()
    prose = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for each in ast.walk(tree):
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in prose:
            told.add(each.value)
        elif isinstance(each, ast.Name):
            told.add(each.id)
        elif isinstance(each, ast.Attribute):
            told.add(each.attr)
    return told - IN_CALENDAR_DATA


@pytest.mark.parametrize("package", PACKAGES)
def test_no_line_below_the_doors_knows_a_service(package: str) -> None:
    modules = sorted(Path(ROOT, "calbridge", package).rglob("*.py"))
    assert modules
    found = {
        f"{path.name}: {word[:60]}"
        for path in modules
        for word in words_of(path.read_text(encoding="utf-8"))
        if NAMES.search(word)
    }
    assert found == set()


def test_a_name_in_code_is_found_and_one_in_prose_is_not() -> None:
    source = '"""As Google does."""\nif service == "google":\n    gmail.send()\n'
    assert {word for word in words_of(source) if NAMES.search(word)} == {"google", "gmail"}
