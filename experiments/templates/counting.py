"""How many there are: choices, pairs, rows and gaps."""

from __future__ import annotations

from math import comb

from experiments.family import Draw, Told, develop, held_out, sensible, whole


@develop
def outfits(draw: Draw) -> Told:
    who, worn = draw.name(), draw.between(11, 45)
    top, shoe = draw.one("shirt", "sweater", "blouse"), draw.one("shoes", "boots", "sandals")
    tops, skirts, trousers, shoes = draw.between(4, 9), draw.between(3, 6), draw.between(2, 6), draw.between(2, 5)
    return (
        f"{who} has {tops} different {top}s, {skirts} different skirts, {trousers} different pairs of trousers and "
        f"{shoes} different pairs of {shoe}. An outfit is one {top}, either a skirt or a pair of trousers, and one "
        f"pair of {shoe}. {who} has worn {worn} of the possible outfits already. How many are left?"
    ), whole(tops * (skirts + trousers) * shoes - worn)


@develop
def round_robin(draw: Draw) -> Told:
    game = draw.one("handball", "chess", "table tennis", "football", "volleyball", "badminton", "hockey")
    first, second, minutes = draw.between(5, 9), draw.between(4, 8), draw.between(15, 40, 5)
    sensible(first != second)
    games = comb(first, 2) + comb(second, 2) + first * second
    fields = draw.one(2, 3, 4)
    sensible(games % fields == 0)
    return (
        f"{first} teams from the north and {second} teams from the south play a {game} tournament in which every team "
        f"plays once against every other team. A match takes {minutes} minutes, and {fields} matches are always played "
        "at the same time, one straight after the other. How many minutes does the tournament take?"
    ), games // fields * minutes


@develop
def theatre_rows(draw: Draw) -> Told:
    place = draw.one("theatre", "lecture hall", "stadium block", "cinema", "circus tent", "opera house")
    first, more, rows = draw.between(12, 30), draw.between(2, 5), draw.between(8, 20)
    kept, price = draw.between(10, 40), draw.between(6, 15)
    seats = rows * first + more * rows * (rows - 1) // 2
    return (
        f"In a {place} the first row has {first} seats and every further row has {more} more than the row before it. "
        f"There are {rows} rows. {kept} seats are kept free, and all others are sold at ${price} each. How many "
        "dollars do the tickets bring in?"
    ), (seats - kept) * price


@held_out
def door_codes(draw: Draw) -> Told:
    what = draw.one("lockers", "door codes", "bike tags", "luggage labels", "vouchers", "membership cards")
    letters, digits, used = draw.between(4, 9), draw.between(5, 9), draw.between(20, 90)
    return (
        f"For {what} a firm uses labels of one letter followed by three digits, where the letter is one of {letters} "
        f"chosen letters and the digits are taken from {digits} chosen digits. No digit stands twice in a label. "
        f"{used} of the possible labels are in use already. How many are still free?"
    ), letters * digits * (digits - 1) * (digits - 2) - used


@held_out
def committee(draw: Draw) -> Told:
    what = draw.one("a committee", "a quiz team", "a jury", "a delegation", "a working group", "a relay team")
    girls, boys = draw.between(5, 10), draw.between(4, 9)
    sensible(girls != boys)
    return (
        f"A class of {girls} girls and {boys} boys chooses {what} of two girls and two boys. The oldest girl has to be "
        "in it. In how many different ways can the four be chosen?"
    ), (girls - 1) * comb(boys, 2)


@held_out
def trees_and_bushes(draw: Draw) -> Told:
    road = draw.one("road", "canal", "avenue", "promenade", "railway path", "dike")
    gap, gaps, bushes = draw.between(6, 15), draw.between(10, 30), draw.between(2, 5)
    tree, bush = draw.between(15, 40), draw.between(3, 9)
    return (
        f"Along one side of a straight {road}, {gap * gaps} m long, a tree is planted every {gap} m, with a tree at "
        f"both ends. Between every two neighbouring trees stand {bushes} bushes. A tree costs ${tree} and a bush "
        f"${bush}. How many dollars do trees and bushes cost together?"
    ), (gaps + 1) * tree + gaps * bushes * bush
