"""Blends, concentrations, averages and ratios."""

from __future__ import annotations

from fractions import Fraction

from experiments.family import Draw, Told, develop, held_out, percent, sensible, whole


@develop
def blended_juice(draw: Draw) -> Told:
    who, drink, fruit = (
        draw.name(),
        draw.one("punch", "lemonade", "drink"),
        draw.one("apple", "cherry", "orange", "grape"),
    )
    first, second, water = draw.between(2, 12), draw.between(2, 12), draw.between(1, 6)
    rich, poor = draw.between(50, 95, 5), draw.between(10, 45, 5)
    return (
        f"For a {drink} {who} mixes {first} litres of a drink that contains {rich}% {fruit} juice with {second} litres "
        f"of one that contains {poor}% {fruit} juice, and adds {water} litres of water. How many percent of the whole "
        f"is {fruit} juice?"
    ), whole(first * rich + second * poor, first + second + water)


@develop
def roasted_blend(draw: Draw) -> Told:
    who, kinds = draw.name(), draw.some(2, ["almonds", "walnuts", "cashews", "peanuts", "hazelnuts", "pecans"])
    first, second = draw.between(12, 40), draw.between(12, 40)
    dear, cheap, lost, price = draw.between(9, 16), draw.between(4, 8), draw.one(5, 10, 20, 25), draw.between(14, 22)
    kept = first + second - percent(lost, first + second)
    return (
        f"{who} mixes {first} kg of {kinds[0]} bought at ${dear} a kilogram with {second} kg of {kinds[1]} bought at "
        f"${cheap} a kilogram. In roasting the mixture loses {lost}% of its weight. The roasted mixture is sold at "
        f"${price} a kilogram. How many dollars of profit does {who} make?"
    ), whole(kept * price - first * dear - second * cheap)


@develop
def average_needed(draw: Draw) -> Told:
    who, what = (
        draw.name(),
        draw.one("points in quizzes", "points at darts", "pins at bowling", "points in spelling tests"),
    )
    done, mean, more, wanted = draw.between(4, 9), draw.between(60, 80), draw.one(2, 3), draw.between(70, 90)
    sensible(wanted > mean and (done + more) * wanted - done * mean < 100 * more)
    return (
        f"After {done} rounds {who} has an average of {mean} {what}. There are {more} more rounds. What average does "
        f"{who} need in these {more} rounds for an average of {wanted} over all rounds?"
    ), whole((done + more) * wanted - done * mean, more)


@held_out
def diluted_cleaner(draw: Draw) -> Told:
    what = draw.one("vinegar", "cleaner", "fertiliser", "syrup", "bleach", "dye")
    litres, strong, weak = draw.between(3, 20), draw.between(20, 80, 5), draw.between(4, 40)
    bottle = draw.one(Fraction(1, 2), Fraction(1, 4))
    sensible(strong > weak)
    total = whole(litres * strong, weak)
    size = {Fraction(1, 2): "half a litre", Fraction(1, 4): "a quarter of a litre"}[bottle]
    return (
        f"{litres} litres of {strong}% {what} are thinned with water until only {weak}% of the liquid is {what}. All "
        f"of it is then filled into bottles of {size}. How many bottles are filled?"
    ), whole(total / bottle)


@held_out
def class_average(draw: Draw) -> Told:
    subject = draw.one("height in cm", "score", "reach in cm", "jump in cm", "grip in newtons")
    girls, boys = draw.between(8, 16), draw.between(8, 16)
    first, second, late = draw.between(110, 150), draw.between(110, 150), draw.between(90, 170)
    sensible(girls != boys and first != second)
    return (
        f"In a class the average {subject} of {girls} girls is {first} and that of {boys} boys is {second}. One more "
        f"child joins the class, whose {subject} is {late}. What is the average {subject} of the whole class now?"
    ), whole(girls * first + boys * second + late, girls + boys + 1)


@held_out
def mixed_paint(draw: Draw) -> Told:
    who, colours = draw.name(), draw.some(3, ["white", "blue", "yellow", "red", "green", "black"])
    parts = draw.some(3, range(1, 8))
    scale, prices = draw.between(2, 6), draw.some(3, range(3, 12))
    return (
        f"{who} mixes {sum(parts) * scale} litres of paint from {colours[0]}, {colours[1]} and {colours[2]} in the "
        f"ratio {parts[0]} : {parts[1]} : {parts[2]}. A litre of {colours[0]} costs ${prices[0]}, of {colours[1]} "
        f"${prices[1]} and of {colours[2]} ${prices[2]}. How many dollars does the paint cost?"
    ), scale * sum(part * price for part, price in zip(parts, prices, strict=True))
