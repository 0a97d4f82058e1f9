"""Divisors, multiples, remainders and digits."""

from __future__ import annotations

from math import gcd, lcm

from experiments.family import Draw, Told, develop, held_out, sensible


@develop
def meeting_again(draw: Draw) -> Told:
    what, does = draw.one(("trams", "leave the depot"), ("lighthouses", "flash"), ("bells", "ring"),
                          ("fountains", "rise"), ("pumps", "start"), ("signals", "sound"))  # fmt: skip
    first, second, hours = draw.between(6, 24, 2), draw.between(9, 45, 3), draw.between(4, 12)
    both = lcm(first, second)
    sensible(both not in (first, second) and both <= 120 and hours * 60 >= 3 * both)
    return (
        f"Two {what} {does} at the same moment. After that, one does so every {first} minutes and the other every "
        f"{second} minutes. How many more times within the next {hours} hours (the end included) will it happen at the "
        "same moment?"
    ), hours * 60 // both


@develop
def gift_bags(draw: Draw) -> Told:
    who, things = (
        draw.name(),
        draw.some(2, ["pencils", "stickers", "marbles", "balloons", "whistles", "erasers", "shells"]),
    )
    bags, first, second = draw.one(6, 8, 9, 12, 14, 15, 16, 18), draw.between(3, 9), draw.between(2, 8)
    bag, ribbon = draw.between(12, 45), draw.between(6, 19)
    sensible(gcd(first, second) == 1)
    return (
        f"{who} has {bags * first} {things[0]} and {bags * second} {things[1]} and wants to pack as many equal gift "
        f"bags as possible, with nothing left over. An empty bag costs {bag} cents and the ribbon for it {ribbon} "
        "cents. How many cents do all the bags and ribbons cost?"
    ), bags * (bag + ribbon)


@develop
def marching_rows(draw: Draw) -> Told:
    who = draw.one("musicians", "scouts", "dancers", "soldiers", "gymnasts", "pupils")
    first, second, rest = draw.between(4, 9), draw.between(5, 12), draw.between(1, 3)
    both = lcm(first, second)
    least = draw.between(60, 200, 10)
    sensible(gcd(first, second) < min(first, second) and 20 <= both <= 90)
    return (
        f"More than {least} {who} are on a square. In rows of {first} they leave {rest} over, and in rows of {second} "
        f"they leave {rest} over, too. How many {who} are there at least?"
    ), next(count for count in range(least + 1, least + both + 1) if count % both == rest)


@held_out
def collecting_days(draw: Draw) -> Told:
    who, thing = draw.name(), draw.one("coins", "stamps", "cards", "beads", "buttons", "shells")
    middle, step, days = draw.between(11, 40), draw.between(2, 5), draw.one(5, 7)
    sensible(middle > days // 2 * step)
    return (
        f"On {days} days in a row {who} collects {thing}, every day {step} more than on the day before, "
        f"{days * middle} in all. What is the product of the numbers collected on the first and on the last day?"
    ), (middle - days // 2 * step) * (middle + days // 2 * step)


@held_out
def swapped_digits(draw: Draw) -> Told:
    who, what = draw.name(), draw.one("house number", "locker number", "shirt number", "room number", "bus number")
    tens, ones = draw.between(1, 8), draw.between(2, 9)
    sensible(tens < ones)
    return (
        f"The digits of {who}'s two-digit {what} add up to {tens + ones}. With the two digits swapped the number would "
        f"be {9 * (ones - tens)} larger. What is the {what}?"
    ), 10 * tens + ones


@held_out
def every_few(draw: Draw) -> Told:
    kind = draw.one("guests", "customers", "runners", "callers", "subscribers", "visitors")
    first, second, total = draw.between(4, 9), draw.between(4, 12), draw.between(100, 400, 5)
    gifts = draw.some(2, ["a cap", "a pen", "a mug", "a badge", "a poster", "a bag"])
    sensible(lcm(first, second) not in (first, second))
    return (
        f"{total} {kind} come one after the other. Every {first}th of them gets {gifts[0]} and every {second}th gets "
        f"{gifts[1]}, where 'every {first}th' means number {first}, number {2 * first} and so on. How many of the "
        f"{kind} get nothing?"
    ), sum(number % first != 0 and number % second != 0 for number in range(1, total + 1))
