"""The tables, the sending and the reports, on today's engine."""
