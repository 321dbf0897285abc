"""The catalogue of the wire as tests want it."""

from wire import catalogue

CATALOGUE = catalogue()


def names(*tables: str) -> set[str]:
    return {name for table in tables for name in CATALOGUE[table]}


def read(*tables: str) -> set[str]:
    """The names that the catalogue says are read."""
    return {name for t in tables for name, entry in CATALOGUE[t].items() if entry.read is not None}


def unread(*tables: str) -> set[str]:
    """Those that are ignored or nothing but content."""
    return names(*tables) - read(*tables)
