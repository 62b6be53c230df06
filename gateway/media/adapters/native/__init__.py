"""The sources of the native relay and, where a compiler was there, what they were built into (docs/media.md)."""
