"""Names in a problem are found and changed by rule; nothing else is."""

from __future__ import annotations

import re

import pytest

from elm_app.learning.names import HE, SHE, names_in, renamed
from elm_app.learning.variants import variants

YARA = "Yara buys 9 crates of lemons from Tom on Monday. 30 are bad. What does Yara pay Tom's sister?"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (YARA, ["Yara", "Tom"]),
        ("Kofi leaves home. Later Hana leaves, too, and meets Kofi.", ["Kofi", "Hana"]),
        ("Janet has 3 ducks.", ["Janet"]),
        ("Xiu's ducks lay 16 eggs.", ["Xiu"]),
        ("Each of 7 boxes holds 5 eggs. How many eggs? Find it.", []),
        ("On Monday and on Tuesdays in March it rains 3 mm.", []),
        ("Rose picks a rose.", []),
        ("Let $AB = 5$ and let \\Delta be the area of triangle ABC.", []),
        ('"Where is Ada?" asks Bruno.', ["Ada", "Bruno"]),
    ],
)
def test_names_are_found(text: str, names: list[str]) -> None:
    assert sorted(names_in(text)) == sorted(names)


def test_every_name_becomes_another_and_the_rest_stays() -> None:
    for seed in range(50):
        text = renamed(YARA, seed)
        first, second = re.fullmatch(r"(\w+) buys .* from (\w+) on Monday.*", text).groups()  # type: ignore[union-attr]
        assert first != second
        assert not {"Yara", "Tom"} & {first, second}
        assert re.sub(rf"\b{second}\b", "Tom", re.sub(rf"\b{first}\b", "Yara", text)) == YARA


def test_the_same_seed_gives_the_same_names() -> None:
    assert renamed(YARA, 3) == renamed(YARA, 3)
    assert len({renamed(YARA, seed) for seed in range(20)}) > 10


def test_he_and_she_still_fit() -> None:
    for seed in range(20):
        assert names_in(renamed("Later Yara sells her car.", seed))[0] in SHE
        assert names_in(renamed("Later Kofi sells his car.", seed))[0] in HE
        woman, man = names_in(renamed("Then Anna and Peter share 12 eggs.", seed))
        assert (woman in SHE, man in HE) == (True, True)


def test_more_people_than_names_are_no_trouble() -> None:
    crowd = "Then " + ", ".join(f"Q{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(200)) + " eat."
    told = re.findall(r"\w+", renamed(crowd, 0))
    assert len(set(told)) == len(told) == 202
    assert not set(SHE + HE) - set(told)


def test_variants_with_names_have_the_numbers_of_those_without() -> None:
    plain, named = variants(YARA, 8, 4), variants(YARA, 8, 4, names=True)
    assert [re.findall(r"\d+", text) for text in named] == [re.findall(r"\d+", text) for text in plain]
    assert not any("Yara" in text or "Tom" in text for text in named)
    assert named[:3] == variants(YARA, 3, 4, names=True)
