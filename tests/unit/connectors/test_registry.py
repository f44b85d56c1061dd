"""The registry finds connectors by entry point and survives every broken plugin."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import Account
from calbridge.connectors.registry import load_registry
from calbridge.connectors.transport import Reach, Transport
from calbridge.errors import Refused

_GOOD = """
from calbridge.connectors.capabilities import Capabilities
from calbridge.connectors.contract import ConnectorSpec, ServiceSpec
from calbridge.connectors.hookspecs import hookimpl

@hookimpl
def calbridge_register_connectors():
    return [ConnectorSpec("{name}", (ServiceSpec("{service}", "A title"),), "password", {{}}, Capabilities({abilities}),
                          "{factory}", {version}, storage={storage})]
"""

Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a distribution with one plugin module where Python looks for installed ones; the answer is its name."""
    monkeypatch.syspath_prepend(str(tmp_path))
    numbers = itertools.count()
    before = set(sys.modules)

    def make(code: str) -> str:
        number = next(numbers)
        name, module = f"registry-test-{number}", f"registry_test_{number}_plugin"
        (tmp_path / f"{module}.py").write_text(dedent(code))
        folder = tmp_path / f"registry_test_{number}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[calbridge.connectors]\np{number} = {module}\n")
        return name

    yield make
    for added in set(sys.modules) - before:
        if added.startswith("registry_test_"):
            del sys.modules[added]


def _good(
    service: str,
    *,
    factory: str = "nowhere_at_all:make",
    version: int = 1,
    storage: bool = False,
    abilities: str = "",
) -> str:
    return _GOOD.format(
        name=f"connector-of-{service}",
        service=service,
        factory=factory,
        version=version,
        storage=storage,
        abilities=abilities,
    )


def _account() -> Account:
    return Account("one", None, "alice", "secret")


def test_a_plugin_is_found_by_its_entry_point(install: Install) -> None:
    registry = load_registry([install(_good("one"))])
    assert [service.name for service in registry.services] == ["one"]
    assert registry.spec_for("one").name == "connector-of-one"
    assert registry.problems == ()


def test_only_named_distributions_are_loaded_whatever_the_spelling(install: Install) -> None:
    first, second = install(_good("one")), install(_good("two"))
    assert [s.name for s in load_registry([first.upper().replace("-", "_")]).services] == ["one"]
    assert {"one", "two"} <= {s.name for s in load_registry(None).services}
    assert [s.name for s in load_registry([second]).services] == ["two"]


def test_a_plugin_that_can_not_be_imported_is_listed_and_stops_nobody(install: Install) -> None:
    names = [install("raise RuntimeError('no licence')"), install("import nothing_like_this"), install(_good("one"))]
    registry = load_registry(names)
    assert [s.name for s in registry.services] == ["one"]
    assert [(p.distribution, p.reason) for p in registry.problems] == [
        (names[0], "import_failed"),
        (names[1], "import_failed"),
    ]
    assert "no licence" in registry.problems[0].detail


def test_a_plugin_that_fails_to_register_is_listed(install: Install) -> None:
    broken = """
    from calbridge.connectors.hookspecs import hookimpl

    @hookimpl
    def calbridge_register_connectors():
        raise OSError("disk")
    """
    registry = load_registry([install(broken), install(_good("one"))])
    assert [p.reason for p in registry.problems] == ["registration_failed"]
    assert [s.name for s in registry.services] == ["one"]


def test_another_contract_version_is_refused(install: Install) -> None:
    registry = load_registry([install(_good("one", version=99))])
    assert registry.specs == ()
    assert [p.reason for p in registry.problems] == ["wrong_contract_version"]


def test_the_second_connector_of_a_service_is_refused(install: Install) -> None:
    names = [install(_good("one")), install(_good("one"))]
    registry = load_registry(names)
    assert len(registry.specs) == 1
    assert [(p.distribution, p.reason) for p in registry.problems] == [(names[1], "duplicate_service")]


def test_an_unknown_service_is_refused_with_its_code(install: Install) -> None:
    registry = load_registry([install(_good("one"))])
    with Transport(Reach()) as transport, pytest.raises(Refused) as refused:
        registry.open("two", _account(), transport)
    assert refused.value.code == "service_unknown"


def test_a_factory_is_loaded_on_first_use_only(install: Install) -> None:
    name = install(_good("one", factory="registry_test_late:make"))
    registry = load_registry([name])
    with Transport(Reach()) as transport:
        with pytest.raises(Refused) as refused:
            registry.open("one", _account(), transport)
        assert refused.value.code == "connector_broken"
        folder = next(Path(p) for p in sys.path if (Path(p) / "registry_test_0_plugin.py").exists())
        (folder / "registry_test_late.py").write_text("def make(account, transport): return (account, transport)\n")
        sys.path_importer_cache.clear()
        assert registry.open("one", _account(), transport) == (_account(), transport)


class NoStorage:
    """Nothing is kept."""

    def read(self) -> tuple[bytes | None, int]:
        return None, 0

    def write(self, content: bytes, expected_version: int) -> bool:
        return False


def test_a_storage_goes_to_who_asks_for_one_and_to_nobody_else(install: Install) -> None:
    asking = _good("keeping", factory="registry_test_keeping:make", storage=True)
    names = [install(asking), install(_good("one", factory="registry_test_keeping:make"))]
    registry = load_registry(names)
    folder = next(Path(p) for p in sys.path if (Path(p) / "registry_test_0_plugin.py").exists())
    (folder / "registry_test_keeping.py").write_text("def make(*given): return given\n")
    sys.path_importer_cache.clear()
    kept = NoStorage()
    with Transport(Reach()) as transport:
        assert registry.open("keeping", _account(), transport, kept) == (_account(), transport, kept)
        assert registry.open("one", _account(), transport) == (_account(), transport)
        with pytest.raises(ValueError, match="needs a storage"):
            registry.open("keeping", _account(), transport)
        with pytest.raises(ValueError, match="asked for no storage"):
            registry.open("one", _account(), transport, kept)


def test_connectors_for_trying_out_can_be_left_out(install: Install) -> None:
    registry = load_registry([install(_good("toy", abilities="{'controls': 'partial'}")), install(_good("one"))])
    assert [service.name for service in registry.services] == ["toy", "one"]
    assert [service.name for service in registry.without(Ability.CONTROLS).services] == ["one"]
