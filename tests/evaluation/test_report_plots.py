"""The drawings of a report: whole and readable whatever stands in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from elm_app.evaluation.baselines import METHODS
from elm_app.evaluation.report_plots import COLOURS, accuracy_plot, running_plot, tokens_plot
from elm_app.evaluation.variants import VARIANTS

NAMES = [*METHODS, *VARIANTS]
PLOTS = [accuracy_plot, running_plot, tokens_plot]
WIDEST = 7.5
"""Pixels of a character at 13 px, generously."""


def method(name: str, accuracy: float | None, tokens: float = 1000.0, **more: Any) -> dict[str, Any]:
    running = [] if accuracy is None else [(1, 0.0), (2, accuracy)]
    interval = None if accuracy is None else [max(0.0, accuracy - 0.1), min(1.0, accuracy + 0.1)]
    given = {"method": name, "accuracy": accuracy, "accuracy_interval": interval, "tokens": tokens, "running": running}
    return given | more


def drawn(plot: Callable[[dict[str, Any]], str], methods: list[dict[str, Any]]) -> ElementTree.Element:
    return ElementTree.fromstring(plot({"methods": methods}))


def texts(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [one for one in root.iter() if one.tag.endswith("text")]


def ends(text: ElementTree.Element) -> tuple[float, float]:
    """Where a text begins and ends, in pixels."""
    at, long = float(text.get("x", "nan")), WIDEST * len(text.text or "")
    match text.get("text-anchor"):
        case "end":
            return at - long, at
        case "middle":
            return at - long / 2, at + long / 2
        case _:
            return at, at + long


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("accuracy", [0.0, 0.05, 0.3, 0.9999, 1.0])
@pytest.mark.parametrize("count", [1, 2, 9, len(NAMES)])
def test_every_method_is_named_inside_the_drawing(plot: Any, accuracy: float, count: int) -> None:
    """Also where all lie on one spot."""
    root = drawn(plot, [method(name, accuracy, 123_456.0) for name in NAMES[:count]])
    width, height = (float(part) for part in root.get("viewBox", "").split()[2:])
    own = [one for one in texts(root) if (one.text or "").split(" ")[0] in NAMES]
    assert len(own) == (min(count, len(COLOURS)) if plot is running_plot else count)
    for text in texts(root):
        first, last = ends(text)
        assert (first >= 0, last <= width) == (True, True) or text.get("class") == "note", text.text
        assert 0 < float(text.get("y", "nan")) < height, text.text
    places = sorted(float(text.get("y", "nan")) for text in own)
    assert all(below - above >= 13 for above, below in pairwise(places))
    note = next(one for one in texts(root) if (one.text or "").startswith("accuracy"))
    assert places[-1] <= float(note.get("y", "nan")) - 13  # none lies on the line that explains the drawing


@pytest.mark.parametrize("plot", PLOTS)
def test_names_are_only_text(plot: Any) -> None:
    for name in ("</text><script>alert(1)</script>", '"><image href="x" onload="y"/>', "&amp;&lt;", "'><!--", "]]>"):
        root = drawn(plot, [method(name, 0.5)])
        assert {one.tag.split("}")[1] for one in root.iter()} <= {
            "svg", "title", "style", "line", "text", "circle", "polyline"
        }  # fmt: skip
        assert any((one.text or "").startswith(name) for one in texts(root))
        assert not [key for one in root.iter() for key in one.attrib if key.startswith("on") or "href" in key]


@pytest.mark.parametrize("plot", PLOTS)
def test_methods_without_right_answers_are_left_out(plot: Any) -> None:
    root = drawn(plot, [method("zero_shot", 0.5), method("icl", None)])
    assert not [one for one in texts(root) if (one.text or "").startswith("icl")]


def test_the_best_stands_first_and_points_are_where_they_belong() -> None:
    root = drawn(accuracy_plot, [method("icl", 0.2), method("elm", 0.6), method("lag", 0.4)])
    names = [one for one in texts(root) if one.get("text-anchor") == "end"]
    assert [one.text for one in names] == ["elm", "lag", "icl"]
    dots = [float(one.get("cx", "nan")) for one in root.iter() if one.tag.endswith("circle")]
    assert dots[0] - dots[1] == pytest.approx(dots[1] - dots[2], abs=0.2)  # 60, 40 and 20%
    ticks = {one.text: float(one.get("x", "nan")) for one in texts(root) if re.fullmatch(r"\d+%", one.text or "")}
    assert dots == pytest.approx([ticks["60%"], ticks["40%"], ticks["20%"]], abs=0.2)


def test_running_lines_go_from_problem_to_problem() -> None:
    points = [(1, 1.0), (2, 0.5), (5, 0.2)]
    root = drawn(running_plot, [method("elm", 0.2, running=points)])
    (line,) = (one for one in root.iter() if one.tag.endswith("polyline"))
    places = [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]
    width = places[2][0] - 60
    assert [x - 60 for x, _ in places] == pytest.approx([0, width / 4, width], abs=0.2)
    ticks = {one.text: float(one.get("y", "nan")) - 4 for one in texts(root) if one.get("text-anchor") == "end"}
    wanted = [ticks["100%"], (ticks["40%"] + ticks["60%"]) / 2, ticks["20%"]]
    assert [y for _, y in places] == pytest.approx(wanted, abs=0.2)


def test_no_tokens_at_all_can_be_drawn() -> None:
    root = drawn(tokens_plot, [method("zero_shot", 0.0, 0.0)])
    assert "nan" not in ElementTree.tostring(root, encoding="unicode")
