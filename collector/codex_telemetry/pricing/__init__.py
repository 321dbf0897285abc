"""Keep the prices in the database those of the installed package and of the user: looked at by every
report and every start of a recording, read anew only when either has changed."""

import contextlib
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from threading import Lock, Thread

import msgspec

from codex_telemetry import log
from codex_telemetry.core.prices import Price, PriceModel, tier_of
from codex_telemetry.pricing import apart, package
from codex_telemetry.sections import OwnPrice
from codex_telemetry.settings import Settings, load
from codex_telemetry.store.price_list import PriceList, is_listed, price_anew, replace

FORM = 1
"""Goes up when the same package is to be read in another way."""


def wanted(settings: Settings) -> PriceList:
    """The prices that shall be in the database; they are read only if they aren't."""
    version = package.version()
    own = zlib.crc32(msgspec.json.encode(settings.prices))
    return PriceList(
        fingerprint=f"{FORM} {version} {own:08x}",
        package_version=version,
        read=_Once(settings.prices, version).read,
    )


def wanted_by(config: Path) -> PriceList | None:
    """The same, for who must not stop at a config file that is wrong; then prices stay as they are."""
    with contextlib.suppress(Exception):
        return wanted(load(config).settings)
    return None


def get_ready(database: Path, wanted: PriceList) -> None:
    """Read the prices before they are needed, if they will be: the first save shall not wait for it."""
    with contextlib.suppress(Exception):
        if not is_listed(database, wanted):
            wanted.read()


def get_ready_meanwhile(database: Path, wanted: PriceList) -> None:
    """The same, while there is something else to be done."""
    Thread(target=get_ready, args=(database, wanted), daemon=True).start()


def bring_up_to_date(database: Path, wanted: PriceList) -> None:
    """Never a reason for a report to fail: it shows the costs there are."""
    try:
        replace(database, wanted)
        price_anew(database)
    except Exception as error:  # noqa: BLE001 - see above
        log.crash(error)


class _Once:
    """Reads them when first asked; who asks meanwhile waits for that."""

    def __init__(self, own: Sequence[OwnPrice], version: str | None) -> None:
        self._own, self._version = own, version
        self._lock = Lock()
        self._known: apart.Read | None = None

    def read(self) -> apart.Read:
        with self._lock:
            if self._known is None:
                self._known = _read(self._own, self._version)
            return self._known


def _read(own: Sequence[OwnPrice], version: str | None) -> apart.Read:
    names = list(dict.fromkeys(price.model.lower() for price in own))
    models = [
        PriceModel(n, "config", name, rf"\A{re.escape(name)}\Z") for n, name in enumerate(names)
    ]
    prices = [
        Price(
            price_model=names.index(price.model.lower()),
            tier=tier_of(price.tier),
            valid_from=None if price.since is None else package.day_start(price.since),
            valid_until=None if price.until is None else package.day_start(price.until),
            above_input_tokens=price.above_input_tokens,
            input_usd=price.input,
            cached_input_usd=price.cached_input,
            cache_write_usd=price.cache_write,
            output_usd=price.output,
        )
        for price in own
    ]
    if version is not None:
        listed, listed_prices = apart.read(len(models))
        models += listed
        prices += listed_prices
    return models, prices
