"""What docs/PERFORMANCE.md shows is what `make bench` measures."""

from pathlib import Path

import pytest

import document
import pump


@pytest.mark.parametrize("name", pump.NAMES)
def test_every_figure_of_run_has_its_row_in_the_document(name: str) -> None:
    assert f"| {name} |" in document.measured()


def test_what_is_measured_goes_between_the_marks_and_nowhere_else(tmp_path: Path) -> None:
    file = tmp_path / "PERFORMANCE.md"
    file.write_text(f"before\n{document.BEGINS}\nold\n{document.ENDS}\nafter\n")
    for found in ("| new |\n", "| newer |\n"):
        document.write(found, file)
        assert document.measured(file).strip() == found.strip()
    assert file.read_text() == (
        f"before\n{document.BEGINS}\n\n| newer |\n\n{document.ENDS}\nafter\n"
    )
    file.write_text("no marks")
    with pytest.raises(SystemExit):
        document.write("| new |\n", file)
