"""How names are kept and shown, and how far what is stored agrees with it."""

from codex_telemetry.reports.shapes_privacy import Privacy, SecretUse
from codex_telemetry.settings import Settings
from codex_telemetry.store import hashed
from codex_telemetry.store.queries import Store


def privacy(db: Store | None, settings: Settings, secret_id: str | None) -> Privacy:
    """`db`: None where there is none yet."""
    stored = hashed.Stored(0, 0, 0, 0) if db is None else hashed.stored(db)
    used = [] if db is None else list(hashed.secrets(db))
    return Privacy(
        mode=settings.privacy,
        repo_names=settings.repo_names,
        secret_id=secret_id,
        **stored._asdict(),
        secrets=[
            SecretUse(
                secret_id=row["secret_id"],
                current=row["secret_id"] == secret_id,
                sessions=row["sessions"],
                turns=row["turns"],
            )
            for row in used
        ],
    )
