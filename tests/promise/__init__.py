"""A model of the promise: every reader, every due day, one digest or one reason.

Readers all over the world, who move, pause, leave and come back, are simulated for weeks against
the real planner and a real PostgreSQL whose clock is set, through outages of workers, sources and
mail. ``world`` lets time pass, ``oracle`` knows independently what should have happened.
"""
