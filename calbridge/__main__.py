"""``python -m calbridge`` is the command ``calbridge``."""

from __future__ import annotations

from calbridge.supervision.garbage import collect_seldom


def run() -> None:
    """The command in a process of its own."""
    collect_seldom()
    # Loaded after that: what is loaded stays, and need not be looked at for garbage again and again.
    from calbridge.cli.main import main

    main(prog_name="calbridge")


if __name__ == "__main__":
    run()
