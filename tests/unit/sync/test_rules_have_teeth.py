"""Every rule is noticed when it is broken: one breach at a time in a copy of the code (see rules.py)."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest

from tests.unit.sync.rules import BREACHES, ELSEWHERE, Breach

ROOT = Path(__file__).resolve().parents[3]
HERE = "tests/unit/sync"
NOTICED = 1
"""Exit code of pytest when tests were run and failed; an import error or a missing test has another one."""


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code and these tests in a folder of their own, with nothing of the repository's test settings.

    Compiled once; each file is held against its compiled form by hash, so that a breach is never overlooked.
    """
    folder = tmp_path_factory.mktemp("breached")
    nothing_built = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "calbridge", folder / "calbridge", ignore=nothing_built)
    shutil.copytree(ROOT / HERE, folder / HERE, ignore=nothing_built)
    (folder / "tests" / "__init__.py").touch()
    (folder / "pytest.ini").write_text("[pytest]\n")
    compileall.compile_dir(folder, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    return folder


@contextmanager
def breached(copy: Path, breach: Breach) -> Iterator[None]:
    """The copy with one rule broken."""
    path = copy / "calbridge" / breach.file
    kept = path.read_text()
    path.write_text(kept.replace(breach.old, breach.new))
    try:
        yield
    finally:
        path.write_text(kept)


def run_test(copy: Path, node: str) -> subprocess.CompletedProcess[str]:
    """One test in a process of its own, against the copy."""
    settings = ["-c", "pytest.ini", "-p", "no:cacheprovider", "--import-mode=importlib", "-q", "--tb=line"]
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [sys.executable, "-m", "pytest", *settings, f"{HERE}/{node}"]
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: breach.name)
def test_a_broken_rule_is_noticed(breach: Breach, copy: Path) -> None:
    text = (ROOT / "calbridge" / breach.file).read_text()
    assert text.count(breach.old) == 1, "keep the list true: this text is not, or not only once, in the file"
    with breached(copy, breach):
        found = run_test(copy, breach.node)
    assert found.returncode == NOTICED, found.stdout[-800:] + found.stderr[-400:]
    assert "error" not in found.stdout.splitlines()[-1], found.stdout[-800:]


def test_the_copy_is_sound_while_nothing_is_broken(copy: Path) -> None:
    found = run_test(copy, "test_rules.py")
    assert found.returncode == 0, found.stdout[-800:] + found.stderr[-400:]


def test_every_clause_about_a_run_has_a_breach() -> None:
    clauses = {f"D{number}" for number in range(1, 14)}
    assert clauses - {breach.clause for breach in BREACHES} == set()
    assert set(ELSEWHERE) <= clauses


def test_no_breach_is_listed_twice() -> None:
    assert [name for name, number in Counter(each.name for each in BREACHES).items() if number > 1] == []
    assert all(each.old != each.new for each in BREACHES)
