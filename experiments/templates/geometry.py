"""Lengths, areas and volumes."""

from __future__ import annotations

from fractions import Fraction

from experiments.family import Draw, Told, develop, held_out, sensible, whole


@develop
def tiled_floor(draw: Draw) -> Told:
    room = draw.one("kitchen", "bathroom", "hall", "terrace", "laundry", "workshop", "balcony", "pantry")
    side, long, wide = draw.one(20, 25, 40, 50), draw.between(8, 24), draw.between(6, 20)
    box, price = draw.between(6, 15), draw.between(14, 35)
    tiles = long * wide
    sensible(tiles % box != 0 and long > wide and long * side % 10 == 0 and wide * side % 10 == 0)
    return (
        f"The floor of a {room} is {long * side} cm long and {wide * side} cm wide. It is covered with square tiles of "
        f"{side} cm by {side} cm. The tiles are sold in boxes of {box}, only whole boxes, at ${price} a box. How many "
        "dollars do the tiles cost?"
    ), -(-tiles // box) * price


@develop
def path_round(draw: Draw) -> Told:
    what = draw.one("pool", "lawn", "flower bed", "pond", "playground", "sandpit", "greenhouse")
    long, wide, path, price = draw.between(8, 28), draw.between(6, 20), draw.between(1, 4), draw.between(5, 30)
    sensible(long > wide)
    return (
        f"A rectangular {what} is {long} m long and {wide} m wide. A path {path} m wide is laid all round it, corners "
        f"included. Paving costs ${price} a square metre. How many dollars does the path cost?"
    ), ((long + 2 * path) * (wide + 2 * path) - long * wide) * price


@develop
def painted_boxes(draw: Draw) -> Told:
    who, what = draw.name(), draw.one("planters", "toy chests", "crates", "drawers", "trays", "bird baths")
    long, wide, high = draw.between(30, 80, 5), draw.between(20, 50, 5), draw.between(10, 40, 5)
    count, tin = draw.between(3, 9), draw.between(4000, 9000, 500)
    sensible(long > wide)
    area = count * (long * wide + 2 * high * (long + wide))
    sensible(area % tin != 0 and area > tin)
    return (
        f"{who} paints the outside of {count} wooden {what}, the bottom included. Each is a box without a lid, {long} "
        f"cm long, {wide} cm wide and {high} cm high. One tin of paint is enough for {tin} square centimetres. How "
        f"many tins does {who} have to buy?"
    ), -(-area // tin)


@held_out
def fenced_field(draw: Draw) -> Told:
    animal = draw.one("horses", "goats", "alpacas", "sheep", "cows", "donkeys")
    long, wide, gates, gate = draw.between(40, 120, 5), draw.between(30, 80, 5), draw.between(2, 4), draw.between(3, 5)
    rows, price = draw.between(3, 5), draw.one(2, 3)
    sensible(long > wide)
    return (
        f"A rectangular field for {animal}, {long} m by {wide} m, gets a fence all round, except for {gates} gates, "
        f"each {gate} m wide. The fence has {rows} rows of wire, one above the other, and a metre of wire costs "
        f"${price}. How many dollars does the wire cost?"
    ), (2 * (long + wide) - gates * gate) * rows * price


@held_out
def fish_tank(draw: Draw) -> Told:
    who, long, wide, high = draw.name(), draw.between(50, 120, 10), draw.between(30, 60, 10), draw.between(35, 60, 5)
    below, stones, can = draw.between(3, 8), draw.between(2, 9), draw.between(5, 9)
    water = whole(long * wide * (high - below), 1000) - stones
    sensible(water % can != 0 and long > wide)
    return (
        f"{who}'s fish tank is {long} cm long, {wide} cm wide and {high} cm high. {who} puts in stones that take up "
        f"{stones} litres and then fills it with water up to {below} cm below the rim, using a can of {can} litres (a "
        f"litre is 1000 cubic centimetres). How many times does {who} have to fill the can?"
    ), -(-water // can)


@held_out
def folded_box(draw: Draw) -> Told:
    who, sheet = draw.name(), draw.one("tin", "cardboard", "copper", "plastic", "brass", "steel")
    long, wide, cut = draw.between(24, 50, 2), draw.between(18, 40, 2), draw.between(3, 7)
    fill = draw.one(Fraction(1, 2), Fraction(1, 4), Fraction(3, 4))
    sensible(long > wide > 2 * cut + 4)
    return (
        f"{who} has a rectangular sheet of {sheet}, {long} cm by {wide} cm. From each of its four corners a square "
        f"with sides of {cut} cm is cut away, and the edges are folded up to make an open box. Then {who} fills {fill} "
        "of the box with sand. How many cubic centimetres of sand are that?"
    ), whole(fill * (long - 2 * cut) * (wide - 2 * cut) * cut)
