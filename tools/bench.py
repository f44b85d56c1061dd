"""`make bench`: what syncing costs, side by side with vdirsyncer, against a Radicale on this machine.

Both sides work through the same counting proxy, each on calendars of its own with the same events, and every measured
act is a process of its own. Everything is retrieved for the first time thrice on each side, and the median counts. CPU
and memory are those of the client alone. Requests to the REST API stand beside those to a minimal Flask application;
API, workers and scheduler run as the processes of an installation. The times of other programs on the machine are in
the numbers: a quiet machine gives better ones. ARGS="--quick" takes small sizes, ARGS="--json FILE" also writes the
numbers down.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.e2e.databases import postgresql  # noqa: E402
from tests.servers.radicale import radicale  # noqa: E402
from tools.benchmark.cases import (  # noqa: E402
    FULL,
    PASSWORD,
    QUICK,
    USER,
    Row,
    Sizes,
    Stage,
    Warm,
    listing,
    requesting,
    retrieving,
    sending,
)
from tools.benchmark.goals import goals, job_goals, push_goals  # noqa: E402
from tools.benchmark.jobs import FULL_JOBS, QUICK_JOBS, JobNumbers, JobSizes, measure_jobs  # noqa: E402
from tools.benchmark.proxy import proxy_to  # noqa: E402
from tools.benchmark.pushes import FULL_PUSHES, QUICK_PUSHES, PushNumbers, PushSizes, measure_pushes  # noqa: E402
from tools.benchmark.report import as_json, as_text  # noqa: E402


def say(text: str) -> None:
    """What is going on, beside the result."""
    print(text, file=sys.stderr, flush=True)


def keep_compiled(folder: Path) -> None:
    """Let both sides start from compiled code, as installed programs do, whatever this shell says about it."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")


def measure_all(
    sizes: Sizes,
) -> tuple[list[Row], Warm, dict[str, float], dict[str, tuple[float, float]]]:
    """All cases, what warm processes take, and the CPU of listing a year and of requests to the API."""
    warm = Warm()
    with tempfile.TemporaryDirectory(prefix="calbridge-bench-") as place:
        folder = Path(place)
        keep_compiled(folder)
        with radicale(folder / "radicale", users={USER: PASSWORD}) as server, proxy_to(server.port) as proxy:
            stage = Stage(server, proxy, folder, say)
            rows = [*sending(stage, sizes), *retrieving(stage, sizes, warm)]
            year = listing(stage, sizes)
            api = requesting(stage)
    return rows, warm, year, api


def measure_service(sizes: JobSizes) -> dict[str, JobNumbers]:
    """Jobs and real-time sending by real processes, on either database."""
    found: dict[str, JobNumbers] = {}
    for kind in ("SQLite", "PostgreSQL"):
        say(f"jobs on {kind}")
        with (
            tempfile.TemporaryDirectory(prefix="calbridge-bench-") as place,
            radicale(Path(place) / "radicale", users={USER: PASSWORD}) as server,
            nullcontext(None) if kind == "SQLite" else postgresql() as url,
        ):
            found[kind] = measure_jobs(server, sizes, say, url)
    return found


def measure_push(sizes: PushSizes) -> dict[str, PushNumbers]:
    """How soon what a service pushes is told by real processes, on either database."""
    found: dict[str, PushNumbers] = {}
    for kind in ("SQLite", "PostgreSQL"):
        say(f"push on {kind}")
        with nullcontext(None) if kind == "SQLite" else postgresql() as url:
            found[kind] = measure_pushes(sizes, say, url)
    return found


def main() -> int:
    """Measure and tell; 0 whatever the numbers are."""
    parser = argparse.ArgumentParser(description="Measure calbridge side by side with vdirsyncer.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there, too")
    chosen = parser.parse_args()
    sizes = QUICK if chosen.quick else FULL
    rows, warm, year, api = measure_all(sizes)
    jobs = measure_service(QUICK_JOBS if chosen.quick else FULL_JOBS)
    pushes = measure_push(QUICK_PUSHES if chosen.quick else FULL_PUSHES)
    found = [*goals(rows, warm, sizes, year, api), *job_goals(jobs), *push_goals(pushes)]
    print(as_text(rows, found, warm, api, jobs, pushes))
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(as_json(rows, found, warm, api, jobs, pushes), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
