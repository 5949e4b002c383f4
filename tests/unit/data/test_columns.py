import pytest

from ridgeback.data.columns import ColumnRequest, choose_columns
from ridgeback.errors import DataError, ParameterError


def choose(names, n_columns=None, **asked):
    request = ColumnRequest(**asked)
    return choose_columns(request.asked(), ("user", "item"), names, n_columns or len(names), "ratings.csv")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["userId", "movieId", "rating", "timestamp"], {"user": 0, "item": 1, "rating": 2, "timestamp": 3}),
        (["UserID", "ArtistID", "weight"], {"user": 0, "item": 1, "rating": 2}),
        (["time", "rate", "movie", "user"], {"user": 3, "item": 2, "rating": 1, "timestamp": 0}),
        (
            ["user_id", "user_age", "product_id", "product_name", "quantity", "weight"],
            {"user": 0, "item": 2, "rating": 4},
        ),
        (["user", "item", "plays", "count"], {"user": 0, "item": 1, "rating": 3}),
        (["username", "track_uri", "date"], {"user": 0, "item": 1, "timestamp": 2}),
        (["user", "book"], {"user": 0, "item": 1}),
    ],
)
def test_usual_names_are_guessed(names, expected):
    chosen = choose(names)
    assert chosen.positions == expected
    assert chosen.guessed == tuple(expected)
    assert chosen.names == {part: names[place] for part, place in expected.items()}


def test_what_is_asked_for_is_not_guessed():
    names = ["buyer", "sku", "rating", "weight", "time"]
    chosen = choose(names, user="buyer", item=1, weight="weight", timestamp=False, rating=False)
    assert chosen.positions == {"user": 0, "item": 1, "weight": 3}
    assert chosen.guessed == ()


def test_the_weight_argument_is_never_guessed_and_takes_its_column_from_the_rating():
    assert choose(["user", "item", "weight"], weight="weight").positions == {"user": 0, "item": 1, "weight": 2}
    assert "weight" not in choose(["user", "item", "weight"]).positions


def test_with_an_event_column_no_rating_is_guessed():
    assert choose(["user", "item", "rating", "kind"], event="kind").positions == {"user": 0, "item": 1, "event": 3}


def test_without_header_columns_go_by_position():
    chosen = choose(None, 4, user=0, item="1", rating=2)
    assert chosen.positions == {"user": 0, "item": 1, "rating": 2}
    assert chosen.names["rating"] == "column 2"


def test_a_column_called_like_a_number_is_found_by_name_first():
    assert choose(["1", "0"], user="0", item="1").positions == {"user": 1, "item": 0}


@pytest.mark.parametrize(
    ("names", "n_columns", "asked", "match"),
    [
        (["user", "item"], 2, {"rating": "ratng"}, "has no column 'ratng'; its columns are 'user', 'item'"),
        (["user", "item", "rating"], 3, {"rating": "Ratng"}, "did you mean 'rating'"),
        (["user", "item"], 2, {"rating": 2}, "no column at position 2; it has 2, counted from 0 to 1"),
        (["user", "item"], 2, {"rating": -1}, "no column at position -1"),
        (["user", "a", "a"], 3, {"item": "a"}, r"2 columns called 'a', at positions \[1, 2\]; .*: item=1"),
        (["a", "b"], 2, {}, r"looks like the user and item; its columns are 'a', 'b'\. Pass user=\.\.\., item=\.\.\."),
        (["user", "movie_id", "item_id"], 3, {}, "may be the item: 'movie_id', 'item_id'; say which with item="),
        (None, 3, {"user": "user", "item": 1}, "no header line, so there is no column 'user'; pass positions"),
        (None, 3, {}, "no header line to find the user and item by; it has 3 columns"),
    ],
)
def test_columns_that_cannot_be_found(names, n_columns, asked, match):
    with pytest.raises(DataError, match=match):
        choose(names, n_columns, **asked)


def test_a_bool_is_no_column():
    with pytest.raises(ParameterError, match=r"'user' parameter must be a column name or position\. Got True"):
        choose(["user", "item"], user=True)
    with pytest.raises(ParameterError, match="'item' parameter"):
        choose(["user", "item"], item=False)
