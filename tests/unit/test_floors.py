"""The import floors hold, and each contract notices a planted breach."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.conftest import ROOT

FLOORS = "Imports go down only, and every package has its floor"
FRAMEWORKS = "The ground floors know no framework"
TESTING = "No production code imports the testing kit"
KIT = "The testing kit needs no more than an author of connectors has, and the engine"
PLUGINS = "A plugin imports only what the core offers to plugins"
CORE = "The core imports no plugin"
DOORS = "A door goes through the use cases, never past them"
WEBLESS = "Use cases know no door and no queue"
INDEPENDENCE = "Plugins do not import each other"

BREACHES = [
    ("calbridge/errors.py", "import calbridge.domain", FLOORS),
    ("calbridge/catalogue.py", "import calbridge.errors", FLOORS),
    ("calbridge/log.py", "import calbridge.settings", FLOORS),
    ("calbridge/settings.py", "import calbridge.keyfile", FLOORS),
    ("calbridge/domain/planted.py", "import calbridge.connectors", FLOORS),
    ("calbridge/connectors/planted.py", "import calbridge.sync", FLOORS),
    ("calbridge/sync/planted.py", "import calbridge.store", FLOORS),
    ("calbridge/store/planted.py", "import calbridge.service", FLOORS),
    ("calbridge/service/planted.py", "import calbridge.cli", FLOORS),
    ("calbridge/without_floor/__init__.py", "", FLOORS),
    ("calbridge/service/planted.py", "import calbridge.api", FLOORS),
    ("calbridge/api/planted.py", "import calbridge.store", DOORS),
    ("calbridge/api/planted.py", "import calbridge.sync", DOORS),
    ("calbridge/service/planted.py", "import flask", WEBLESS),
    ("calbridge/service/planted.py", "import rq", WEBLESS),
    ("calbridge/domain/planted.py", "import flask", FRAMEWORKS),
    ("calbridge/connectors/planted.py", "import redis", FRAMEWORKS),
    ("calbridge/sync/planted.py", "import sqlalchemy.orm", FRAMEWORKS),
    ("calbridge/sync/planted.py", "import rq", FRAMEWORKS),
    ("calbridge/service/planted.py", "import calbridge.testing", TESTING),
    ("calbridge/testing/planted.py", "import calbridge.store", KIT),
    ("plugins/calbridge-caldav/calbridge_caldav/planted.py", "import calbridge.sync", PLUGINS),
    ("plugins/calbridge-caldav/calbridge_caldav/planted.py", "import calbridge.settings", PLUGINS),
    ("plugins/calbridge-caldav/calbridge_caldav/planted.py", "import calbridge.testing", TESTING),
    ("plugins/calbridge-sandbox/calbridge_sandbox/planted.py", "import calbridge.store", PLUGINS),
    ("plugins/calbridge-sandbox/calbridge_sandbox/planted.py", "import calbridge_caldav", INDEPENDENCE),
    ("plugins/calbridge-google/calbridge_google/planted.py", "import calbridge.store", PLUGINS),
    ("calbridge/service/planted.py", "import calbridge_caldav", CORE),
    ("calbridge/sync/planted.py", "import calbridge_google", CORE),
]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the source that a test may break."""
    only_source = shutil.ignore_patterns("__pycache__", "*.egg-info", "tests", "build", "dist")
    shutil.copytree(ROOT / "calbridge", tmp_path / "calbridge", ignore=only_source)
    shutil.copytree(ROOT / "plugins", tmp_path / "plugins", ignore=only_source)
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    return tmp_path


def check(house: Path) -> tuple[bool, set[str]]:
    """Run import-linter on the copy: is all well, and which contracts are kept?"""
    search = os.pathsep.join([str(house), *(str(plugin) for plugin in (house / "plugins").iterdir())])
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"],
        cwd=house,
        env=os.environ | {"PYTHONPATH": search, "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0, set(re.findall(r"^(.+) KEPT\b", done.stdout, re.MULTILINE))


def test_the_floors_hold(house: Path) -> None:
    well, kept = check(house)

    assert kept == {FLOORS, FRAMEWORKS, DOORS, WEBLESS, TESTING, KIT, PLUGINS, CORE, INDEPENDENCE}
    assert well


@pytest.mark.parametrize(("path", "line", "contract"), BREACHES)
def test_a_planted_breach_is_caught(house: Path, path: str, line: str, contract: str) -> None:
    (house / path).parent.mkdir(exist_ok=True)
    with (house / path).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")

    well, kept = check(house)

    assert not well
    assert contract not in kept


def test_a_plugin_that_imports_another_is_caught(house: Path) -> None:
    other = house / "plugins" / "calbridge-other" / "calbridge_other"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("import calbridge_caldav\n", encoding="utf-8")
    config = (house / "setup.cfg").read_text(encoding="utf-8")
    both = "    calbridge_caldav\n    calbridge_other\n"
    for place in ("root_packages =\n    calbridge\n", "type = independence\nmodules =\n"):
        assert place + "    calbridge_caldav\n" in config
        config = config.replace(place + "    calbridge_caldav\n", place + both)
    (house / "setup.cfg").write_text(config, encoding="utf-8")

    well, kept = check(house)

    assert not well
    assert INDEPENDENCE not in kept


def test_every_plugin_of_the_repository_is_under_contract() -> None:
    packages = {path.parent.name for path in ROOT.glob("plugins/*/calbridge_*/__init__.py")}
    config = (ROOT / "setup.cfg").read_text(encoding="utf-8")

    for option in ("root_packages", "modules", "source_modules", "forbidden_modules"):
        named = re.findall(rf"^{option} =\n((?:    .+\n)+)", config, re.MULTILINE)
        assert any(packages <= set(block.split()) for block in named), f"{option} lacks one of {packages}"


def test_every_part_of_the_core_is_either_offered_to_plugins_or_forbidden() -> None:
    offered = {"catalogue", "connectors", "domain", "errors"}
    parts = {path.stem for path in (ROOT / "calbridge").iterdir() if path.suffix == ".py" or path.is_dir()}
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")

    forbidden = config["importlinter:contract:plugins"]["forbidden_modules"].split()
    others = parts - offered - {"__init__", "__pycache__", "testing"}
    assert set(forbidden) == {f"calbridge.{part}" for part in others}
