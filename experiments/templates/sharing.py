"""Fractions of a whole, parts in a ratio, giving and taking."""

from __future__ import annotations

from fractions import Fraction

from experiments.family import Draw, Told, develop, held_out, sensible, whole


@develop
def spent_in_parts(draw: Draw) -> Told:
    who, things = draw.name(), draw.some(3, ["books", "paint", "music lessons", "shoes", "games", "tools", "plants"])
    first, top, under = draw.between(3, 6), draw.between(1, 3), draw.between(4, 7)
    start, last = draw.between(60, 480, 12), draw.between(5, 40)
    sensible(Fraction(top, under).denominator == under)
    after = whole(start * (first - 1), first)
    left = whole(Fraction(after * (under - top), under) - last)
    return (
        f"{who} spends 1/{first} of the holiday money on {things[0]}, then {top}/{under} of what is left on "
        f"{things[1]}, and then ${last} on {things[2]}. Now ${left} are left. How many dollars was the holiday money?"
    ), start


@develop
def ratio_of_three(draw: Draw) -> Told:
    names, what = [draw.name(), draw.name(), draw.name()], draw.one("a prize", "an inheritance", "a reward", "a bonus")
    less, more, other = draw.some(3, range(2, 10))
    scale = draw.between(6, 30)
    sensible(more > less)
    return (
        f"{names[0]}, {names[1]} and {names[2]} share {what} in the ratio {less} : {more} : {other}. {names[1]} gets "
        f"${(more - less) * scale} more than {names[0]}. How many dollars do the three get together?"
    ), (less + more + other) * scale


@develop
def giving_away(draw: Draw) -> Told:
    first, second, what = (
        draw.name(),
        draw.name(),
        draw.one("marbles", "stickers", "cards", "coins", "shells", "comics"),
    )
    times, few, given = draw.between(3, 6), draw.between(12, 40), draw.between(4, 20)
    ahead = (times - 1) * few - 2 * given
    sensible(ahead > 5)
    return (
        f"{first} has {times} times as many {what} as {second}. {first} gives {given} of them to {second} and still "
        f"has {ahead} more than {second}. How many {what} do they have together?"
    ), (times + 1) * few


@held_out
def pizza_party(draw: Draw) -> Told:
    what, pieces = draw.one("pizzas", "pies", "quiches", "tarts", "cakes"), draw.one(6, 8, 10, 12)
    count, children, each = draw.between(9, 18), draw.between(6, 15), draw.between(2, 4)
    top, under = draw.one((1, 2), (1, 3), (2, 3), (3, 4), (2, 5))
    rest = whole(count * pieces - children * each)
    return (
        f"For a party {count} {what} are cut into {pieces} pieces each. {children} children eat {each} pieces each. "
        f"The grown-ups eat {top}/{under} of the pieces that the children left. Half of what is then left is taken "
        "home by guests. How many pieces remain?"
    ), whole(rest * (1 - Fraction(top, under)), 2)


@held_out
def bookshelf(draw: Draw) -> Told:
    place = draw.one("library", "school", "bookshop", "youth club", "hospital", "train station")
    kinds = draw.some(3, ["novels", "comics", "travel guides", "cookbooks", "poetry books", "biographies"])
    first, second = draw.one(Fraction(2, 5), Fraction(3, 8), Fraction(1, 4), Fraction(3, 7)), draw.one(
        Fraction(1, 3), Fraction(2, 5), Fraction(3, 4), Fraction(2, 3))  # fmt: skip
    total = draw.between(120, 900, 20)
    one = whole(first * total)
    two = whole(second * (total - one))
    return (
        f"Of the books of a {place} {first} are {kinds[0]}. Of the others {second} are {kinds[1]}, and the remaining "
        f"{total - one - two} are {kinds[2]}. How many more {kinds[1]} than {kinds[2]} are there?"
    ), whole(2 * two - (total - one))


@held_out
def half_empty(draw: Draw) -> Told:
    who, what = draw.name(), draw.one("oil tank", "rain barrel", "milk tank", "petrol tank", "wine cask", "water tower")
    high, low = draw.one(Fraction(3, 4), Fraction(5, 6), Fraction(7, 8), Fraction(4, 5)), draw.one(
        Fraction(1, 4), Fraction(1, 3), Fraction(2, 5), Fraction(3, 8))  # fmt: skip
    volume, cans, price = draw.between(120, 960, 24), draw.between(4, 16), draw.between(2, 5)
    can = whole((high - low) * volume, cans)
    sensible(5 <= can <= 60)
    return (
        f"A {what} is {high} full. After {who} has filled {cans} cans of {can} litres each from it, it is still {low} "
        f"full. {who} now has it filled up completely, at ${price} a litre. How many dollars does that cost?"
    ), whole((1 - low) * volume) * price
