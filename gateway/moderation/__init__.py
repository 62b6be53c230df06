"""What may be said: verdicts on what people write, before the other side reads it."""
