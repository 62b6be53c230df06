"""A realtime voice and chat session gateway that meters to the second.

Read `facts.py` first: it lists everything that happens. Then `app.py`, the one
place where the parts are wired together.
"""

__version__ = "0.1.0"
