"""`python -m codex_telemetry`: how the pump starts the collector, and a way in without the script."""

from codex_telemetry.main import main

main()
