"""What is owed: tariffs, witnesses, seconds, holds, evidence, receipts."""
