"""`codex-telemetry collect`: what `run` starts beside the child. Not for people: it reads frames."""


def collect(db: str | None, config: str | None, log_level: str | None) -> None:
    """Be the collector of one launch: frames on stdin, until they end."""
    from codex_telemetry import config as configuration  # noqa: PLC0415 - heavy things only here
    from codex_telemetry.pipeline import collect as run  # noqa: PLC0415

    run(configuration.paths(db, config), configuration.log_level(log_level))
