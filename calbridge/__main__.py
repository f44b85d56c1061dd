"""``python -m calbridge`` is the command ``calbridge``."""

from calbridge.cli.main import main

main(prog_name="calbridge")
