"""The corpus is used where it is, its absence is visible, and CI does not accept its absence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

USER = "def test_uses_it(shared_corpus):\n    assert [path.name for path in shared_corpus.iterdir()] == ['one.ics']\n"


@pytest.mark.parametrize("packed", [b"one", b"two"])
def test_bytes_are_in_no_name_of_a_test(packed: bytes, request: pytest.FixtureRequest) -> None:
    assert request.node.name.partition("[")[2] in {"packed0]", "packed1]"}


@pytest.fixture
def outcome(tmp_path: Path):
    """Run one test that uses the corpus in a project of its own; gives pytest's last line."""
    tests = tmp_path / "project" / "tests"
    tests.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "conftest.py", tests)
    shutil.copytree(ROOT / "tests" / "servers", tests / "servers")
    (tests / "__init__.py").touch()
    (tests / "test_user.py").write_text(USER, encoding="utf-8")

    def run(**environ: str) -> str:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("CALBRIDGE_", "PYTEST_"))}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "--rootdir", str(tests), str(tests)],
            env=clean | environ | {"PYTHONPATH": str(tests.parent)},
            cwd=tests,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    return run


def test_the_corpus_beside_the_checkout_is_found(outcome, tmp_path: Path) -> None:
    (tmp_path / "shared" / "corpus" / "ics").mkdir(parents=True)
    (tmp_path / "shared" / "corpus" / "ics" / "one.ics").touch()

    assert "1 passed" in outcome(CALBRIDGE_CI="1")


def test_the_corpus_named_by_the_environment_is_found(outcome, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "corpus" / "ics").mkdir(parents=True)
    (tmp_path / "elsewhere" / "corpus" / "ics" / "one.ics").touch()

    assert "1 passed" in outcome(CALBRIDGE_SHARED=str(tmp_path / "elsewhere"))


def test_without_the_corpus_the_test_is_skipped_visibly(outcome) -> None:
    told = outcome()

    assert "1 skipped" in told
    assert "the shared corpus is not here" in told


def test_ci_fails_without_the_corpus(outcome) -> None:
    assert "1 error" in outcome(CALBRIDGE_CI="1")
