"""Other people's names in a problem, by rule.

A name is a capitalised word of small letters that also stands inside a sentence or before 's, or that is one of the
usual first names below. Days, months and words that the text writes small as well are none; nor are single letters (A,
B), abbreviations, and a word that is only ever the first of a sentence. The name of a town is taken for one: a train
from Rosa to Henry is as good an exercise. New names keep to what *he* or *she* in the text may refer to.
"""

from __future__ import annotations

import random
import re

SHE = """
Alice Amy Anna Bella Carol Clara Diana Ella Emily Emma Eva Grace Hannah Helen Ida Jane Janet Julia Karen Kate Laura Lily
Linda Lisa Lucy Maria Mary Mia Mona Nancy Nina Nora Olivia Rachel Rita Rose Ruth Sarah Sophie Susan Tina Vera Wendy
""".split()  # noqa: SIM905
HE = """
Adam Alan Albert Andrew Arthur Ben Bob Carl Charles Daniel David Edward Eric Frank Fred George Harry Henry Jack James
Jason John Joseph Karl Kevin Leon Luke Marcus Mark Martin Michael Nathan Oscar Paul Peter Philip Ralph Richard Robert
Roy Sam Simon Steve Thomas Tim Tom Victor Walter William
""".split()  # noqa: SIM905
_NONE = frozenset(
    """
Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August September
October November December Christmas Easter Find Let Suppose How What When Where Which Who Why Given Calculate Compute
""".split()  # noqa: SIM905
)
_WORD = re.compile(r"(?<![\w\\])[A-Z][a-z]+(?![\w])")
_BEGINS = re.compile(r"(?:^|[.?!:]['\")]?\s+|\n\s*)\Z")


def names_in(text: str) -> list[str]:
    """The names in a text.

    >>> names_in("On Monday Yara gives Tom 3 of her eggs. How many has Yara left?")
    ['Yara', 'Tom']
    """
    small = set(re.findall(r"[a-z]+", text))
    found: dict[str, None] = {}
    for match in _WORD.finditer(text):
        word = match.group()
        inside = not _BEGINS.search(text[: match.start()]) or text[match.end() :].startswith(("'s", "’s"))
        if word.lower() in small or word.removesuffix("s") in _NONE:
            continue
        if inside or word in SHE or word in HE:
            found[word] = None
    return list(found)


def renamed(text: str, seed: object) -> str:
    """The text with other names, no two the same; itself where there are none. The same seed gives the same names.

    >>> renamed("Ruth has 3 eggs more than Tom.", 0)
    'Sarah has 3 eggs more than Luke.'
    """
    names = names_in(text)
    generator = random.Random(f"{seed}")
    words = set(re.findall(r"\w+", text))
    she, he = ([one for one in generator.sample(some, len(some)) if one not in words] for some in (SHE, HE))
    says_she = bool(words & {"she", "She", "her", "Her", "hers"})
    says_he = bool(words & {"he", "He", "his", "His", "him"})
    new = {}
    for name in names:
        woman = name in SHE or (name not in HE and (says_she if says_she != says_he else generator.random() < 0.5))
        first, second = (she, he) if woman else (he, she)
        if not first and not second:
            break
        new[name] = (first or second).pop()
    return _WORD.sub(lambda match: new.get(match.group(), match.group()), text)
