"""What a person types for an item, and for a list of them."""

from __future__ import annotations

import pytest
from click import UsageError

from ridgeback.cli.application import Failure
from ridgeback.cli.items import ItemFinder, TypedItem
from ridgeback.data.ids import Ids
from ridgeback.data.text import Text
from ridgeback.errors import UnknownIdError

TITLES = [
    "Toy Story (1995)",
    "Toy Story 2 (1999)",
    "Matrix, The (1999)",
    "Heat",
    "300",
    "E=mc2",
    "Heat and Dust",
    "시네마 천국",
]
FILMS = ItemFinder(Ids.from_sequence([1, 2, 3, 4, 300, 6, 7, 8]), Text.from_strings(TITLES))
WORDS = ItemFinder(Ids.from_sequence(["007", "a=b", "c,d", "heat"]), None)


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("1", 1), (" 1 ", 1), ("toy story 2", 2), ("MATRIX", 3), ("Matrix, The (1999)", 3), ("heat", 4), ("dust", 7),
        ("300", 300), ("e=mc2", 6), ("천국", 8), ("toy story", 1), ("Matrix, The", 3),
    ],
)  # fmt: skip
def test_an_item_by_id_by_title_or_by_a_part_of_it(text: str, item: int) -> None:
    assert FILMS.find(text) == item


def test_several_titles_are_listed() -> None:
    with pytest.raises(Failure, match=r"'y story' could be any of 2 titles: 'Toy Story \(1995\)' \(1\), 'Toy Story 2"):
        FILMS.find("y story")


def test_a_title_without_its_year_is_that_title_alone() -> None:
    films = ItemFinder(
        Ids.from_sequence([1, 2, 3, 4, 5]),
        Text.from_strings(["Heat (1995)", "Heat (1986)", "Dust (1990)", "Dust, Gold (2001)", "Gold (2016)"]),
    )
    with pytest.raises(Failure, match="'heat' could be any of 2 titles"):
        films.find("heat")
    assert films.find("dust") == 3
    assert films.find_all("dust=2, gold=4") == [TypedItem(3, 2.0, True), TypedItem(5, 4.0, True)]
    assert films.find_all("dust, gold=4") == [TypedItem(4, 4.0, True)]
    assert films.find_all("dust, gold (2001)") == [TypedItem(4, None, True)]


@pytest.mark.parametrize("text", ["999", "", "-1"])
def test_what_is_neither_is_an_unknown_id(text: str) -> None:
    with pytest.raises(UnknownIdError):
        FILMS.find(text)


@pytest.mark.parametrize("text", ["no such film", "1.0"])
def test_what_could_be_a_title_is_told_of_titles(text: str) -> None:
    with pytest.raises(Failure, match=f"no title has '{text}' in it; it is no item's id either; try a part"):
        FILMS.find(text)


def known(*items: int | str | tuple[int | str, float]) -> list[TypedItem]:
    return [TypedItem(*(item if isinstance(item, tuple) else (item, None)), True) for item in items]


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("1,2,3", known(1, 2, 3)),
        ("1=5, 2=3.5", known((1, 5.0), (2, 3.5))),
        ("1,,2,", known(1, 2)),
        ("toy story 2, Matrix, The (1999)=4, heat", known(2, (3, 4.0), 4)),
        ("E=mc2, E=mc2=3", known(6, (6, 3.0))),
        ("matrix=-1e0", known((3, -1.0))),
        ("1,nope,9=x", [TypedItem(1, None, True), TypedItem("nope", None, False), TypedItem("9=x", None, False)]),
        ("99=4", [TypedItem(99, 4.0, False)]),
        ("heat and, dust=2", [TypedItem(7, None, True), TypedItem(7, 2.0, True)]),
    ],
)
def test_a_typed_list(text: str, items: list[TypedItem]) -> None:
    assert FILMS.find_all(text) == items


def test_ids_of_text_win_over_their_look() -> None:
    assert WORDS.find_all("007,a=b,c,d,a=b=2,7") == [
        *known("007", "a=b", "c,d", ("a=b", 2.0)),
        TypedItem("7", None, False),
    ]


@pytest.mark.parametrize("text", ["", " , ,"])
def test_an_empty_list_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="the list of items is empty"):
        FILMS.find_all(text)


def test_a_part_of_a_title_may_hold_a_comma() -> None:
    films = ItemFinder(Ids.from_sequence([1, 2]), Text.from_strings(["Terminator, The (1984)", "Terminator 2 (1991)"]))
    assert films.find_all("terminator, the, 2=4") == [TypedItem(1, None, True), TypedItem(2, 4.0, True)]
    with pytest.raises(Failure, match="'terminator' could be any of 2 titles"):
        films.find_all("terminator, 2")


@pytest.mark.parametrize("text", ["1=abc", "2, Heat=good", "Heat="])
def test_a_value_that_is_no_number_is_not_an_unknown_item(text: str) -> None:
    with pytest.raises(Failure, match=r"the value '\w*' of .* is not a number; write .*=4\.5, say\."):
        FILMS.find_all(text)
