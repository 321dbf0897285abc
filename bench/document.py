"""Put what was measured into docs/PERFORMANCE.md, between two marks."""

from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "PERFORMANCE.md"
BEGINS, ENDS = "<!-- measured: begins -->", "<!-- measured: ends -->"


def write(found: str, document: Path = DOCUMENT) -> None:
    before, _, rest = document.read_text().partition(BEGINS)
    _, marked, after = rest.partition(ENDS)
    if not marked:
        raise SystemExit(f"{document} has lost its marks: {BEGINS} … {ENDS}")
    document.write_text(f"{before}{BEGINS}\n\n{found}\n{ENDS}{after}")


def measured(document: Path = DOCUMENT) -> str:
    """What it shows."""
    return document.read_text().partition(BEGINS)[2].partition(ENDS)[0]
