import pytest

from ridgeback.data.dialect import find_dialect
from ridgeback.errors import DataError


def find(text, separator=None, header=None, wants_names=False):
    return find_dialect(text.encode(), "a.csv", separator, header, wants_names, True)


@pytest.mark.parametrize(
    ("text", "separator", "names", "n_cells"),
    [
        ("userId,movieId,rating\n1,2,3\n", ",", ("userId", "movieId", "rating"), 3),
        ("1::1193::5::978300760\n1::661::3::978302109\n", "::", None, 4),
        ("196\t242\t3\t881250949\n", "\t", None, 4),
        ('movieId,title,genres\n1,"Twelve, The (1995)",A|B|C\n2,Heat,A|B\n', ",", ("movieId", "title", "genres"), 3),
        ("1|Toy Story, The (1995)|01-Jan-1995||x\n2|GoldenEye|y|z|w\n", "|", None, 5),
        ("movie\ttitle, and more\n1\ta, b\n", "\t", ("movie", "title, and more"), 2),
        ("ann;film;x\nbob;other;y\n", ";", None, 3),
        ("user;item\nann;film\n", ";", ("user", "item"), 2),
        (" a , b \n1,2\n", ",", ("a", "b"), 2),
    ],
)
def test_separator_and_header_are_found(text, separator, names, n_cells):
    dialect = find(text)
    assert (dialect.separator, dialect.names, dialect.n_cells) == (separator, names, n_cells)
    assert dialect.has_header == (names is not None)


def test_header_as_the_caller_says():
    assert find("1,2\n3,4\n", header=True).names == ("1", "2")
    assert find("user,item\n3,4\n", header=False).names is None
    assert find("ann,film\nbob,other\n", wants_names=True).names == ("ann", "film")


@pytest.mark.parametrize(
    ("text", "separator", "has_quotes"),
    [
        ("a,b\n1,2\n", ",", True),
        ('1::"Great" Cats::x\n', "::", False),
        ('1::"Great Cats"::x\n', "::", True),
        ('1\t"a\n', "\t", False),
        ("1\ta\n", "\t", False),
    ],
)
def test_quotes_are_the_custom_of_comma_files_and_others_show_it(text, separator, has_quotes):
    assert find(text, separator).has_quotes == has_quotes


def test_nothing_to_separate():
    with pytest.raises(DataError, match=r"first line of a\.csv has none of the separators .*: 'hello world'"):
        find("hello world\n")
