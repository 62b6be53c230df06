"""What the operator sees: live sessions, health, interventions, the audit log, metrics and logs."""
