"""A numbered step of one package's tables.

Decides the order of steps: per package, ascending, each once, recorded in the
table `migrations`. Never edits a step that has shipped; add the next one.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Migration:
    """SQL that brings one package's tables a step forward."""

    package: str
    """Whose tables: `signaling`, `metering`, …"""
    number: int
    """From 1, without gaps."""
    sql: str
    """One or more statements; tables are STRICT."""
