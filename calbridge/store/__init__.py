"""The memory: tables, units of work, secrets, migrations; implements the ports of the engine."""
