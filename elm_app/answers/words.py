r"""Words that may stand beside a number without changing it: one list, for `extract` and for `reading`.

What is not listed is kept, so that "3 halves", "2 squared", "4 crore" and "12 noon" never become 3, 2, 4 and 12. Units
of measurement are remembered (40 mph is not 40 km/h, though either is 40); counted things are dropped, since the
question names them.
"""

from __future__ import annotations

import re

_MEASURED = """
dollar dollars buck bucks usd | cent cents ¢ | euro euros eur € | pound pounds lb lbs £ | rupee rupees rs inr ₹ |
yen jpy ¥ | yuan rmb | peso pesos | franc francs | ounce ounces oz | ton tons tonne tonnes | acre acres | hectare
hectares | inch inches in | foot feet ft | yard yards yd yds | mile miles mi | meter meters metre metres |
centimeter centimeters centimetre centimetres cm | millimeter millimeters millimetre millimetres mm | kilometer
kilometers kilometre kilometres km kms | gram grams | milligram milligrams mg | kilogram kilograms kilo kilos kg kgs
| liter liters litre litres | milliliter milliliters millilitre millilitres ml | gallon gallons gal | quart quarts
qt | pint pints pt | cup cups | tablespoon tablespoons tbsp | teaspoon teaspoons tsp | second seconds sec secs |
minute minutes min mins | hour hours hr hrs | day days | week weeks | month months | year years yr yrs | degree
degrees deg | radian radians rad | celsius | fahrenheit | watt watts | volt volts | joule joules | kilometer км 公里
千米 | meter м 米 | centimeter см 厘米 | kilogram кг 公斤 千克 | gram г 克 |
dollar долларов доллара dólares 美元 |
euro евро | yuan 元 | rouble руб рублей рубля рубль |
hour час часа часов horas heures stunden 小时 | minute минут минуты 分钟 |
day дней дня días dias jours tage 天 | year лет года años anos ans jahre 岁 年 |
newton newtons | calorie calories |
megabyte megabytes mb | gigabyte gigabytes gb | arcminute | arcsecond
"""
_SHORT = {"m": "meter", "g": "gram", "s": "second", "h": "hour", "l": "liter", "L": "liter", "W": "watt", "V": "volt"}
_SPEEDS = {
    "mph": "mile/hour", "kph": "kilometer/hour", "kmh": "kilometer/hour", "kmph": "kilometer/hour",
    "mps": "meter/second", "fps": "foot/second", "mpg": "mile/gallon", "rpm": "turn/minute",
}  # fmt: skip
UNITS = {name: row.split()[0] for row in _MEASURED.split("|") for name in row.split()} | _SPEEDS
"""Spellings of units of measurement, and what each is called here."""

_COUNTED_WORDS = """
people persons men women children kids boys girls students pupils teachers adults friends guests members employees
workers passengers customers families siblings players babies visitors soldiers runners voters winners neighbors
cousins dogs cats birds fish fishes sheep cows pigs horses chickens hens ducks ducklings goats rabbits puppies kittens
animals ants bees spiders snakes lions elephants kangaroos insects bugs worms eggs lambs calves foxes wolves frogs
turtles butterflies apples bananas oranges pears peaches berries cherries grapes strawberries blueberries watermelons
lemons limes mangoes avocados potatoes tomatoes carrots onions peppers nuts seeds plants trees flowers roses tulips
daisies carnations bouquets leaves cookies cakes cupcakes muffins pies pizzas donuts sandwiches hamburgers candies
chocolates lollipops crackers slices loaves drinks coffees sodas meals servings snacks sweets biscuits pancakes pages
books words sentences stories chapters notebooks letters pens pencils crayons markers erasers papers sheets cards
stamps stickers photos pictures paintings envelopes postcards magazines newspapers copies questions problems answers
mistakes points marks credits grades classes lessons tests games rounds matches goals sets teams cars trucks buses
bikes bicycles trains planes boats tires wheels trips rides laps steps stops flights tickets seats rows columns blocks
bricks tiles planks boards boxes bags baskets buckets bottles cans cartons crates containers jars packs packages
packets bins barrels shelves tables chairs desks beds rooms houses apartments buildings floors doors windows coins
pennies nickels dimes bills shirts hats shoes socks pants dresses jackets necklaces bracelets earrings rings beads
balloons balls bats dolls toys puzzles marbles clips buttons gifts presents candles lamps bulbs pieces parts items
units things objects triangles circles rectangles sides edges vertices faces corners angles diagonals digits ways
outcomes solutions numbers integers factors divisors multiples primes arrangements combinations permutations subsets
elements groups sections lines segments paths routes episodes movies songs calls messages emails votes shells
seashells stitches pills tablets doses scoops shots strands plates glasses forks spoons knives bowls vases ribbons
ropes times
"""
_AROUND_WORDS = """
a an the of in on at to per each every all altogether total overall combined left remaining together old
tall long wide high deep away worth red blue green yellow white black brown pink purple orange small large big new
whole extra different square cubic such possible
"""


_COUNTED = _COUNTED_WORDS.split()


