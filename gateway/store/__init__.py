"""The one database thread, migrations and backup; nothing domain-specific."""
