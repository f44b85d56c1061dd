"""Doubles of calendar services, each a strict server on loopback."""
