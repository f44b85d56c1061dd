"""`make soak`: the long tests. Many killed runs on both databases, and many more random histories of the engine.

A failure names its seed; ``make soak ARGS="--seed 7"`` plays the same story again, though the clock of the machine
decides where exactly a run is killed.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.e2e.databases import postgresql  # noqa: E402
from tests.e2e.killing import look, play, world  # noqa: E402

SEARCHES = {
    "tests/unit/sync/test_machine.py": "MACHINE_EXAMPLES",
    "tests/integration/service/test_watch_machine.py": "WATCH_EXAMPLES",
    "tests/integration/api/test_document_holds.py": "SCHEMA_EXAMPLES",
}
"""Tests that search, and the variable that says how long."""
FEWER = {"SCHEMA_EXAMPLES": 20}
"""Of every operation of the API a twentieth as many requests: there are hundreds of operations."""
PORTION = 25
"""Kills of one story: more would only repeat it with a longer past."""


def main() -> int:
    """Run everything that was asked for; 0 if all went well."""
    asked = _arguments()
    seed = secrets.randbelow(10_000) if asked.seed is None else asked.seed
    for number in range(0, asked.kills, PORTION):
        kills = min(PORTION, asked.kills - number)
        database = ("SQLite", "PostgreSQL")[number // PORTION % 2]
        _kill(database, seed + number // PORTION, kills)
    if asked.examples:
        say(f"Random histories of the engine and of push subscriptions, {asked.examples} for each kind of service")
        counts = {name: str(max(1, asked.examples // FEWER.get(name, 1))) for name in SEARCHES.values()}
        environment = os.environ | counts
        command = [sys.executable, "-m", "pytest", *SEARCHES, "-q", "-o", "timeout=0", "-n", str(asked.workers)]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description="Many more kills and random histories.")
    parser.add_argument("--kills", type=int, default=200, help="killed runs over both databases (200)")
    parser.add_argument("--examples", type=int, default=1000, help="histories for each kind of service (1000)")
    parser.add_argument("--seed", type=int, help="of the first story (random)")
    parser.add_argument("--workers", type=int, default=2, help="processes for the histories (2)")
    return parser.parse_args()


def _kill(kind: str, seed: int, kills: int) -> None:
    """One story. Raises AssertionError where its end is not right."""
    say(f"{kind}, seed {seed}: {kills} kills")
    begun = time.monotonic()
    database: AbstractContextManager[str | None] = nullcontext(None) if kind == "SQLite" else postgresql()
    with (
        tempfile.TemporaryDirectory(prefix="calbridge-soak-") as folder,
        database as url,
        world(Path(folder), url, seed) as at,
    ):
        play(at, kills)
        rounds = at.quiet()
        look(at)
        told = f"{at.kills} runs killed, {at.whole} were quicker, quiet after {rounds}"
        say(f"  right: {told}; {len(at.story.appointments)} appointments, {time.monotonic() - begun:.0f} s")


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
