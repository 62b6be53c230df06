"""Thin converters between packages that do not know each other; floor 4, wired by `app.py`."""
