"""Every code has its sentences, and no code is used that the catalogue does not know."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from calbridge.catalogue import CATALOGUE, Entry, describe
from calbridge.errors import CalbridgeError
from tests.conftest import ROOT

SOURCES = [
    *sorted((ROOT / "calbridge").rglob("*.py")),
    *sorted(path for path in (ROOT / "plugins").glob("*/calbridge_*/**/*.py")),
]


def text_of(node: ast.AST | None) -> Iterator[str]:
    """Every text a value may be, both branches of a conditional included."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from text_of(node.body)
        yield from text_of(node.orelse)


def codes_in(source: str) -> Iterator[str]:
    """Codes given as `code="..."`, and those that a class or variable names `default_code` or `code`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "code":
            yield from text_of(node.value)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id in {"code", "default_code"} for target in targets):
                yield from text_of(node.value)


def every_error(root: type[CalbridgeError]) -> Iterator[type[CalbridgeError]]:
    yield root
    for child in root.__subclasses__():
        yield from every_error(child)


def test_the_scan_sees_each_way_to_give_a_code() -> None:
    source = """
        class Odd(Error):
            default_code: ClassVar[str] = "one"
        default_code = "two"
        raise Odd("text", code="three")
        raise Odd("text", code="four" if late else "five")
        code = "six"
        note("seven", codes="eight")
    """.replace("\n        ", "\n")

    assert sorted(codes_in(source)) == sorted(["one", "two", "three", "four", "five", "six"])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_code_in_the_source_is_in_the_catalogue(path: Path) -> None:
    unknown = set(codes_in(path.read_text(encoding="utf-8"))) - CATALOGUE.keys()

    assert unknown == set()


def test_every_class_of_error_has_its_entry() -> None:
    assert {error.default_code for error in every_error(CalbridgeError)} <= CATALOGUE.keys()


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)
def test_an_entry_is_written_for_people(entry: Entry) -> None:
    assert entry.code.isidentifier()
    assert entry.code == entry.code.lower()
    for sentence in (entry.summary, entry.remedy):
        assert sentence.endswith(".")
        assert sentence == sentence.strip()
        assert len(sentence) > 10
        assert not set(sentence) & set("{}|\n")


def test_no_code_stands_twice() -> None:
    source = (ROOT / "calbridge" / "catalogue.py").read_text(encoding="utf-8")
    entries = [
        node.args[0].value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Entry"
        if isinstance(node.args[0], ast.Constant)
    ]

    assert len(entries) == len(CATALOGUE) == len(set(entries))


def test_an_unknown_code_is_told_as_an_error_of_ours() -> None:
    assert describe("never_heard_of") is CATALOGUE["internal_error"]
    assert describe("throttled").code == "throttled"
