"""What people install: the wheels, in an empty environment away from the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from calbridge import __version__
from tests.conftest import ROOT

DISTRIBUTIONS = [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/setup.cfg"))]
BUILT_OR_TESTS = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", "build", "dist", "*.egg-info", "tests", "plugins", "var", ".*_cache", ".hypothesis"
)


def run(*command: str | Path, cwd: Path, **environ: str) -> str:
    """Run ``command`` with an environment that knows nothing of the checkout; gives its output."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CALBRIDGE_"))}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=clean | environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One wheel of each distribution, built from a copy so that the checkout stays clean."""
    out = tmp_path_factory.mktemp("wheels")
    for number, source in enumerate(DISTRIBUTIONS):
        copy = tmp_path_factory.mktemp("source") / str(number)
        shutil.copytree(source, copy, ignore=BUILT_OR_TESTS)
        run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", out, copy, cwd=out)
    return sorted(out.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that holds the wheels, and our libraries by a path file only.

    A path file's folder gets no path files of its own, so the editable installs of the checkout stay unseen and
    nothing has to be fetched.
    """
    home = tmp_path_factory.mktemp("away")
    run(sys.executable, "-m", "venv", home / "env", cwd=home)
    python = home / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--no-deps", "--no-index", *wheels, cwd=home)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).strip())
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "libraries.pth").write_text("\n".join(sorted(libraries)) + "\n", encoding="utf-8")
    return home / "env" / "bin"


def test_there_is_one_wheel_for_each_distribution(wheels: list[Path]) -> None:
    names = {wheel.name.split("-")[0] for wheel in wheels}

    assert names == {"calbridge_server"} | {source.name.replace("-", "_") for source in DISTRIBUTIONS[1:]}


def test_a_wheel_holds_its_package_whole_and_nothing_else(wheels: list[Path]) -> None:
    for wheel in wheels:
        files = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
        package = "calbridge" if wheel.name.startswith("calbridge_server") else wheel.name.split("-")[0]
        folder = ROOT if package == "calbridge" else ROOT / "plugins" / package.replace("_", "-")
        source = {
            str(path.relative_to(folder))
            for path in (folder / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

        assert set(files) == source


def test_the_command_runs_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    assert "Usage: calbridge" in run(installed / "calbridge", "--help", cwd=tmp_path)
    assert run(installed / "calbridge", "--version", cwd=tmp_path).split()[-1] == __version__


def test_the_package_comes_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import calbridge; print(calbridge.__file__)", cwd=tmp_path).strip()

    assert Path(where).is_relative_to(installed.parent)


def test_the_plugins_are_found(installed: Path, tmp_path: Path) -> None:
    code = (
        "from importlib.metadata import entry_points\n"
        "for found in sorted(entry_points(group='calbridge.connectors')): print(found.name, found.value)"
    )

    assert run(installed / "python", "-c", code, cwd=tmp_path).split("\n")[:-1] == [
        "caldav calbridge_caldav.plugin",
        "google calbridge_google.plugin",
        "sandbox calbridge_sandbox.plugin",
    ]


def test_a_database_is_made_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "calbridge", "db", "upgrade", cwd=tmp_path)

    assert said.startswith("The database is ready")
    assert (tmp_path / "var" / "calbridge.db").is_file()


def test_the_connectors_of_the_plugins_are_offered(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "calbridge", "connectors", "--json", cwd=tmp_path)

    offered = {each["service"]: each["problem"] for each in json.loads(said)["data"]}
    assert offered["caldav"] is None
    assert offered["icloud"] is None
    assert "sandbox" not in offered


def test_the_sandbox_is_offered_where_it_is_asked_for(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "calbridge", "connectors", "--json", cwd=tmp_path, CALBRIDGE_SANDBOX="1")

    assert {each["service"]: each["problem"] for each in json.loads(said)["data"]}["sandbox"] is None
