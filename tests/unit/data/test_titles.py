import pytest

from ridgeback.data.ids import Ids
from ridgeback.data.text import Text
from ridgeback.data.titles import Titles
from ridgeback.errors import DataError


@pytest.fixture
def titles():
    return Titles(Ids.from_sequence([7, 9, 11]), Text.from_strings(["Heat", "기생충", "Ronin"]))


def test_get(titles):
    assert (titles.get(9), titles.get(8), titles.get(8, "?")) == ("기생충", None, "?")
    assert titles.get("9") is None
    assert titles.get(None, "?") == "?"
    assert len(titles) == 3


def test_aligned_with_other_ids(titles):
    assert list(titles.for_ids(Ids.from_sequence([11, 8, 7]))) == ["Ronin", "", "Heat"]
    assert list(titles.for_ids(Ids.from_sequence(["9", "09"]))) == ["기생충", ""]
    assert list(titles.for_ids(Ids.from_sequence([]))) == []


def test_needs_one_title_an_id():
    with pytest.raises(DataError, match="one title an id; got 1 ids and 2 titles"):
        Titles(Ids.from_sequence([7]), Text.from_strings(["a", "b"]))
