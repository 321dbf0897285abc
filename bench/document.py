"""Put what was measured into docs/PERFORMANCE.md, each between two marks of its own."""

from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "PERFORMANCE.md"
MEASURED = "measured"
SOAK = "soak"


def marks(part: str) -> tuple[str, str]:
    return f"<!-- {part}: begins -->", f"<!-- {part}: ends -->"


def write(found: str, part: str = MEASURED, document: Path = DOCUMENT) -> None:
    begins, ends = marks(part)
    before, _, rest = document.read_text().partition(begins)
    _, marked, after = rest.partition(ends)
    if not marked:
        raise SystemExit(f"{document} has lost its marks: {begins} … {ends}")
    document.write_text(f"{before}{begins}\n\n{found}\n{ends}{after}")


def shown(part: str = MEASURED, document: Path = DOCUMENT) -> str:
    """What it shows."""
    begins, ends = marks(part)
    return document.read_text().partition(begins)[2].partition(ends)[0]
