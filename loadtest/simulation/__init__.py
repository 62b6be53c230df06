"""The simulated world: the real services on virtual time, over a store, legs and apps that fail on purpose.

Decides what happens to the gateway; `loadtest/auditor` decides whether what the gateway did was right.
"""
