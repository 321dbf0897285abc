"""What docs/PERFORMANCE.md shows is what `make bench` measures."""

from pathlib import Path

import pytest

import document
import pump


@pytest.mark.parametrize("name", pump.NAMES)
def test_every_figure_of_run_has_its_row_in_the_document(name: str) -> None:
    assert f"| {name} |" in document.shown()


def test_what_is_measured_goes_between_its_marks_and_nowhere_else(tmp_path: Path) -> None:
    file = tmp_path / "PERFORMANCE.md"
    one, other = (document.marks(part) for part in (document.MEASURED, document.SOAK))
    file.write_text(f"before\n{one[0]}\nold\n{one[1]}\nbetween\n{other[0]}\nkept\n{other[1]}\n")
    for found in ("| new |", "| newer |"):
        document.write(found, document.MEASURED, file)
        assert document.shown(document.MEASURED, file).strip() == found
    assert document.shown(document.SOAK, file).strip() == "kept"
    assert file.read_text().startswith("before\n")
    assert "\nbetween\n" in file.read_text()
    file.write_text("no marks")
    with pytest.raises(SystemExit):
        document.write("| new |", document.MEASURED, file)
