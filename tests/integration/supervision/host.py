"""A process that supervises stand-ins: `host.py FOLDER TIE STAGES`, STAGES as JSON: lists of {name, words, ...}."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from calbridge.errors import CalbridgeError
from calbridge.log import configure_logging
from calbridge.supervision.lock import only_one
from calbridge.supervision.part import Part
from calbridge.supervision.supervisor import Supervisor

STAND_IN = str(Path(__file__).with_name("stand_in.py"))


def main(place: str, tie: str, told: str) -> int:
    configure_logging()
    folder = Path(place)
    notebook = str(folder / "notebook")
    stages = [
        [
            Part(
                each["name"],
                [sys.executable, STAND_IN, notebook, each["name"], *each.get("words", [])],
                once="once" in each.get("words", []),
                start_seconds=each.get("start_seconds", 30.0),
                stop_seconds=each.get("stop_seconds", 30.0),
            )
            for each in stage
        ]
        for stage in json.loads(told)
    ]
    try:
        with only_one(folder):
            Supervisor(stages, folder, by_kernel=tie == "kernel").run(lambda: print("all ready", flush=True))
    except CalbridgeError as error:
        print(error, flush=True)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
