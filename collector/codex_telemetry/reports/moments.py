"""How a moment is written in the contract, and read back from there."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def written(ms: int | None) -> str | None:
    """ISO-8601 in UTC with milliseconds; None for what no calendar holds (an id may claim any time)."""
    if ms is None:
        return None
    try:
        moment = _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return None
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"


def read(moment: str | None) -> int | None:
    """The ms of what `written` wrote."""
    if moment is None:
        return None
    return (datetime.fromisoformat(moment) - _EPOCH) // timedelta(milliseconds=1)
