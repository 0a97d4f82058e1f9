"""Fetching a model beside the runs, and how fast a wait goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from scripted_weights import BYTES, Mirror

from elm_app.core.config import ModelSettings
from elm_app.core.errors import WeightsError
from elm_app.core.events import Progress
from elm_app.web.components.wait_rate import Meter, Pace, Wait
from elm_app.web.fetching import Fetching, Weights
from elm_app.web.run import render

BASE, TINY = ModelSettings("base"), ModelSettings("tiny")


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def mirror() -> Mirror:
    return Mirror(seconds=60)


@pytest.fixture
def fetching(mirror: Mirror) -> Iterator[Fetching]:
    made = Fetching(mirror.weights())
    yield made
    made.close()


def test_one_download_however_often_it_is_asked_for(fetching: Fetching, mirror: Mirror) -> None:
    assert fetching.wait() is None
    for _ in range(3):
        fetching.start(BASE)
    until(lambda: mirror.done > 0)
    wait = fetching.wait()
    assert wait is not None
    assert wait.progress.total == BYTES
    mirror.seconds = 0.1
    until(lambda: fetching.wait() is None)
    assert (mirror.asked, mirror.here(BASE), fetching.left(BASE)) == (1, True, None)


def test_stopped_it_says_where_and_goes_on_from_there(fetching: Fetching, mirror: Mirror) -> None:
    assert not fetching.stop()
    fetching.start(BASE)
    until(lambda: mirror.done > 0)
    fetching.close()
    left = fetching.left(BASE)
    assert isinstance(left, Progress)
    assert 0 < mirror.done < BYTES
    assert fetching.left(TINY) is None  # of another model there is nothing to say
    mirror.seconds = 0.1
    fetching.start(BASE)
    until(lambda: mirror.here(BASE))
    until(lambda: fetching.left(BASE) is None)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (WeightsError("No mirror answers.", "Check the connection."), "No mirror answers. Check the connection."),
        (ValueError("x"), "The model cannot be fetched (ValueError: x)."),
    ],
)
def test_what_goes_wrong_is_kept(error: Exception, told: str) -> None:
    def fails(*_: object) -> None:
        raise error

    fetching = Fetching(Weights(Mirror().weights().choice, lambda _: False, fails))
    fetching.start(BASE)
    until(lambda: fetching.wait() is None)
    assert str(fetching.left(BASE)) == told


def test_a_download_in_parts_has_one_speed_and_another_wait_begins_anew() -> None:
    meter = Meter()
    for second in range(4):
        meter.take(second, Progress("download", f"Fetching it, part {second}", second * 10e6, 100e6, "B"))
    assert meter.pace() == Pace(10e6)
    meter.take(4, Progress("download", "Fetching it, part 4", 29e6, 100e6, "B"))  # what is half there was moved
    assert meter.pace() == Pace(29e6 / 4)
    meter.take(4, Progress("verify", "Checking it", 30e6, 100e6, "B"))
    assert meter.pace() == Pace()
    meter.take(5, Progress("verify", "Checking it", 50e6, 100e6, "B"))
    assert meter.pace() == Pace(20e6)
    meter.take(6, Progress("verify", "Checking it", 0, 100e6, "B"))  # from the beginning
    assert meter.pace() == Pace()


def test_only_the_last_seconds_count() -> None:
    meter = Meter()
    for second in range(30):
        meter.take(
            second, Progress("download", "", 1e6 * (second if second < 15 else 15 + 3 * (second - 15)), 1e9, "B")
        )
    assert meter.pace() == Pace(3e6)


def test_the_line_says_how_far_how_fast_and_how_long_yet() -> None:
    told = render.coming(Wait(Progress("download", "Fetching <it>", 212e6, 491.4e6, "B"), Pace(20e6)))
    assert "Fetching &lt;it&gt; · 212 of 491 MB · 20 MB/s · 14 s left" in told
    assert 'aria-valuenow="43"' in told
    assert "unknown" in render.coming(Wait(Progress("download", "Asking", 0, 0), Pace()))
