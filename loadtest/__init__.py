"""Proof under load: many real calls against a whole gateway on loopback.

Start with `python -m loadtest --help`. Uses the Python client and the shared
vocabulary only, so that what it finds out is found out from outside.
Never sends anywhere but to 127.0.0.1, and stops by itself.
"""
