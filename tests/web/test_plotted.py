"""Lines and columns as shapes: what isn't known is a gap, and nothing leaves the picture."""

import re

from codex_telemetry.web.plotted import columns, lines


def model(unit: str, x: list[str], **series: list[int | None]) -> dict[str, object]:
    told = [{"name": name, "values": values} for name, values in series.items()]
    return {"x": x, "unit": unit, "series": told}


def test_what_is_not_known_is_a_gap_in_the_line() -> None:
    (shape,) = lines(model("ms", ["a", "b", "c", "d"], p50=[1, None, 3, 4])).shapes
    assert shape.path.count("M") == 2
    assert shape.path.count("L") == 1


def test_columns_stand_on_each_other() -> None:
    lower, upper = columns(model("tokens", ["a"], input=[30], output=[10])).shapes
    assert lower.path == "M100.0 25.75h800.0V100.0h-800.0z"
    assert upper.path == "M100.0 1.0h800.0V25.75h-800.0z"


def test_nothing_of_nothing() -> None:
    plotted = lines(model("ms", [], p50=[]))
    assert (plotted.shapes, plotted.across, plotted.says) == ([], [], "nothing")
    assert columns(model("tokens", ["a"], input=[None])).shapes == []


def test_nothing_leaves_the_picture() -> None:
    many = list(range(1, 63))
    for draw in (lines, columns):
        plotted = draw(model("ms", [f"2026-03-{n:02}" for n in many], p50=[n**5 for n in many]))
        for shape in plotted.shapes:
            tops = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", shape.path)]
            assert 0 <= min(tops) <= max(tops) <= 100
        assert all(0 <= named.at <= 100 for named in (*plotted.across, *plotted.up))
        assert len(plotted.across) <= 6


def test_round_numbers_are_short() -> None:
    plotted = columns(model("tokens", ["a"], input=[17_000_000]))
    assert [named.says for named in plotted.up] == ["5 M", "10 M", "15 M"]
