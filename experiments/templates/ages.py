"""How old people are, were and will be."""

from __future__ import annotations

from fractions import Fraction

from experiments.family import Draw, Told, develop, held_out, sensible, whole


@develop
def times_as_old(draw: Draw) -> Told:
    old, young = draw.name(), draw.name()
    kin = draw.one("teacher", "neighbour", "coach", "dentist", "trainer", "landlord")
    times, age, years = draw.between(3, 6), draw.between(5, 13), draw.between(4, 15)
    return (
        f"{young}'s {kin} {old} is {times} times as old as {young}. In {years} years their ages together will be "
        f"{(times + 1) * age + 2 * years}. How old will {old} be in {years} years?"
    ), times * age + years


@develop
def three_siblings(draw: Draw) -> Told:
    first, second, third = draw.name(), draw.name(), draw.name()
    young, older, ago = draw.between(6, 14), draw.between(2, 9), draw.between(2, 5)
    middle = 2 * young
    return (
        f"{first} is {older} years older than {second}, and {second} is twice as old as {third}. {ago} years ago the "
        f"three were {middle + older + middle + young - 3 * ago} years old together. How old is {first} now?"
    ), middle + older


@develop
def when_twice(draw: Draw) -> Told:
    parent, child, kin = draw.name(), draw.name(), draw.one("parent", "cousin", "neighbour", "teacher", "guardian")
    age, gap, times = draw.between(3, 12), draw.between(22, 38), draw.one(2, 3)
    then = whole(gap, times - 1)
    sensible(then > age + 2)
    return (
        f"{child} is {age} years old. When {child} was born, {child}'s {kin} {parent} was {gap}. In how many years "
        f"will {parent} be exactly {times} times as old as {child}?"
    ), then - age


@held_out
def years_ago(draw: Draw) -> Told:
    first, second = draw.name(), draw.name()
    ago, times, then, ahead = draw.between(3, 9), draw.between(2, 5), draw.between(4, 12), draw.between(3, 12)
    return (
        f"{ago} years ago {first} was {times} times as old as {second}. {second} is {then + ago} years old today. How "
        f"old will {first} and {second} be together {ahead} years from today?"
    ), (times + 1) * then + 2 * (ago + ahead)


@held_out
def family_average(draw: Draw) -> Told:
    name, children, mean = draw.name(), draw.between(3, 5), draw.between(6, 14)
    father, mother, years = draw.between(34, 52), draw.between(34, 52), draw.between(2, 9)
    sensible(father != mother)
    return (
        f"{name} and the other children of the family, {children} in all, are {mean} years old on average. Their "
        f"father is {father} and their mother {mother}. What will be the average age of these {children + 2} people in "
        f"{years} years?"
    ), Fraction(whole(children * mean + father + mother, children + 2) + years)


@held_out
def generations(draw: Draw) -> Told:
    child, parent, grandparent = draw.name(), draw.name(), draw.name()
    first, second, age, years = draw.between(19, 31), draw.between(20, 33), draw.between(4, 16), draw.between(3, 12)
    sensible(first != second)
    return (
        f"{grandparent} was {first} years old when {parent}, a child of {grandparent}'s, was born. {parent} was "
        f"{second} when {child}, a child of {parent}'s, was born. {child} is {age} today. In {years} years, how old "
        "will the three be together?"
    ), (age + years) + (age + years + second) + (age + years + second + first)
