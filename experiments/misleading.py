"""A family of problems with a tempting wrong answer, to see whether wrong majorities are learned.

Each kind has an answer that comes to mind and is wrong, for one reason. Where a model falls for it, its majority is
wrong with confidence, and the method's reward teaches the error. Writes JSON lines with the right answer, and the
tempting one besides:

    python experiments/misleading.py > misleading.jsonl
    python -m elm_app bench misleading.jsonl --methods zero_shot,elm,elm_gold_reward --out out

The report's label accuracy says how often the majorities that were learned from were right.
"""

from __future__ import annotations

import json
from collections.abc import Iterator


def average_speed() -> Iterator[tuple[str, str, str]]:
    """The mean of the speeds tempts; the mean over time is right."""
    for there, back in ((30, 60), (40, 60), (20, 30), (60, 90)):
        text = (
            f"Anna drives to a lake at {there} km/h and returns on the same road at {back} km/h. "
            "What is her average speed for the whole trip in km/h?"
        )
        yield text, str(2 * there * back // (there + back)), str((there + back) // 2)


def before_the_discount() -> Iterator[tuple[str, str, str]]:
    """Adding the percentage back tempts; dividing is right."""
    for percent, price in ((20, 80), (25, 60), (10, 45), (50, 30)):
        text = f"After a discount of {percent}% a jacket costs {price} dollars. How many dollars did it cost before?"
        yield text, str(price * 100 // (100 - percent)), f"{price * (100 + percent) / 100:g}"


def fence_posts() -> Iterator[tuple[str, str, str]]:
    """The number of gaps tempts; there is one post more."""
    for length, gap in ((100, 10), (60, 5), (48, 4), (90, 3)):
        text = (
            f"A straight fence is {length} metres long and has a post every {gap} metres, "
            "one at each end. How many posts are there?"
        )
        yield text, str(length // gap + 1), str(length // gap)


def cuts() -> Iterator[tuple[str, str, str]]:
    """Time in proportion to the pieces tempts; it is in proportion to the cuts."""
    for pieces, minutes, more in ((4, 12, 8), (3, 10, 6), (5, 8, 10), (2, 7, 4)):
        text = (
            f"Sawing a log into {pieces} pieces takes {minutes} minutes. Every cut takes equally long. "
            f"How many minutes does it take to saw such a log into {more} pieces?"
        )
        yield text, str(minutes // (pieces - 1) * (more - 1)), str(minutes * more // pieces)


def snail() -> Iterator[tuple[str, str, str]]:
    """Depth divided by a day's gain tempts; on the last day it does not slide back."""
    for depth, up, down in ((10, 3, 2), (20, 5, 3), (12, 4, 2), (30, 6, 4)):
        text = (
            f"A snail sits at the bottom of a well {depth} metres deep. By day it climbs {up} metres, "
            f"by night it slides back {down} metres. On which day does it reach the top?"
        )
        days = -(-(depth - up) // (up - down)) + 1
        yield text, str(days), str(-(-depth // (up - down)))


def bat_and_ball() -> Iterator[tuple[str, str, str]]:
    """The difference taken from the sum tempts; half of that is right."""
    for total, more in ((110, 100), (250, 200), (60, 50), (130, 90)):
        text = (
            f"A bat and a ball cost {total} cents together. The bat costs {more} cents more than the ball. "
            "How many cents does the ball cost?"
        )
        yield text, str((total - more) // 2), str(total - more)


KINDS = (average_speed, before_the_discount, fence_posts, cuts, snail, bat_and_ball)


def problems() -> Iterator[dict[str, str]]:
    """The rows, kinds taking turns."""
    made = [list(kind()) for kind in KINDS]
    for place in range(len(made[0])):
        for kind, rows in zip(KINDS, made, strict=True):
            text, right, tempting = rows[place]
            yield {
                "id": f"{kind.__name__}-{place + 1}",
                "problem": text,
                "answer": right,
                "tempting": tempting,
                "source": "misleading",
            }


if __name__ == "__main__":
    for row in problems():
        print(json.dumps(row))
