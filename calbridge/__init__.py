"""Keeps a PSA user's My Calendar and a linked calendar the same, in both directions."""

__version__ = "0.1.0"
