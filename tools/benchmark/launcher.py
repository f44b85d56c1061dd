"""Run a command from a process that is small itself, and write down what it cost.

``launcher.py FILE PROGRAM ARGUMENT...``. Linux counts to the peak of a process what the one that started it held then:
started by the benchmark itself, every command would have had at least the memory of the benchmark.
"""

from __future__ import annotations

import json
import os
import sys
import time

started = time.monotonic()
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
wall = time.monotonic() - started
with open(sys.argv[1], "w") as file:
    json.dump({"cpu": usage.ru_utime + usage.ru_stime, "wall": wall, "kibibytes": usage.ru_maxrss}, file)
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
