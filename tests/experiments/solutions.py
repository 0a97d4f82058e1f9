"""Every family solved another way, from the numbers in a problem's text alone: by going through what happens, step by
step, or by trying what fits. Nothing of the templates is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction as F
from itertools import combinations, count, permutations

Solution = Callable[..., int | F]


def first(fits: Iterator[int]) -> int:
    """The first number that fits."""
    return next(fits)


def market_stall(crates: int, price: int, each: int, bad: int, bag: int, gain: int) -> int:
    good, money = sum(each for _ in range(crates)) - bad, -sum(price for _ in range(crates))
    while good >= bag:
        good, money = good - bag, money + gain
    assert good == 0
    return money


def overtime(wage: int, usual: int, hours: int, days: int, fare: int) -> F:
    return sum(F(wage) * (F(3, 2) if hour > usual else 1) for hour in range(1, hours + 1)) - sum([fare] * days)


def saving_up(price: int, money: int, weekly: int, treat: int, every: int, weeks: int) -> int:
    for week in range(1, weeks + 1):
        money += weekly - (treat if week % every == 0 else 0)
    return price - money


def museum_tickets(people: int, adult: int, child: int, guide: int, paid: int) -> int:
    return first(n for n in range(people) if n * child + (people - n) * adult + guide == paid)


def phone_bill(fee: int, free: int, cents: int, spring: int, summer: int) -> F:
    return sum(fee + F(cents, 100) * max(0, minutes - free) for minutes in (spring, summer))


def cake_sale(cakes: int, cost: int, slices: int, price: int, left: int, goal: int) -> int:
    money = -cakes * cost
    for _ in range(cakes * slices - left):
        money += price
    return goal - money


def sale_and_tax(count: int, price: int, off: int, voucher: int, tax: int) -> F:
    return (sum(price * (1 - F(off, 100)) for _ in range(count)) - voucher) * (1 + F(tax, 100))


def population(start: int, up: int, down: int, come: int) -> F:
    return start * (1 + F(up, 100)) * (1 - F(down, 100)) + come - start


def two_part_exam(one: int, two: int, right: int, also: int, needed: int) -> F:
    return F(needed, 100) * (one + two) - F(right, 100) * one - F(also, 100) * two


def before_the_sale(off: int, now: int, other: int, less: int) -> int:
    return other - less - first(old for old in count(1) if old * (100 - off) == now * 100)


def cyclists(total: int, women: int, of_women: int, of_men: int, _: int) -> F:
    return total * (F(women, 100) * (1 - F(of_women, 100)) + (1 - F(women, 100)) * (1 - F(of_men, 100)))


def commission(base: int, rate: int, free: int, sales: int, tax: int) -> F:
    return (base + F(rate, 100) * (sales - free)) * F(100 - tax, 100)


def there_and_back(way: int, out: int, rest: int, home: int) -> F:
    return (F(way, out) + F(way, home)) * 60 + rest


def two_taps(room: int, water: int, big: int, small: int, both: int, alone: int, pump: int) -> int:
    for minute in range(both + alone):
        water += big + (small if minute < both else 0)
    return first(minutes for minutes in count(1) if water + pump * minutes == room)


def catching_up(slow: int, lead: int, pause: int, fast: int) -> int:
    return first(
        fast * (minute - lead - pause)
        for minute in count(lead + pause)
        if fast * (minute - lead - pause) == slow * minute
    )


def shared_fuel(friends: int, way: int, uses: int, per: int, price: int, toll: int, parking: int) -> F:
    return (F(2 * way, per) * uses * price + toll + toll + parking) / friends


def two_printers(made: int, span: int, others: int, other: int, order: int, together: int) -> int:
    done, minute = F(0), 0
    while done < order:
        done += F(made, span) + (F(others, other) if minute < together else 0)
        minute += 1
    assert done == order
    return minute


def painters(team: int, area: int, rate: int, early: int, more: int) -> int:
    done, paid = 0, 0
    for hour in count():
        if done >= area:
            assert done == area
            return paid
        workers = team + (more if hour >= early else 0)
        done, paid = done + workers * rate, paid + workers
    raise AssertionError


def times_as_old(times: int, years: int, together: int, _: int) -> int:
    return first(times * n + years for n in range(1, 100) if times * n + n + 2 * years == together)


def three_siblings(older: int, ago: int, together: int) -> int:
    return first(
        2 * n + older for n in range(ago, 100) if (n - ago) + (2 * n - ago) + (2 * n + older - ago) == together
    )


def when_twice(age: int, gap: int, times: int) -> int:
    return first(years for years in range(100) if age + gap + years == times * (age + years))


def years_ago(ago: int, times: int, now: int, ahead: int) -> int:
    return (times * (now - ago) + ago + ahead) + (now + ahead)


def family_average(children: int, mean: int, father: int, mother: int, people: int, years: int) -> F:
    ages = [mean] * children + [father, mother]
    assert len(ages) == people
    return F(sum(age + years for age in ages), people)


def generations(one: int, two: int, age: int, years: int) -> int:
    born = [0, one, one + two]
    then = born[2] + age + years
    return sum(then - year for year in born)


def tiled_floor(long: int, wide: int, side: int, also: int, box: int, price: int) -> int:
    assert side == also
    tiles = len(range(0, long, side)) * len(range(0, wide, side))
    return len(range(0, tiles, box)) * price


def path_round(long: int, wide: int, path: int, price: int) -> int:
    sides, corners = 2 * path * (long + wide), 4 * path * path
    return (sides + corners) * price


def painted_boxes(boxes: int, long: int, wide: int, high: int, tin: int) -> int:
    faces = [long * wide, long * high, long * high, wide * high, wide * high]
    return len(range(0, boxes * sum(faces), tin))


def fenced_field(long: int, wide: int, gates: int, gate: int, rows: int, price: int) -> int:
    return sum((long + wide + long + wide - gates * gate) * price for _ in range(rows))


def fish_tank(long: int, wide: int, high: int, stones: int, below: int, can: int, litre: int) -> int:
    return len(range(0, int(F(long * wide * (high - below), litre) - stones), can))


def folded_box(long: int, wide: int, cut: int, top: int, under: int) -> F:
    return F(top, under) * len(range(cut, long - cut)) * len(range(cut, wide - cut)) * cut


def outfits(tops: int, skirts: int, trousers: int, shoes: int, worn: int) -> int:
    below = [*(("skirt", one) for one in range(skirts)), *(("trousers", one) for one in range(trousers))]
    return sum(1 for _ in range(tops) for _ in below for _ in range(shoes)) - worn


def round_robin(north: int, south: int, minutes: int, fields: int) -> int:
    return len(range(0, len(list(combinations(range(north + south), 2))), fields)) * minutes


def theatre_rows(seats: int, more: int, rows: int, kept: int, price: int) -> int:
    return (sum(seats + more * row for row in range(rows)) - kept) * price


def door_codes(letters: int, digits: int, used: int) -> int:
    return letters * len(list(permutations(range(digits), 3))) - used


def committee(girls: int, boys: int) -> int:
    return sum(0 in pair for pair in combinations(range(girls), 2) for _ in combinations(range(boys), 2))


def trees_and_bushes(long: int, gap: int, bushes: int, tree: int, bush: int) -> int:
    trees = len(range(0, long + 1, gap))
    return trees * tree + (trees - 1) * bushes * bush


def meeting_again(one: int, two: int, hours: int) -> int:
    return sum(minute % one == minute % two == 0 for minute in range(1, hours * 60 + 1))


def gift_bags(one: int, two: int, bag: int, ribbon: int) -> int:
    return max(n for n in range(1, one + 1) if one % n == two % n == 0) * (bag + ribbon)


def marching_rows(least: int, one: int, rest: int, two: int, also: int) -> int:
    return first(n for n in count(least + 1) if n % one == rest and n % two == also)


def collecting_days(days: int, more: int, total: int) -> int:
    return first(
        start * (start + more * (days - 1))
        for start in range(1, total)
        if sum(start + more * day for day in range(days)) == total
    )


def swapped_digits(added: int, larger: int) -> int:
    fits = [n for n in range(10, 100) if n // 10 + n % 10 == added and n % 10 * 10 + n // 10 == n + larger]
    assert len(fits) == 1
    return fits[0]


def every_few(total: int, one: int, two: int, *_: int) -> int:
    return len(set(range(1, total + 1)) - set(range(0, total + 1, one)) - set(range(0, total + 1, two)))


def blended_juice(one: int, rich: int, two: int, poor: int, water: int) -> F:
    return F(one * rich + two * poor, one + two + water)


def roasted_blend(one: int, dear: int, two: int, cheap: int, lost: int, price: int) -> F:
    return (one + two) * (1 - F(lost, 100)) * price - (one * dear + two * cheap)


def average_needed(done: int, mean: int, more: int, _: int, wanted: int) -> int:
    return first(n for n in range(101) if F(done * mean + more * n, done + more) == wanted)


def diluted_cleaner(litres: int, strong: int, weak: int, top: int, under: int) -> F:
    water = first(n for n in count() if F(litres * strong, litres + n) == weak)
    return (litres + water) / F(top, under)


def class_average(girls: int, one: int, boys: int, two: int, late: int) -> F:
    values = [one] * girls + [two] * boys + [late]
    return F(sum(values), len(values))


def mixed_paint(litres: int, a: int, b: int, c: int, of_a: int, of_b: int, of_c: int) -> F:
    return sum(F(litres * part, a + b + c) * price for part, price in ((a, of_a), (b, of_b), (c, of_c)))


def shuttle(h: int, m: int, end_h: int, end_m: int, every: int, a: int, b: int, c: int, d: int, *more: int) -> int:
    assert (60 * a + b, c, d) == (60 * h + m + every, end_h, end_m)
    seats, empty = more
    return len(range(60 * a + b, 60 * c + d + 1, every)) * seats - empty


def school_day(lessons: int, length: int, lunch: int, short: int, way: int) -> int:
    minutes = way
    for lesson in range(1, lessons + 1):
        minutes += length + (0 if lesson == lessons else lunch if lesson == 3 else short)
    return minutes + way


def weekly_shifts(h: int, m: int, end_h: int, end_m: int, pause: int, hours: int, wage: int, more: int) -> F:
    return sum((F(60 * (end_h - h) + end_m - m - pause, 60)) * wage for _ in range(5)) + hours * more


def medicine(days: int, each: int, every: int, pack: int) -> int:
    taken = sum(each for _ in range(0, 24 * days, every))
    return first(left for left in range(pack) if (taken + left) % pack == 0)


def reading_days(daily: int, day: int, last: int, skipped: int, left: int) -> int:
    return sum(daily for _ in range(day, last + 1)) - skipped * daily + left


def slow_train(way: int, speed: int, stops: int, stop: int, signal: int) -> F:
    return F(way, speed) * 60 + sum([stop] * stops) + signal


def spent_in_parts(a: int, b: int, top: int, under: int, last: int, left: int) -> int:
    return first(n for n in count(1) if n * (1 - F(a, b)) * (1 - F(top, under)) - last == left)


def ratio_of_three(a: int, b: int, c: int, more: int) -> int:
    part = first(n for n in count(1) if n * b == n * a + more)
    return a * part + b * part + c * part


def giving_away(times: int, given: int, ahead: int) -> int:
    return first(n + times * n for n in count(1) if times * n - given == n + given + ahead)


def pizza_party(pies: int, pieces: int, children: int, each: int, top: int, under: int) -> F:
    left = F(pies * pieces - children * each)
    left -= left * F(top, under)
    return left - left / 2


def bookshelf(a: int, b: int, c: int, d: int, rest: int) -> F:
    total = rest / ((1 - F(a, b)) * (1 - F(c, d)))
    return total * (1 - F(a, b)) * F(c, d) - rest


def half_empty(a: int, b: int, cans: int, can: int, c: int, d: int, price: int) -> F:
    volume = F(cans * can) / (F(a, b) - F(c, d))
    return volume * (1 - F(c, d)) * price
