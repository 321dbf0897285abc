"""How often a fault is tried: a little in CI, `FAULT_ROUNDS` times as often where that is set."""

import os
import random

TIMES = int(os.environ.get("FAULT_ROUNDS", "1"))


def rounds(here: int) -> int:
    """How many rounds, where CI does `here`."""
    return here * TIMES


def chance(what: str) -> random.Random:
    """What decides when a fault happens: the same each time, but for another `FAULT_SEED`."""
    return random.Random(f"{what} {os.environ.get('FAULT_SEED', '7')}")
