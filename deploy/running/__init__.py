"""`make run`: the site, the clock and the workers, forked from one process that has loaded all.

In goes the environment; out come the processes. What all of them have loaded is in memory once, a
dead one is back within moments, and the site answers before the rest has been loaded. A supervisor
that starts its programs by their command lines (honcho, supervisord, systemd) can do none of this:
five processes that load the code each for itself take three times the memory.

* ``forking``  a process forked from this one, its log, and restarting it
* ``parts``    what each process does;  ``deploy.run`` puts them together
* ``loading``  what to load before forking, and whether the database has every migration
"""
