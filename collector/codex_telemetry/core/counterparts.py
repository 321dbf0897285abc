"""Which item that `codex exec` told of is which of the log: it numbers its own and names none.

Both tell of a turn's items in the same order, so each is looked for after the one before; what both
know of it must be equal.
"""

from codex_telemetry.core.facts import ItemFacts
from codex_telemetry.core.identity import EXEC, ItemId
from codex_telemetry.core.join import join
from codex_telemetry.core.spans import best

_PREFIX = f"{EXEC}:item_"


def exec_item_id(number: str) -> ItemId:
    """What an item is called that exec calls `item_<number>`."""
    return ItemId(f"{_PREFIX}{number}")


def as_one(items: dict[ItemId, ItemFacts]) -> dict[ItemId, ItemFacts]:
    """The items of a turn that was both heard and logged, each once: of a kind never more than the
    fuller source has."""
    result = {key: item for key, item in items.items() if not key.startswith(_PREFIX)}
    for kind in {item.kind for item in items.values()}:
        logged = sorted(
            (key for key in result if items[key].kind == kind), key=lambda key: _when(key, items)
        )
        heard = sorted(
            (key for key in items if key not in result and items[key].kind == kind), key=_number
        )
        spare = max(0, len(heard) - len(logged))
        alone = []
        for key in heard:
            twin = next(
                (n for n, each in enumerate(logged) if _fits(items[key], items[each])), None
            )
            if twin is None:
                alone.append(key)
            else:
                result[logged[twin]] = join(items[logged[twin]], items[key])
                del logged[: twin + 1]
        result |= {key: items[key] for key in alone[max(0, len(alone) - spare) :]}
    return result


def _when(key: ItemId, items: dict[ItemId, ItemFacts]) -> tuple[int, str]:
    moments = (best(items[key].starts), best(items[key].ends))
    return min((ms for ms in moments if ms is not None), default=0), key


def _number(key: ItemId) -> int:
    return int(key.removeprefix(_PREFIX))


def _fits(heard: ItemFacts, logged: ItemFacts) -> bool:
    both = ((heard.name, logged.name), (heard.exit_code, logged.exit_code))
    return all(a is None or b is None or a.value == b.value for a, b in both)
