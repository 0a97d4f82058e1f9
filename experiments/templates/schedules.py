"""Clocks, calendars, timetables and shifts."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from experiments.family import Draw, Told, develop, held_out, sensible, whole

MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905


def clock(minutes: int) -> str:
    """Minutes after midnight as the time of day.

    >>> clock(485)
    '8:05'
    """
    return f"{minutes // 60}:{minutes % 60:02}"


@develop
def shuttle(draw: Draw) -> Told:
    what, every, more = (
        draw.one("bus", "ferry", "cable car", "tram", "boat"),
        draw.one(15, 20, 30, 40),
        draw.between(9, 25),
    )
    first, seats, empty = draw.between(360, 540, 30), draw.between(20, 60), draw.between(25, 150)
    sensible(first + more * every < 1380)
    return (
        f"The first {what} of the day leaves at {clock(first)}, then one leaves every {every} minutes, the last one at "
        f"{clock(first + more * every)}. Each has {seats} seats. Today {empty} seats stayed empty over the whole day. "
        "How many seats were taken?"
    ), (more + 1) * seats - empty


@develop
def school_day(draw: Draw) -> Told:
    who, start = draw.name(), draw.between(455, 510, 5)
    lessons, length = draw.between(5, 8), draw.between(35, 50, 5)
    short, lunch, way = draw.between(5, 10), draw.between(25, 45, 5), draw.between(11, 39)
    end = start + lessons * length + (lessons - 2) * short + lunch + way
    sensible(end > 725)
    return (
        f"{who}'s school begins at {clock(start)}. There are {lessons} lessons of {length} minutes. Between two "
        f"lessons there is a break of {short} minutes, but one of these breaks, for lunch, is {lunch} minutes long "
        f"instead. The way home after the last lesson takes {who} {way} minutes. How many minutes after noon (12:00) "
        f"is {who} at home?"
    ), whole(end - 720)


@develop
def weekly_shifts(draw: Draw) -> Told:
    who, work = draw.name(), draw.one("baker", "nurse", "guard", "driver", "cook", "librarian", "florist")
    start, end = draw.between(300, 480, 15), draw.between(780, 990, 15)
    pause, saturday, wage = draw.between(15, 60, 15), draw.between(3, 6), draw.between(12, 28)
    minutes = 5 * (end - start - pause)
    return (
        f"{who} is a {work}. From Monday to Friday {who} works from {clock(start)} to {clock(end)} with a break of "
        f"{pause} minutes that is not paid, and on Saturday for {saturday} hours without a break. An hour is paid with "
        f"${wage}, and on Saturday with ${wage + 4}. How many dollars does {who} earn in a week?"
    ), whole(Fraction(minutes * wage, 60)) + saturday * (wage + 4)


@held_out
def medicine(draw: Draw) -> Told:
    who, what = draw.name(), draw.one("tablets", "capsules", "drops", "pills", "pastilles")
    every, days, each, box = draw.one(3, 4, 6, 8), draw.between(5, 14), draw.between(2, 4), draw.between(10, 30, 2)
    taken = 24 // every * each * days
    sensible(taken % box != 0)
    return (
        f"For {days} days {who} takes {each} {what} every {every} hours, day and night. The {what} come in packs of "
        f"{box}, and {who} gets as many packs as are needed. How many {what} are left over in the end?"
    ), -taken % box


@held_out
def reading_days(draw: Draw) -> Told:
    who, kind = draw.name(), draw.one("novel", "biography", "dictionary", "saga", "manual", "diary")
    first = date(2023, 1, 1) + timedelta(draw.between(40, 200))
    last = first + timedelta(draw.between(35, 75))
    daily, skipped, left = draw.between(6, 18), draw.between(3, 9), draw.between(15, 95)
    days = (last - first).days + 1
    sensible(first.month != last.month)
    return (
        f"{who} reads {daily} pages of a {kind} every day from {MONTHS[first.month - 1]} {first.day} to "
        f"{MONTHS[last.month - 1]} {last.day}, both days included, except on {skipped} days without time for it. After "
        f"that {left} pages are left. How many pages does the {kind} have?"
    ), (days - skipped) * daily + left


@held_out
def slow_train(draw: Draw) -> Told:
    town, speed = draw.one("Northport", "Eastbridge", "Lakeview", "Millford", "Sandby"), draw.between(60, 120, 10)
    way, stops, stop, start = (
        draw.between(120, 420, 10),
        draw.between(3, 9),
        draw.between(2, 6),
        draw.between(360, 600, 5),
    )
    end = start + whole(way * 60, speed) + stops * stop
    sensible(end > 725)
    return (
        f"A train leaves at {clock(start)} for {town}, {way} km away. While it moves, it goes at {speed} km/h, and it "
        f"stops {stops} times on the way for {stop} minutes each. How many minutes after noon (12:00) does it arrive?"
    ), end - 720
