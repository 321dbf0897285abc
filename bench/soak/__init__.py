"""Longer runs of what tests/faults does for moments: `make soak SOAK_ARGS="--minutes 15"`."""
