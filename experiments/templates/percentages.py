"""Discounts, growth, shares and commissions."""

from __future__ import annotations

from experiments.family import Draw, Told, develop, held_out, percent, sensible, whole


@develop
def sale_and_tax(draw: Draw) -> Told:
    who, thing = draw.name(), draw.one("lamps", "chairs", "jackets", "rugs", "suitcases", "monitors", "mirrors")
    count, price, off = draw.between(2, 6), draw.between(40, 160, 5), draw.one(10, 15, 20, 25, 30, 40)
    voucher, tax = draw.between(5, 30, 5), draw.one(5, 10, 20)
    net = count * price - percent(off, count * price) - voucher
    return (
        f"{who} buys {count} {thing}. Each normally costs ${price}, but today there is a discount of {off}%. From the "
        f"discounted total a voucher takes off another ${voucher}, and on what remains a tax of {tax}% is added. How "
        f"many dollars does {who} pay?"
    ), net + percent(tax, net)


@develop
def population(draw: Draw) -> Told:
    kind = draw.one("sheep on a farm", "penguins on an island", "deer in a forest", "geese at a lake", "bats in a cave")
    start, up, down = draw.between(400, 3000, 100), draw.between(5, 40, 5), draw.between(5, 30, 5)
    come = draw.between(10, 90)
    grown = start + percent(up, start)
    shrunk = grown - percent(down, grown)
    sensible(shrunk + come > start)
    return (
        f"At first there are {start} {kind}. In the first year the number grows by {up}%. In the second year it falls "
        f"by {down}% of what it was after the first year. In the third year {come} join them. By how many is the "
        "number then larger than at first?"
    ), shrunk + come - start


@develop
def two_part_exam(draw: Draw) -> Told:
    who, subject = draw.name(), draw.one("biology", "history", "geography", "music", "chemistry", "Latin", "art")
    first, second = draw.between(20, 60, 5), draw.between(20, 60, 5)
    right, also, needed = draw.between(50, 95, 5), draw.between(30, 70, 5), draw.between(75, 95, 5)
    sensible(first != second)
    wanted = percent(needed, first + second)
    return (
        f"A {subject} exam has {first} questions in its first part and {second} in its second. {who} answered {right}% "
        f"of the first part and {also}% of the second part correctly. A distinction takes {needed}% of all questions. "
        f"How many more correct answers would {who} have needed for a distinction?"
    ), whole(wanted - percent(right, first) - percent(also, second))


@held_out
def before_the_sale(draw: Draw) -> Told:
    who, thing = draw.name(), draw.one("coat", "desk", "printer", "sofa", "watch", "drill", "mattress")
    usual, off = draw.between(80, 400, 10), draw.one(10, 15, 20, 25, 30, 35, 40)
    other, less = draw.between(80, 400, 10), draw.between(5, 30)
    sensible(other - less > usual)
    return (
        f"After a discount of {off}% a {thing} costs ${usual - percent(off, usual)} in one shop. In another shop the "
        f"same {thing} costs ${other}, and {who} has a coupon for ${less} off there. How many dollars more does {who} "
        "pay in the second shop with the coupon than the first shop charged before its discount?"
    ), other - less - usual


@held_out
def cyclists(draw: Draw) -> Told:
    group = draw.one("employees", "students", "members", "residents", "visitors", "teachers")
    habit = draw.one("cycle to work", "play an instrument", "keep a pet", "speak French", "drink tea", "own a tent")
    total, women = draw.between(200, 900, 20), draw.between(30, 70, 5)
    of_women, of_men = draw.between(10, 80, 5), draw.between(10, 80, 5)
    there = percent(women, total)
    sensible(of_women != of_men and women != 50)
    return (
        f"Of {total} {group}, {women}% are women and the others are men. {of_women}% of the women and {of_men}% of the "
        f"men {habit}. How many of the {total} {group} do not?"
    ), total - percent(of_women, there) - percent(of_men, total - there)


@held_out
def commission(draw: Draw) -> Told:
    who, thing = draw.name(), draw.one("cars", "pianos", "boats", "kitchens", "tractors", "solar panels", "caravans")
    base, rate, free = draw.between(1200, 2400, 100), draw.between(3, 9), draw.between(5000, 12000, 500)
    sales, tax = draw.between(15000, 40000, 500), draw.one(15, 20, 25, 30)
    gross = base + percent(rate, sales - free)
    return (
        f"{who} sells {thing} for a salary of ${base} a month and a commission of {rate}% on the part of the month's "
        f"sales above ${free}. This month {who} sold {thing} for ${sales}. Of salary and commission together {tax}% go "
        f"to taxes. How many dollars does {who} keep?"
    ), gross - percent(tax, gross)
