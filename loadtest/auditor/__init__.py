"""An independent audit of metering and money, written from docs/metering.md alone.

It shares no code with the product: its own price function, its own meter over the ground truth, its own ledger.
Use: `Auditor(query)`, `hear(event)` for every event of truth.py in order of time, `committed()` after each commit,
`close()` for the verdict; or `audit_file(path)` for a database alone.
"""

from loadtest.auditor.auditor import Auditor, audit_file
from loadtest.auditor.verdict import Verdict

__all__ = ["Auditor", "Verdict", "audit_file"]
