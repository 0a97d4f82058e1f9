"""A run as one file: it asks for nothing, nothing in it breaks out, and at every moment it is what the page shows."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from scripted import HOSTILE, REALISTIC, SHORT
from test_card import Elements
from test_fragments import finished_run, runner  # noqa: F401
from test_learn_fragments import Studio, studio  # noqa: F401
from test_replay import slow_run, stretched

from elm_app.core.errors import BadInput, RunError
from elm_app.runs.replay import recording
from elm_app.runs.runner import Runner
from elm_app.web.export.frames import difference, seconds
from elm_app.web.export.offline import offline
from elm_app.web.export.one_file import file_name, one_file
from elm_app.web.export.saving import Saving
from elm_app.web.run import story
from elm_app.web.run.feed import Tail

BREAKS_OUT = "</script><script>window.hacked = 1</script><!-- \u2028 How many?"
_DATA = re.compile(r'<script type="application/json" id="recording">(.*?)</script>', re.DOTALL)


def told(text: str) -> dict[str, Any]:
    """What the player is given."""
    found = _DATA.search(text)
    assert found is not None
    assert "<" not in found[1]
    given = json.loads(found[1])
    assert isinstance(given, dict)
    return given


def edited(old: bytes, edits: list[Any]) -> bytes:
    """A text in UTF-16 after its edits."""
    made, place = b"", 0
    for keep, drop, text in zip(edits[::3], edits[1::3], edits[2::3], strict=True):
        made += old[place : place + 2 * keep] + text.encode("utf-16-le")
        place += 2 * (keep + drop)
    return made + old[place:]


def standing(given: dict[str, Any], at: float) -> dict[str, str]:
    """The slots at a moment, as the player makes them: its offsets count UTF-16 units."""
    slots = dict.fromkeys(given["slots"], b"")
    for moment, changes in given["frames"]:
        for number, *edits in changes if moment <= at else ():
            name = given["slots"][number]
            slots[name] = edited(slots[name], edits)
    return {name: text.decode("utf-16-le") for name, text in slots.items()}


def rewritten(folder: Path, run: str, **changed: Any) -> None:
    """The log with other values in its first event."""
    path = folder / f"{run}.jsonl"
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(json.loads(first) | changed), *rest]) + "\n")


def test_it_asks_for_nothing(runner: Runner) -> None:  # noqa: F811
    text = one_file(runner.folder, slow_run(runner))
    found = Elements(text)
    addresses = {name: value for name, value in found.attributes if re.search(r"https?:|//", value or "")}
    assert [name for name, value in addresses.items() if not (value or "").startswith("data:image/png;base64,")] == []
    assert not [name for name, _ in found.attributes if name.startswith("on") or name in ("src", "srcset", "action")]
    assert {value for name, value in found.attributes if name == "href"} == {
        value for name, value in found.attributes if name == "href" and (value or "").startswith(("data:", "#"))
    }
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    policy = next(value for name, value in found.attributes if name == "content" and "default-src" in (value or ""))
    script = text.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def test_no_text_breaks_out(runner: Runner) -> None:  # noqa: F811
    run = finished_run(runner, [HOSTILE, SHORT])
    rewritten(runner.folder, run, problem=BREAKS_OUT)
    text = one_file(runner.folder, run)
    found = Elements(text)
    assert found.tags.count("script") == 2
    assert not {"img", "iframe", "object", "form"} & set(found.tags)
    for name, fragment in standing(told(text), float("inf")).items():
        inner = Elements(fragment) if name.startswith(("part:", "card:", "block:")) else Elements("")
        assert not {"script", "img", "svg", "style", "button"} & set(inner.tags), name
        assert not [one for one, value in inner.attributes if one.startswith("on") or "javascript" in (value or "")]


def test_at_every_moment_it_is_what_the_page_shows(runner: Runner) -> None:  # noqa: F811
    run = finished_run(runner, ["𝑥 is 𝟚, and 𝟛 boxes.\n\n\\boxed{𝟛}", *REALISTIC])
    run, tail = stretched(runner.folder, run), Tail(runner)
    given, recorded = told(one_file(runner.folder, run)), recording(runner.folder, run)
    assert given["marks"][-1] == given["length"] == seconds(recorded.length, recorded)
    for moment in (recorded.start, *recorded.marks[:3], recorded.length / 2, recorded.length):
        frame = max(at for at, _ in given["frames"] if at <= seconds(moment, recorded))
        answer = tail.answer(run, -1, "me", recorded.start + frame + 1e-4)
        slots = standing(given, frame)
        drawn = {name: offline(text) for name, text in answer["parts"].items() if text}
        assert {name[5:]: text for name, text in slots.items() if name.startswith("part:") and text} == drawn | {
            "status": answer["status"]
        }
        assert slots["state"] == answer["state"]
        for card in answer["cards"]:
            assert slots[f"card:{card['key']}"] == offline(card["shell"])
            assert [slots[f"block:{card['key']}:{place}"] for place, _ in card["blocks"]] == [
                offline(text) for _, text in card["blocks"]
            ]


def test_a_learning_run_is_one_file_too(studio: Studio) -> None:  # noqa: F811
    text = one_file(studio.runner.folder, stretched(studio.runner.folder, studio.learned(steps=2)))
    given = told(text)
    ended = standing(given, float("inf"))
    assert ended["state"] == "done"
    assert ended["part:stored"].startswith("<p><strong>Kept as memory")
    assert "<a " not in ended["part:stored"]
    assert ended["part:charts"].count("<svg") == 2
    assert ended["share"] == "1.000"
    assert [name for name in ended if name.startswith("card:") and ended[name]]
    assert "Step 1 of 2" in {standing(given, mark)["part:status"][:11] for mark in given["marks"]}
    assert 'class="elm-run learns"' in text
    assert 'class="attempts"' not in text, "its cells would ask the program"


def test_without_scripts_it_shows_how_the_run_ended(runner: Runner) -> None:  # noqa: F811
    text = one_file(runner.folder, finished_run(runner))
    page = text.partition("<script")[0]
    assert page.count("<article") == 8
    assert "5 of 8 agree · 2 other answers · 1 without an answer" in page
    assert ">26</span>" in page


def test_a_long_run_is_a_small_file(tmp_path: Path) -> None:
    run = story.scenes()[0].run
    story.bring(run, tmp_path)
    log = (tmp_path / f"{run}.jsonl").stat().st_size
    assert log > 400_000
    assert len(one_file(tmp_path, run).encode()) < log


def test_nothing_of_the_machine_is_in_it(runner: Runner, tmp_path: Path) -> None:  # noqa: F811
    run, place = finished_run(runner, fails=True), tmp_path / "my models" / "mine-0.5B"
    path = runner.folder / f"{run}.jsonl"
    log = path.read_text().replace('"id": "small"', f'"id": "{place}"')
    log = log.replace("Memory ran out with 64 samples.", f"{place}/x is not read; http://host:8000/a neither.")
    path.write_text(log.replace("Lower the samples", "Look at /srv/elm/runs/a.jsonl"))
    rewritten(runner.folder, run, settings={"model": str(place), "samples": 8})
    text = one_file(runner.folder, run)
    for secret in (str(tmp_path), "/srv", "host:8000", "my models", str(Path.home()) + "/"):
        assert secret not in text
    assert "mine-0.5B/x is not read; … neither.</strong> Look at a.jsonl" in text
    assert "mine-0.5B, 4-bit, cpu" in text


def test_what_is_no_such_run_is_a_sentence(runner: Runner) -> None:  # noqa: F811
    with pytest.raises(RunError, match="There is no run 'nothing'"):
        one_file(runner.folder, "nothing")
    run = finished_run(runner)
    rewritten(runner.folder, run, command="stream")
    with pytest.raises(BadInput, match=r"is a stream: only a solved problem or a learning run can be one file\."):
        one_file(runner.folder, run)
    rewritten(runner.folder, run, command="solve")
    path = runner.folder / f"{run}.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(BadInput, match=r"has not ended\."):
        one_file(runner.folder, run)


def test_the_page_gets_the_file_or_a_sentence(runner: Runner) -> None:  # noqa: F811
    run, [save] = finished_run(runner), Saving(runner.folder).functions()
    answer = save({"run": run})
    assert answer["name"] == file_name(run)
    assert Path(answer["file"]).read_text("utf-8") == one_file(runner.folder, run)
    assert save({"run": run})["file"] != answer["file"]
    assert "There is no run &#x27;../secret&#x27;." in save({"run": "../secret"})["error"]
    assert "There is no run to save." in save({})["error"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("", "a"), ("a", ""), ("same", "same"), ("aa", "aaa"), ("aaa", "aa"), ("𝟚", "𝟛"), ("a𝟚b", "a𝟚𝟚b"), ("ab", "ba"),
     ("<p>𝟚", "<p>𝟚</p>"), ("<b>𝟚 1</b><i>2", "<b>𝟚𝟚 2</b><i>3"), ("<b><b>", "<b><i>")],
)  # fmt: skip
def test_edits_make_the_new_text_of_the_old(old: str, new: str) -> None:
    assert edited(old.encode("utf-16-le"), difference(old, new)).decode("utf-16-le") == new
