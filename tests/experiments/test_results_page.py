"""docs/RESULTS.md says what the raw lines say, and nothing else passes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from experiments import results_page
from experiments.ladder_plot import Dots, dots


def test_page_and_drawings_are_what_the_raw_lines_say() -> None:
    results_page.main(["--check"])


def test_a_number_that_the_lines_do_not_say_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = results_page.PAGE.read_text(encoding="utf-8")
    assert "| +18.8 (" in text
    page = tmp_path / "RESULTS.md"
    page.write_text(text.replace("| +18.8 (", "| +28.8 ("), encoding="utf-8")
    monkeypatch.setattr(results_page, "PAGE", page)
    with pytest.raises(SystemExit, match=r"RESULTS\.md"):
        results_page.main(["--check"])
    monkeypatch.setattr(results_page, "ROOT", tmp_path)
    results_page.main([])
    assert page.read_text(encoding="utf-8") == text


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(SystemExit, match="places for the tables"):
        results_page.page("no table at all", {"develop": "| |"})


def test_a_family_that_lost_is_drawn_apart() -> None:
    drawing = dots([Dots("gains", 0.2, 0.9, 1.0), Dots("loses", 0.5, 0.25, None)])
    assert drawing.index("gains") < drawing.index("loses")
    assert drawing.count('stroke="#0072b2" stroke-width="3"') == drawing.count('stroke="#d55e00" stroke-width="3"') == 1
    assert drawing.count('r="7" fill="none"') == 2  # one in the legend, none for the family without a teacher
