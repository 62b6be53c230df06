"""The double-entry ledger as pure decisions: accounts, transfers, holds, settlement, invariants."""
