"""The engine: decides what a run does (pure), and does it through ports."""
