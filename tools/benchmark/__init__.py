"""The parts of `make bench`: what is measured, on what data, and how it is told."""
