"""The ledger bench: durable commands per second, and how long one takes."""
