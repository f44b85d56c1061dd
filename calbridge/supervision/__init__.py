"""Processes that belong together: started in order, kept alive, stopped in reverse, and never left behind.

Knows nothing of calbridge's own parts; :mod:`calbridge.cli.running` says which there are.

``ties``        a process dies with the one that started it, however that one dies
``notify``      a process tells that it is ready, as systemd asks for it
``part``        what is started, and how it is known to be ready
``child``       one running part
``supervisor``  all of them
``lock``        one supervisor for a folder
``embedded``    the Redis that comes along
``ports``       addresses that programs listen on
"""
