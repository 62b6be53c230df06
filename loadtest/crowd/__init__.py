"""Many legs in one process: set up by aiortc, then driven by a thread in C.

Decides nothing itself: `engine.pyx` speaks and hears, `crowd.py` steers it, `leg.py` shakes hands.
Never judges what was measured (`loadtest/calls.py`).
Every leg has a loopback address of its own; one socket speaks and hears for all of them.
"""
