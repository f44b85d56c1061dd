"""Runs tests against the code as it is at that moment, each in a process of its own that finds all libraries loaded.

Reads from its input one line of JSON for each run, the arguments of pytest, and answers with one of exit code and
output. It is itself never broken: what it loaded of the project is forgotten before the first run.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile

import pytest

import calbridge.sync.engine
import calbridge.testing.memory  # noqa: F401  (for the libraries that it loads)

OURS = ("calbridge", "tests")
SECONDS = 60
"""What a run may take; the system ends one that takes longer."""
BROKE = 70
"""Exit code where pytest itself broke."""


def run(arguments: list[str]) -> tuple[int, str]:
    """Exit code and output of pytest with these arguments, in a child of this process."""
    with tempfile.TemporaryFile("w+") as output:
        child = os.fork()
        if child == 0:
            os.dup2(output.fileno(), sys.stdout.fileno())
            os.dup2(output.fileno(), sys.stderr.fileno())
            signal.alarm(SECONDS)
            code = BROKE
            try:
                code = int(pytest.main(arguments))
                sys.stdout.flush()
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        output.seek(0)
        return os.waitstatus_to_exitcode(status), output.read()


def main() -> None:
    """Until the input ends."""
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
