"""What the user wants kept only as a keyed hash, and what shown only as a label: config.toml says it.

Who can't read the config keeps as little as anybody may have asked for.
"""

import contextlib
from pathlib import Path

from codex_telemetry import secret
from codex_telemetry.config import Paths
from codex_telemetry.core.labels import PLAIN, Labels
from codex_telemetry.core.veil import OPEN, Hasher, Hashes, Veil
from codex_telemetry.errors import UsageError
from codex_telemetry.secret import Secret, secret_path
from codex_telemetry.settings import Settings, load

STRICTEST = Settings(privacy="strict")


def veil(settings: Settings, database: Path) -> Veil:
    """What facts are kept as. Raises `OSError` where the secret can be neither read nor made."""
    return _veil(settings, secret.load(secret_path(database)))


def veil_of_a_log(paths: Paths) -> Veil:
    """The same, for who can't stop at what is wrong: what can't be hashed isn't kept."""
    return _veil(_settings(paths), _secret(paths.database))


def veil_of_a_stream(paths: Paths) -> Veil:
    """The same, where nothing is hashed but in strict mode: else no secret is needed."""
    settings = _settings(paths)
    return _veil(settings, _secret(paths.database)) if settings.privacy == "strict" else OPEN


def labels(settings: Settings, database: Path, *, redact: bool) -> Labels:
    """What names are shown as. Where the secret can't be had they are labelled alike, by another."""
    if settings.privacy == "normal" and not redact:
        return PLAIN
    found = _secret(database) or secret.passing()
    return Labels(Hashes(found.hash))


def spelt(folders: tuple[str, ...], database: Path) -> tuple[str, ...]:
    """Folders as they may be stored: as they are, and as hashes where anything may have been hashed."""
    found = None
    with contextlib.suppress(OSError):
        found = secret.find(secret_path(database))
    if found is None:
        return folders
    hashed = (Hashes(found.hash).folder(folder) for folder in folders)
    return (*folders, *(folder for folder in hashed if folder is not None))


def _veil(settings: Settings, found: Secret | None) -> Veil:
    hasher: Hasher = _no_hash if found is None else found.hash
    strict = settings.privacy == "strict"
    return Veil(
        hasher=None if found is None else found.hash,
        secret_id=None if found is None else found.id,
        hashes=Hashes(hasher) if strict else None,
        repo_names=settings.repo_names and not strict,
    )


def _no_hash(_: str) -> str | None:
    return None


def _settings(paths: Paths) -> Settings:
    try:
        return load(paths.config).settings
    except UsageError:
        return STRICTEST


def _secret(database: Path) -> Secret | None:
    try:
        return secret.load(secret_path(database))
    except OSError:
        return None
