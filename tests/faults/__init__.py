"""What may break: docs/FAULTS.md says what is tried, how often, and what was lost."""