def _singular(word: str) -> set[str]:
    ends = (("ies", "y"), ("ves", "f"), ("es", ""), ("s", ""))
    return {word.removesuffix(end) + put for end, put in ends if word.endswith(end) and len(word) > len(end) + 1}


DROPPED = {*_COUNTED, *_AROUND_WORDS.split(), "person", "man", "child"}.union(*map(_singular, _COUNTED)) - {
    "time",
    "dim",
}
"""Words that change nothing: counted things, and what stands around them."""

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: n for n, word in enumerate(f"{_ONES} eighteen nineteen".split())}
_SMALL |= {word: 10 * n for n, word in enumerate(_TENS.split(), 2)}
LARGE = {
    "thousand": 10**3, "lakh": 10**5, "lakhs": 10**5, "million": 10**6, "crore": 10**7, "crores": 10**7,
    "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
"""Words that multiply the number before them."""
SHARES = {
    "half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "twelfth": 12, "hundredth": 100,
}  # fmt: skip
"""Words for parts of a whole."""
_MODIFIERS = """
not no twice double triple dozen dozens score gross pair pairs square squared cube cubed root factorial times minus
negative plus over base mod past noon midnight am pm more less fewer least most short before after ago late later early
earlier older younger
"""
CHANGING = {
    *_SMALL, "hundred", "hundreds", "thousands", "halves", *LARGE, *(f"{word}illions" for word in ("m", "b", "tr")),
    *SHARES, *(f"{word}s" for word in SHARES), *_MODIFIERS.split(),
}  # fmt: skip
"""Words that make another number of one that stands in the same sentence."""
_WORD = re.compile(r"[a-zA-Z]+")
_COUNTING = {*_SMALL, "hundred", *LARGE, "and"}
_UNIT = re.compile(
    r"(?P<square>square |sq(?:\. ?| ))?(?P<cubic>cubic |cu(?:\. ?| ))?"
    r"(?P<name>[^\W\d_]+|[¢€£₹¥])\.?"
    r"(?:\s?\^?\s?\{?(?P<power>[23])\}?)?"
    r"(?:\s?(?:/|\bper\b|\ban?\b)\s?(?P<per>[a-zA-Z]+)\.?(?:\s?\^?\{?(?P<per_power>[23])\}?)?)?(?=$|[\s,.])"
)


def number_in_words(text: str) -> int | None:
    """The number that words alone spell, or None.

    >>> [number_in_words(text) for text in ("seven", "one hundred and twenty-five", "two million", "one two")]
    [7, 125, 2000000, None]
    """
    words = text.lower().replace("-", " ").split()
    if not words or len(words) > 12 or not _COUNTING.issuperset(words) or "and" in (words[0], words[-1]):
        return None
    total, group, last = 0, 0, 10**15
    for word in words:
        if word == "and":
            continue
        if word in LARGE:
            if not group or LARGE[word] >= last:
                return None
            last = LARGE[word]
            total, group = total + group * last, 0
        elif word == "hundred":
            if not 1 <= group <= 99:
                return None
            group *= 100
        else:
            value = _SMALL[word]
            room = 10 if group and group % 100 >= 20 and group % 10 == 0 else 100
            if group and (not value or value >= room or group % room):
                return None
            group += value
    return total + group


def unit_of(words: str) -> str | None:
    """What words behind a number say of its unit: "" for words that change nothing, None for words that do.

    >>> [unit_of(w) for w in ("cm", "clips altogether", "miles per hour", "km/h", "square feet", "halves", "noon")]
    ['centimeter', '', 'mile/hour', 'kilometer/hour', 'foot^2', None, None]
    """
    text = " ".join(words.replace(",", " ").split()).strip(" .!")
    text = re.sub(r"^degrees? (?=celsius|fahrenheit)", "", text, flags=re.IGNORECASE)
    if not text:
        return ""
    unit = ""
    if (match := _UNIT.match(text)) and (found := _unit(match, text[match.end() :])):
        unit, text = found, text[match.end() :]
    rest = re.sub(r"\^\{?[23]\}?", "", text)  # "units^2"
    if re.search(r"[^a-zA-Z\s.,!-]", rest):
        return None
    return unit if all(word.lower() in DROPPED for word in _WORD.findall(rest)) else None


def _unit(match: re.Match[str], rest: str) -> str | None:
    name, per = match["name"], match["per"]
    if name.lower() == "in" and rest.strip() and not match["power"]:  # "in total"
        return None
    short = bool(per or match["square"] or match["cubic"] or len(match[0]) == 1)
    unit = UNITS.get(name) or UNITS.get(name.lower()) or (_SHORT.get(name) if short else None)
    if unit is None:
        return None
    power = "2" if match["square"] else "3" if match["cubic"] else match["power"]
    if per:
        below = UNITS.get(per.lower()) or _SHORT.get(per)
        if below is None:
            return unit if per.lower() in DROPPED else None
        unit += f"/{below}" + (f"^{match['per_power']}" if match["per_power"] else "")
    return unit + (f"^{power}" if power else "")


def spelled_out(letters: str) -> str:
    """A unit of one letter, as it stands in \\text{ m}, by its name; other text as it is."""
    return _SHORT.get(letters.strip(), letters)
