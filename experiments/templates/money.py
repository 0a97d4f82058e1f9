"""Buying, selling, earning and saving."""

from __future__ import annotations

from fractions import Fraction

from experiments.family import Draw, Told, develop, held_out, sensible, whole

NTH = {3: "third", 4: "fourth", 5: "fifth"}


@develop
def market_stall(draw: Draw) -> Told:
    who, fruit = draw.name(), draw.one("peaches", "plums", "pears", "mangoes", "lemons", "kiwis", "figs", "apricots")
    crates, each, cost = draw.between(4, 9), draw.between(24, 60, 6), draw.between(8, 15)
    bad, bag, price = draw.between(5, 30), draw.between(4, 8), draw.between(2, 5)
    bags = whole(crates * each - bad, bag)
    return (
        f"{who} buys {crates} crates of {fruit} at ${cost} a crate. There are {each} {fruit} in each crate. {bad} of "
        f"all the {fruit} turn out to be rotten and are thrown away. The rest is packed into bags of {bag}, and every "
        f"bag is sold for ${price}. How many dollars of profit does {who} make?"
    ), whole(bags * price - crates * cost)


@develop
def overtime(draw: Draw) -> Told:
    who, place = draw.name(), draw.one("a bakery", "a garage", "a hotel", "a laundry", "a nursery", "a print shop")
    wage, usual, hours = draw.between(12, 24, 2), draw.between(32, 40), draw.between(42, 52)
    fare, days = draw.between(3, 7), draw.one(5, 6)
    return (
        f"{who} works at {place} for ${wage} an hour. Every hour beyond {usual} hours in a week is paid one and a half "
        f"times as much. Last week {who} worked {hours} hours on {days} days and paid ${fare} for the bus on each of "
        "these days. How many dollars of last week's wages were left after paying for the bus?"
    ), wage * usual + whole((hours - usual) * wage * 3, 2) - fare * days


@develop
def saving_up(draw: Draw) -> Told:
    who, thing = draw.name(), draw.one("bicycle", "guitar", "camera", "tent", "telescope", "skateboard", "keyboard")
    start, weekly, treat = draw.between(15, 60), draw.between(12, 25), draw.between(8, 30)
    every, treats, price = draw.between(3, 5), draw.between(3, 6), draw.between(300, 600, 5)
    return (
        f"{who} wants to buy a {thing} for ${price}. {who} has ${start} and puts aside ${weekly} a week, but takes "
        f"${treat} out again for a treat at the end of every {NTH[every]} week. How many dollars are still missing "
        f"after {every * treats} weeks?"
    ), whole(price - start - weekly * every * treats + treat * treats)


@held_out
def museum_tickets(draw: Draw) -> Told:
    place = draw.one("museum", "zoo", "castle", "aquarium", "planetarium", "botanical garden", "lighthouse")
    adult, child = draw.between(9, 16), draw.between(4, 8)
    adults, children, guide = draw.between(6, 20), draw.between(15, 40), draw.between(20, 60, 5)
    return (
        f"A group of {adults + children} people visits a {place}. A ticket costs ${adult} for an adult and ${child} "
        f"for a child, and the group also pays ${guide} for a guide. Altogether they pay "
        f"${adult * adults + child * children + guide}. How many children are in the group?"
    ), children


@held_out
def phone_bill(draw: Draw) -> Told:
    who, fee, free = draw.name(), draw.between(12, 25), draw.between(100, 200, 10)
    cents, spring, summer = draw.one(5, 8, 10, 12, 15), draw.between(150, 400), draw.between(150, 400)
    sensible(spring > free and summer > free)
    return (
        f"{who} pays ${fee} a month for a phone, which includes {free} minutes of calls. Each further minute costs "
        f"{cents} cents. In April {who} called for {spring} minutes and in May for {summer} minutes. How many dollars "
        f"did {who} pay for these two months together?"
    ), 2 * fee + Fraction(whole((spring + summer - 2 * free) * cents, 10), 10)


@held_out
def cake_sale(draw: Draw) -> Told:
    club = draw.one("chess club", "choir", "drama club", "rowing team", "school band", "hiking group", "robot club")
    cakes, slices, price = draw.between(8, 15), draw.between(8, 12, 2), draw.between(2, 4)
    left, cost, goal = draw.between(3, 14), draw.between(5, 9), draw.between(300, 500, 10)
    return (
        f"For a sale the {club} bakes {cakes} cakes; the ingredients of one cake cost ${cost}. Every cake is cut into "
        f"{slices} slices and a slice is sold for ${price}. In the end {left} slices are left over and given away. The "
        f"{club} needs ${goal} for a trip. How many dollars are still missing after paying for the ingredients?"
    ), whole(goal - (cakes * slices - left) * price + cakes * cost)
