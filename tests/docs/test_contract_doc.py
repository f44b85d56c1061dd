"""The page on the contract, the kit and the contract's code say the same, and the page's example works."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

from calbridge import errors
from calbridge.connectors.contract import Connector, Controlled, Responding, Watching
from calbridge.testing.conformance import MUST_PASS, OPTIONAL, ConformanceSuite, SilentTests
from calbridge.testing.conformance.base import Suite
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
CLAUSE = re.compile(r"^((?:C\.|[AC]\d)[a-z\d.-]*): ")


def clauses_of_the_kit(*optional: type[Suite]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in (*MUST_PASS, *optional):
        for name, test in vars(part).items():
            if name.startswith("test_"):
                told = CLAUSE.match(inspect.getdoc(test) or "")
                assert told, f"{name} names no clause"
                found[name] = told.group(1)
    return found


def test_every_clause_of_the_page_has_a_test_and_every_test_a_clause() -> None:
    told = re.findall(r"^- \*\*([AC][\w.-]*)\*\*:", PAGE, re.MULTILINE)

    assert len(told) == len(set(told))
    assert sorted(told) == sorted(clauses_of_the_kit(*OPTIONAL.values()).values())


def test_the_suite_holds_every_part_that_must_pass() -> None:
    assert set(ConformanceSuite.__bases__) == set(MUST_PASS)


def test_every_numbered_clause_of_the_contract_is_on_the_page() -> None:
    assert {f"C{number}" for number in range(1, 13)} <= set(re.findall(r"\bC\d+\b", PAGE))


def test_every_call_of_the_contract_stands_in_the_table() -> None:
    table = PAGE.partition("## The calls")[2].partition("\n- ")[0]
    calls = {
        name
        for kind in (Connector, Responding, Controlled, Watching)
        for name in vars(kind)
        if not name.startswith("_")
    }

    assert set(re.findall(r"^\| `(\w+)", table, re.MULTILINE)) == calls


def test_every_error_that_the_page_tells_to_raise_exists() -> None:
    told = re.search(r"^Raise (.+?), with codes", PAGE, re.MULTILINE | re.DOTALL)
    assert told
    names = re.findall(r"`(\w+)", told.group(1))
    assert len(names) == 10
    assert all(issubclass(getattr(errors, name), errors.ConnectorError) for name in names)


def test_the_example_passes_the_kit(tmp_path: Path) -> None:
    connector, its_test = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "notebook.py").write_text(connector, encoding="utf-8")
    (tmp_path / "test_notebook.py").write_text(its_test, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "test_notebook.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{len(clauses_of_the_kit(SilentTests))} passed" in done.stdout
