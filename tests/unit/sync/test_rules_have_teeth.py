"""Every rule is noticed when it is broken: one breach at a time in a copy of the code (see rules.py)."""

from __future__ import annotations

import compileall
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from py_compile import PycInvalidationMode
from subprocess import PIPE

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


RunTest = Callable[[str], tuple[int, str]]


@pytest.fixture(scope="session")
def run_test(copy: Path) -> Iterator[RunTest]:
    """One test against the copy as it is then: exit code and output of pytest (see breach_runner.py)."""
    settings = ["-c", "pytest.ini", "-p", "no:cacheprovider", "--import-mode=importlib", "-q", "--tb=line"]
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(copy),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [sys.executable, "-m", "tests.unit.sync.breach_runner"]
    with subprocess.Popen(command, cwd=copy, env=environment, stdin=PIPE, stdout=PIPE, text=True) as runner:
        assert runner.stdin is not None
        assert runner.stdout is not None

        def running(node: str) -> tuple[int, str]:
            print(json.dumps([*settings, f"{HERE}/{node}"]), file=runner.stdin, flush=True)
            code, output = json.loads(runner.stdout.readline())
            return code, output

        yield running
        runner.stdin.close()


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: breach.name)
def test_a_broken_rule_is_noticed(breach: Breach, copy: Path, run_test: RunTest) -> None:
    text = (ROOT / "calbridge" / breach.file).read_text()
    assert text.count(breach.old) == 1, "keep the list true: this text is not, or not only once, in the file"
    with breached(copy, breach):
        code, output = run_test(breach.node)
    assert code == NOTICED, output[-1200:]
    assert "error" not in output.splitlines()[-1], output[-800:]


def test_the_copy_is_sound_while_nothing_is_broken(run_test: RunTest) -> None:
    code, output = run_test("test_rules.py")
    assert code == 0, output[-1200:]


def test_every_clause_about_a_run_has_a_breach() -> None:
    clauses = {f"D{number}" for number in range(1, 14)}
    assert clauses - {breach.clause for breach in BREACHES} == set()
    assert set(ELSEWHERE) <= clauses


def test_no_breach_is_listed_twice() -> None:
    assert [name for name, number in Counter(each.name for each in BREACHES).items() if number > 1] == []
    assert all(each.old != each.new for each in BREACHES)
