"""`make run`: the whole service on this machine with what it brings along, and its main job shown through it.

Everything lies in `var/demo` and stays there: a second `make run` goes on where the first one stopped. Delete the
folder to begin anew. CALBRIDGE_PORT chooses another port than 8080.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from calbridge.supervision import ties  # noqa: E402
from tests.servers.calendar_server import CalendarServer  # noqa: E402
from tests.servers.process import ServerDidNotStart  # noqa: E402
from tests.servers.radicale import radicale  # noqa: E402
from tools.run_story import PASSWORD, USER, StoryFailed, play  # noqa: E402

DATA = ROOT / "var" / "demo"
CALBRIDGE = Path(sys.executable).parent / "calbridge"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READY = re.compile(r"calbridge is ready: (http\S+)/docs")
COMMAND = "CALBRIDGE_DATA_DIR=var/demo .venv/bin/calbridge"
MORE_KEYS = f"{COMMAND} keys create --platform --name mine"
LOOK = f"{COMMAND} items list --user alice"
END_SECONDS = 90.0
"""For the end of the service, which has time-outs of its own."""


class _Stop(Exception):
    """Ctrl-C, or another signal that asks us to end."""


def main() -> int:
    """Until a signal comes; 0 if the service came up and the story went well."""
    for number in SIGNALS:
        signal.signal(number, _stop)
    try:
        for folder in (DATA.parent, DATA):
            folder.mkdir(exist_ok=True, mode=0o700)
        with _phone() as server, _service() as (service, url):
            _tell_where(url)
            with _key("make run") as key:
                play(url, key, server, say)
            say(f"\nLook around    {LOOK}")
            say("\nIt stays up and keeps both sides the same. Ctrl-C stops it.")
            return _until_ended(service)
    except _Stop:
        say("\nStopped.")
        return 0
    except ServerDidNotStart:
        say(f"\nThe calendar server of the demo did not start; {DATA / 'phone' / 'radicale.log'} says why.")
    except StoryFailed as error:
        say(f"\nThis did not go as it should: {error}")
    return 1


@contextmanager
def _phone() -> Iterator[CalendarServer]:
    """Radicale in the place of the cloud behind a phone, on the same port each time: it is part of the address."""
    folder = DATA / "phone"
    folder.mkdir(exist_ok=True, mode=0o700)
    kept = folder / "port"
    with radicale(folder, users={USER: PASSWORD}, port=int(kept.read_text()) if kept.exists() else 0) as server:
        kept.write_text(f"{server.port}\n")
        yield server


@contextmanager
def _service() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`calbridge run`, which ends with us, and the address of its API. Raises StoryFailed."""
    log = DATA / "service.log"
    # In a session of its own Ctrl-C reaches only us, so that it is asked once.
    tie = [sys.executable, "-I", "-S", ties.__file__, str(os.getpid()), "-"] if ties.BY_KERNEL else []
    say("Starting Redis, workers, scheduler and API ...")
    # Not emptied: where another one is at work in the folder, it is that one's log.
    with log.open("ab") as errors:
        before = log.stat().st_size
        service = subprocess.Popen(
            [*tie, str(CALBRIDGE), "run"],
            env=_environment(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    try:
        yield service, _address(service, log, before)
    finally:
        service.terminate()
        service.wait(END_SECONDS)


def _address(service: subprocess.Popen[str], log: Path, before: int) -> str:
    """Waits until the service says where it is. Raises StoryFailed with what it says instead.

    ``before``: bytes of the log that are older than the service.
    """
    assert service.stdout is not None
    for line in service.stdout:
        ready = READY.match(line)
        if ready:
            return ready[1]
    with log.open("rb") as lines:
        lines.seek(before)
        told = [line for line in lines.read().decode(errors="replace").splitlines() if not line.startswith("{")]
    raise StoryFailed("\n".join(told) or f"the service ended; {log.relative_to(ROOT)} holds its log")


def _tell_where(url: str) -> None:
    say(f"""
API            {url}/v1
Documents      {url}/docs
Data and log   {DATA.relative_to(ROOT)}, {(DATA / "service.log").relative_to(ROOT)}""")
    if not json.loads(_calbridge("keys", "list", "--platform", "--json"))["data"]:
        made = json.loads(_calbridge("keys", "create", "--platform", "--name", "first", "--json"))
        say(f"Platform key   {made['key']}")
        say("               It is shown this once: keep it, it makes tenants and their keys.")
    else:
        say("Platform key   shown when it was made; another one: " + MORE_KEYS)


@contextmanager
def _key(name: str) -> Iterator[str]:
    """A platform key of our own for as long as it is needed."""
    for each in json.loads(_calbridge("keys", "list", "--platform", "--json"))["data"]:
        if each["name"] == name:
            _calbridge("keys", "revoke", each["id"], "--platform", "--yes")
    made = json.loads(_calbridge("keys", "create", "--platform", "--name", name, "--json"))
    try:
        yield made["key"]
    finally:
        _calbridge("keys", "revoke", made["id"], "--platform", "--yes")


def _calbridge(*words: str) -> str:
    done = subprocess.run(
        [str(CALBRIDGE), *words], env=_environment(), cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StoryFailed(f"calbridge {' '.join(words)}: {done.stderr}")
    return done.stdout


def _until_ended(service: subprocess.Popen[str]) -> int:
    """Wait for a signal; the service ends by itself only where something is wrong."""
    service.wait()
    say(f"\nThe service ended; {(DATA / 'service.log').relative_to(ROOT)} says why.")
    return 1


def _environment() -> Mapping[str, str]:
    """Embedded defaults, but for the port: what else is set on this machine belongs to another installation."""
    port = {name: value for name, value in os.environ.items() if name == "CALBRIDGE_PORT"}
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CALBRIDGE_", "PYTHON"))}
    return clean | port | {"CALBRIDGE_DATA_DIR": str(DATA), "CALBRIDGE_PRIVATE_NETWORKS": "127.0.0.1/32"}


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)


def _stop(number: int, frame: FrameType | None) -> None:
    for each in SIGNALS:
        # The end is on its way and must not be cut off.
        signal.signal(each, signal.SIG_IGN)
    raise _Stop


if __name__ == "__main__":
    sys.exit(main())
