"""Clocks, calendars, timetables and shifts."""

from __future__ import annotations

from experiments.family import Draw, Told, develop, held_out, sensible, whole


def clock(minutes: int) -> str:
    """Minutes after midnight as the time of day.

    >>> clock(485)
    '8:05'
    """
    return f"{minutes // 60}:{minutes % 60:02}"


@develop
def shuttle(draw: Draw) -> Told:
    what, every, hours = (
        draw.one("bus", "ferry", "cable car", "tram", "boat"),
        draw.one(10, 15, 20, 30),
        draw.between(4, 9),
    )
    first, seats, empty = draw.between(360, 540, 30), draw.between(20, 60), draw.between(25, 150)
    return (
        f"Between {clock(first)} and {clock(first + hours * 60)} a {what} leaves every {every} minutes, for the first "
        f"time at {clock(first + every)} and for the last time at {clock(first + hours * 60)}. Each has {seats} seats. "
        f"Today {empty} seats stayed empty over the whole time. How many seats were taken?"
    ), hours * 60 // every * seats - empty


@develop
def school_day(draw: Draw) -> Told:
    who, lessons, length = draw.name(), draw.between(5, 8), draw.between(35, 50, 5)
    short, lunch, way = draw.between(5, 10), draw.between(25, 45, 5), draw.between(11, 39)
    return (
        f"{who} has {lessons} lessons of {length} minutes at school. Between two lessons there is always a break: "
        f"once, for lunch, it is {lunch} minutes long, otherwise {short} minutes. {who} needs {way} minutes to get to "
        f"school and as long to get home. How many minutes is {who} away from home?"
    ), lessons * length + (lessons - 2) * short + lunch + 2 * way


@develop
def weekly_shifts(draw: Draw) -> Told:
    who, work = draw.name(), draw.one("baker", "nurse", "guard", "driver", "cook", "librarian", "florist")
    start, hours, pause = draw.between(5, 8), draw.between(6, 10), draw.one(30, 60)
    saturday, wage, extra = draw.between(3, 6), draw.between(12, 28), draw.between(2, 6)
    return (
        f"{who} is a {work}. From Monday to Friday {who} works from {start}:00 to {start + hours}:00 with a break of "
        f"{pause} minutes that is not paid, and on Saturday for {saturday} hours without a break. An hour is paid with "
        f"${wage}, and on Saturday with ${wage + extra}. How many dollars does {who} earn in a week?"
    ), whole(5 * (hours * 60 - pause) * wage, 60) + saturday * (wage + extra)


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
    month, first, last = draw.one("March", "May", "July", "August", "October"), draw.between(2, 9), draw.between(18, 31)
    daily, skipped, left = draw.between(6, 18), draw.between(3, 9), draw.between(15, 95)
    return (
        f"{who} reads {daily} pages of a {kind} every day from {month} {first} to {month} {last}, both days included, "
        f"except on {skipped} days without time for it. After that {left} pages are left. How many pages does the "
        f"{kind} have?"
    ), (last - first + 1 - skipped) * daily + left


@held_out
def slow_train(draw: Draw) -> Told:
    town, speed = draw.one("Northport", "Eastbridge", "Lakeview", "Millford", "Sandby"), draw.between(60, 120, 10)
    way, stops, stop, signal = draw.between(120, 420, 10), draw.between(3, 9), draw.between(2, 6), draw.between(7, 25)
    return (
        f"A train goes to {town}, {way} km away. While it moves, it goes at {speed} km/h. It stops {stops} times on "
        f"the way for {stop} minutes each, and once it waits {signal} minutes at a signal. How many minutes does the "
        "way take?"
    ), whole(way * 60, speed) + stops * stop + signal
