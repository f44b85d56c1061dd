"""``python -m calbridge`` is the command ``calbridge``."""

from __future__ import annotations

from calbridge.cli.main import main
from calbridge.supervision.garbage import collect_seldom


def run() -> None:
    """The command in a process of its own."""
    collect_seldom()
    main(prog_name="calbridge")


if __name__ == "__main__":
    run()
