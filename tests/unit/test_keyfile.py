"""The key file of the embedded mode: made once, readable by its owner only, never replaced."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from calbridge.errors import SettingsInvalid
from calbridge.keyfile import with_secret_keys
from calbridge.settings import load_settings


def settings_in(folder: Path, **more: str):
    return load_settings({"CALBRIDGE_DATA_DIR": str(folder), **more})


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "new" / "var")

    first = with_secret_keys(settings)

    assert with_secret_keys(settings) == first
    (key,) = first.secret_keys
    assert len(key) >= 43
    path = tmp_path / "new" / "var" / "secret.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret.key"]


def test_each_installation_gets_a_key_of_its_own(tmp_path: Path) -> None:
    assert (
        with_secret_keys(settings_in(tmp_path / "a")).secret_keys
        != with_secret_keys(settings_in(tmp_path / "b")).secret_keys
    )


def test_keys_of_the_environment_come_first_and_no_file_is_made(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, CALBRIDGE_SECRET_KEYS="k" * 32)

    assert with_secret_keys(settings) == settings
    assert list(tmp_path.iterdir()) == []


def test_starters_at_the_same_time_end_with_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(with_secret_keys, [settings_in(tmp_path / "var")] * 32))

    assert len({settings.secret_keys for settings in found}) == 1


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with_secret_keys(settings_in(tmp_path))
    (tmp_path / "secret.key").chmod(0o640)

    with pytest.raises(SettingsInvalid, match="readable by its owner only") as refused:
        with_secret_keys(settings_in(tmp_path))

    assert refused.value.code == "key_file_unusable"


@pytest.mark.parametrize("content", ["", "short\n", "\xff" * 10])
def test_a_damaged_file_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret.key"
    path.write_text(content, encoding="latin-1")
    path.chmod(0o600)

    with pytest.raises(SettingsInvalid, match="holds no usable key"):
        with_secret_keys(settings_in(tmp_path))

    assert path.read_text(encoding="latin-1") == content


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SettingsInvalid, match="can't be used") as refused:
        with_secret_keys(settings_in(tmp_path / "file" / "var"))

    assert refused.value.code == "key_file_unusable"
