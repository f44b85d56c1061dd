"""The command line: a door to the use cases, and the place where a process is put together."""
