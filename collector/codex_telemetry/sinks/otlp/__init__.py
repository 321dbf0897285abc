"""What is stored, as OpenTelemetry knows it: a trace a turn, and metrics."""
