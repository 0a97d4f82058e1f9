"""Speed, flow and work."""

from __future__ import annotations

from experiments.family import Draw, Told, develop, held_out, sensible, whole


@develop
def there_and_back(draw: Draw) -> Told:
    who, place = (
        draw.name(),
        draw.one("a lake", "the coast", "a mountain hut", "the airport", "a festival", "a vineyard"),
    )
    way, out, home, rest = (
        draw.between(60, 240, 10),
        draw.between(40, 80, 5),
        draw.between(45, 90, 5),
        draw.between(25, 95),
    )
    sensible(out != home)
    return (
        f"{who} drives {way} km to {place} at an average of {out} km/h, stays there for {rest} minutes, and drives "
        f"back the same way at an average of {home} km/h. How many minutes after setting out is {who} back?"
    ), whole(way * 60, out) + rest + whole(way * 60, home)


@develop
def two_taps(draw: Draw) -> Told:
    tank = draw.one("rain barrel", "pool", "cistern", "water trough", "fish pond", "storage tank")
    big, small, both, alone = draw.between(12, 30), draw.between(5, 11), draw.between(8, 40), draw.between(5, 15)
    start, room, pump = draw.between(20, 90, 5), draw.between(600, 2000, 50), draw.between(31, 60)
    missing = whole(room - start - both * (big + small) - alone * big, pump)
    return (
        f"A {tank} holds {room} litres and has {start} litres in it. Two taps are opened, one giving {big} litres a "
        f"minute and the other {small}. After {both} minutes the second one is closed, and {alone} minutes later the "
        f"first one, too. The rest is filled by a pump that gives {pump} litres a minute. How many minutes does the "
        "pump take?"
    ), missing


@develop
def catching_up(draw: Draw) -> Told:
    first, second = draw.name(), draw.name()
    slow, fast, lead = draw.between(60, 90, 5), draw.between(150, 320, 10), draw.between(6, 25)
    pause = draw.between(2, 9)
    minutes = whole(slow * (lead + pause), fast - slow)
    return (
        f"{first} leaves home and walks along a road at {slow} metres a minute. {lead} minutes later {second} gets on "
        f"a bicycle to follow on the same road, but loses {pause} minutes pumping up a tyre before setting off at "
        f"{fast} metres a minute. How many metres from home does {second} catch up with {first}?"
    ), fast * minutes


@held_out
def shared_fuel(draw: Draw) -> Told:
    friends, place = (
        draw.between(3, 6),
        draw.one("the sea", "a concert", "a ski resort", "a wedding", "a climbing hall"),
    )
    way, uses, price = draw.between(100, 450, 10), draw.between(5, 9), draw.one(2, 3)
    toll, parking = draw.between(4, 15), draw.between(6, 24)
    return (
        f"{friends} friends drive together to {place}, {way} km away, and back again. Their car uses {uses} litres of "
        f"fuel for 100 km, and a litre costs ${price}. The toll is ${toll} each way and parking costs ${parking} once. "
        "They share all costs equally. How many dollars does each of them pay?"
    ), whole(whole(2 * way * uses * price, 100) + 2 * toll + parking, friends)


@held_out
def two_printers(draw: Draw) -> Told:
    what = draw.one("leaflets", "posters", "programmes", "invitations", "menus", "calendars")
    fast, slow = draw.between(20, 45), draw.between(8, 18)
    span, other, together = draw.between(2, 5), draw.between(2, 5), draw.between(6, 20)
    after = draw.between(5, 25)
    sensible(span != other)
    return (
        f"One printer makes {fast * span} {what} in {span} minutes, an older one {slow * other} {what} in {other} "
        f"minutes. They start together on an order of {(fast + slow) * together + fast * after} {what}. After "
        f"{together} minutes the older one breaks down and the newer one finishes the order alone. How many minutes "
        "does the whole order take?"
    ), together + after


@held_out
def painters(draw: Draw) -> Told:
    work = draw.one("paint a wall", "plaster a wall", "mow a field", "pave a square", "sand a deck", "clean a facade")
    team, more, rate = draw.between(3, 6), draw.between(2, 4), draw.between(4, 9)
    early, late = draw.between(2, 6), draw.between(2, 8)
    area = rate * (team * early + (team + more) * late)
    return (
        f"{team} workers have to {work} of {area} square metres. Each of them does {rate} square metres an hour. After "
        f"{early} hours {more} more workers, who are just as fast, come to help until everything is done. How many "
        "hours of work are paid for, counting every worker's hours?"
    ), whole(area, rate)
