from __future__ import annotations

import json
from pathlib import Path

import pytest

from elm_app.answers.imported_traces import GivenTrace, read_traces, vote_traces
from elm_app.core.errors import BadInput

GOOD = json.dumps({"text": r"so \boxed{72}"})


def test_rows() -> None:
    file = read_traces(
        [GOOD, '{"text": "x", "answer": "5"}', '{"text": "no idea"}', '{"text": "", "answer": null, "more": 1}']
    )
    assert file.traces == (
        GivenTrace(r"so \boxed{72}", "72"),
        GivenTrace("x", "5"),
        GivenTrace("no idea", None),
        GivenTrace("", None),
    )
    assert file.bad == ()


def test_a_given_answer_overrides() -> None:
    rows = [json.dumps({"text": r"\boxed{1}", "answer": answer}) for answer in ("2", 3, 4.5, " ", None)]
    assert [trace.answer for trace in read_traces(rows).traces] == ["2", "3", "4.5", None, "1"]


def test_a_file_from_windows(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode() + b"\r\n\r\n" + GOOD.encode() + b"\r\n")
    with path.open(encoding="utf-8") as lines:
        assert len(read_traces(lines).traces) == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{", "not JSON"),
        ("text", "not JSON"),
        ('{"text": NaN}', "not JSON: there is no NaN"),
        ("[" * 100_000, "nested too deeply"),
        ('{"text": "x", "answer": ' + "9" * 5000 + "}", "not JSON"),
        ("[]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ("null", "not a JSON object"),
        ("{}", 'no "text"'),
        ('{"text": 5}', '"text" is not a string'),
        ('{"text": null}', '"text" is not a string'),
        ('{"text": "x", "answer": true}', '"answer" is neither'),
        ('{"text": "x", "answer": ["5"]}', '"answer" is neither'),
    ],
)
def test_bad_rows(row: str, reason: str) -> None:
    lines = [GOOD, "", row, "   ", GOOD]
    file = read_traces(lines, skip_bad=True)
    assert len(file.traces) == 2
    assert [bad.number for bad in file.bad] == [3]
    assert file.bad[0].reason.startswith(reason)
    with pytest.raises(BadInput, match="1 bad row: row 3: ") as raised:
        read_traces(lines)
    assert raised.value.exit_code == 2
    assert "the 2 good ones can go on" in raised.value.remedy
    assert len(str(raised.value)) < 500


def test_many_bad_rows_are_not_all_listed() -> None:
    with pytest.raises(BadInput, match=r"^20 bad rows: row 1: .*row 5: .*; and 15 more\.") as raised:
        read_traces(["{}"] * 20)
    assert "row 6" not in str(raised.value)


@pytest.mark.parametrize("lines", [[], ["", "\n", "\r\n"], ["\N{BYTE ORDER MARK}"]])
def test_no_rows(lines: list[str]) -> None:
    with pytest.raises(BadInput, match="no trace"):
        read_traces(lines, skip_bad=True)


def test_no_good_row() -> None:
    with pytest.raises(BadInput, match="2 bad rows"):
        read_traces(["{", "{"], skip_bad=True)


def test_not_text(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    path.write_bytes(b"\xff\xfe\x00garbage")
    with path.open(encoding="utf-8") as lines, pytest.raises(BadInput, match="UTF-8"):
        read_traces(lines)


def test_half_characters_are_replaced() -> None:
    trace = read_traces([r'{"text": "\ud800 \\boxed{\ud83d\ude00 \udfff}"}']).traces[0]
    assert trace.answer == "😀 \N{REPLACEMENT CHARACTER}"
    trace.text.encode()


def test_vote() -> None:
    rows = [GOOD, "{", '{"text": "The answer is 72.0."}', '{"text": "?"}', '{"text": "", "answer": "5"}']
    result = vote_traces(read_traces(rows, skip_bad=True))
    assert json.loads(json.dumps(result)) == {
        "vote": {
            "answer": "72",
            "agreement": 0.5,
            "counts": [{"answer": "72", "count": 2, "traces": [0, 1]}, {"answer": "5", "count": 1, "traces": [3]}],
            "abstained": 1,
            "tied": False,
        },
        "traces": [
            {"index": 0, "answer": "72"},
            {"index": 1, "answer": "72.0"},
            {"index": 2, "answer": None},
            {"index": 3, "answer": "5"},
        ],
        "bad_rows": [{"number": 2, "reason": result["bad_rows"][0]["reason"]}],
    }
