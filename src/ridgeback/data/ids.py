"""The table between ids, as the caller spells them, and rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback import _native
from ridgeback.data.closest import closest_rows
from ridgeback.data.labels import INT64, Labels, as_label, as_labels, canonical_int
from ridgeback.data.text import Text, as_positions
from ridgeback.errors import DataError, UnknownIdError

Rows = npt.NDArray[np.int32]


class Ids:
    """Unique ids, one a row: 64-bit ints or text. No Python object is kept per id.

    The constructor trusts its arguments; make tables with `from_sequence` or `factorize`.

    Parameters
    ----------
    values : ndarray of int64, or Text
        Unique.
    index : ndarray of int32, optional
        The hash table of text ids, where it is at hand (from a model file); else it is built when first needed.

    Notes
    -----
    A lookup costs one hash of the text and about 1.5 comparisons; ints in ascending order are found by binary search.
    The table takes 8 to 16 bytes an id. The hash function is specified in docs/model-file.md.

    Examples
    --------
    >>> codes, ids = Ids.factorize(["b", "a", "b", "007"])
    >>> codes.tolist(), ids
    ([2, 1, 2, 0], Ids(3 text: '007', 'a', 'b'))
    >>> ids.row("b"), ids.rows(["a", "c"]).tolist()
    (2, [1, -1])
    """

    __slots__ = ("_is_sorted", "_table", "values")

    values: Labels

    def __init__(self, values: Labels, index: npt.NDArray[np.int32] | None = None) -> None:
        self.values = values
        self._table = index
        self._is_sorted: bool | None = None

    @classmethod
    def from_sequence(cls, ids: Any, name: str = "ids") -> Ids:
        """A table that keeps the given order.

        Parameters
        ----------
        ids : array-like or Text
            Unique ints, text, dates or UUIDs.
        name : str
            What the caller calls them, for the message.

        Raises
        ------
        DataError
            If an id comes twice, or cannot be an id.
        """
        if isinstance(ids, Ids):
            return ids
        table = cls(as_labels(ids, name))
        table._check_unique(name)
        return table

    @classmethod
    def factorize(cls, values: Any, name: str = "ids") -> tuple[Rows, Ids]:
        """The row of every value, and the table of the distinct ones in ascending order.

        Ints ascend by value, text by its UTF-8 bytes.

        Parameters
        ----------
        values : array-like or Text
            Ints, text, dates or UUIDs; one kind only.
        name : str
            What the caller calls them, for the message.

        Returns
        -------
        codes : ndarray of int32
            Aligned with `values`.
        ids : Ids

        Raises
        ------
        DataError
            If a value is missing, a float, a bool, or of another kind than the first.

        Notes
        -----
        Linear in the number of values, plus a sort of the distinct ones.
        """
        labels = as_labels(values, name)
        if isinstance(labels, Text):
            codes, firsts = _native.factorize_text(labels.offsets, labels.data)
            table = cls(labels.take(firsts))
        else:
            codes, firsts = _native.factorize_ints(labels)
            table = cls(labels[firsts])
        table._is_sorted = True
        return codes, table

    @property
    def is_text(self) -> bool:
        """Whether the ids are text; else they are 64-bit ints."""
        return isinstance(self.values, Text)

    @property
    def is_sorted(self) -> bool:
        """Whether rows are in ascending order of id."""
        if self._is_sorted is None:
            values = self.values
            if isinstance(values, Text):
                self._is_sorted = _native.is_ascending_text(values.offsets, values.data)
            else:
                self._is_sorted = bool(np.all(values[1:] > values[:-1]))
        return self._is_sorted

    @property
    def index(self) -> npt.NDArray[np.int32] | None:
        """The hash table of text ids, built now if need be; None for ints."""
        return self._hash_table() if self.is_text else None

    @property
    def nbytes(self) -> int:
        """Size of the buffers, with the hash table where there is one."""
        return int(self.values.nbytes) + (0 if self._table is None else int(self._table.nbytes))

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, row: int) -> int | str:
        value = self.values[row]
        return value if isinstance(value, str) else int(value)

    def __iter__(self) -> Iterator[int | str]:
        if isinstance(self.values, Text):
            yield from self.values
        else:
            for start in range(0, len(self.values), 65_536):
                yield from self.values[start : start + 65_536].tolist()

    def __contains__(self, id: object) -> bool:
        return self.find(id) >= 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ids):
            return NotImplemented
        if isinstance(self.values, Text) or isinstance(other.values, Text):
            return self.is_text == other.is_text and bool(self.values == other.values)
        return np.array_equal(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = [repr(self[i]) for i in range(min(len(self), 3))] + (["..."] if len(self) > 3 else [])
        return f"Ids({len(self)} {'text' if self.is_text else 'int'}: {', '.join(shown)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Ids, (self.values if isinstance(self.values, Text) else np.array(self.values),)

    def row(self, id: Any, name: str = "id") -> int:
        """The row of one id.

        Parameters
        ----------
        id : int, str, date or UUID
        name : str
            What the caller calls it ("user", "item"), for the message.

        Raises
        ------
        UnknownIdError
            If it is not in the table; the message names the closest ids that are.
        """
        found = self.find(id)
        if found < 0:
            raise UnknownIdError(self._describe_unknown(id, name))
        return found

    def find(self, id: Any) -> int:
        """The row of one id, -1 where it is unknown or of another type."""
        label = as_label(id)
        if isinstance(self.values, Text):
            return int(self._look_up(_query(label))[0]) if isinstance(label, str) else -1
        if not isinstance(label, int) or not INT64.min <= label <= INT64.max:
            return -1
        return int(self._look_up(np.array([label], np.int64))[0])

    def rows(self, ids: Any) -> Rows:
        """The row of each id, -1 where it is unknown. An `Ids` is matched as by `match`.

        Raises
        ------
        DataError
            If a value cannot be an id at all: missing, a float, a bool.
        """
        if isinstance(ids, Ids):
            return self.match(ids)
        try:
            labels = as_labels(ids)
        except DataError:
            return self._rows_one_by_one(ids)
        if isinstance(labels, Text) != self.is_text:
            return np.full(len(labels), -1, np.int32)
        return self._look_up(labels)

    def match(self, other: Ids) -> Rows:
        """The row here of each id of another table, -1 where unknown; ints match their canonical decimal text."""
        values = other.values
        if isinstance(values, Text) == self.is_text:
            return self._look_up(values)
        if not isinstance(values, Text):
            return self._look_up(Text(*_native.spell_ints(values)))
        numbers, is_int = _native.parse_canonical_ints(values.offsets, values.data)
        rows = self._look_up(numbers)
        rows[is_int == 0] = -1
        return rows

    def parse(self, text: str) -> int | str:
        """The id that a word of the command line means: itself, or the int it spells where ids are ints.

        Raises
        ------
        UnknownIdError
            If ids are ints and the word is not the canonical decimal of one.
        """
        if self.is_text:
            return text
        number = canonical_int(text)
        if number is None:
            raise UnknownIdError(self._describe_unknown(text, "id"))
        return number

    def closest(self, id: Any, n: int = 3) -> list[int | str]:
        """Up to n known ids that look most like this one.

        Ints: the nearest numbers. Text: the smallest edit distance, at most half the length of the id.
        At most a million ids are looked at: in a larger table those around the place where the id would stand, if it
        is in ascending order, else the first.
        """
        label = as_label(id)
        if label is None:
            return []
        return [self[row] for row in closest_rows(self.values, label, n, self.is_sorted)]

    def append(self, other: Ids) -> Ids:
        """This table followed by another one, whose ids are converted to this table's type.

        Raises
        ------
        DataError
            If an id is in both, or these ids are ints and one of the others is not the decimal of one.
        """
        values = _converted(other.values, self.is_text)
        if isinstance(self.values, Text) and isinstance(values, Text):
            offsets = np.concatenate([self.values.offsets, values.offsets[1:] + self.values.offsets[-1]])
            table = Ids(Text(offsets, np.concatenate([self.values.data, values.data])))
        else:
            table = Ids(np.concatenate([self.values, values]))
        table._check_unique("ids")
        return table

    def take(self, rows: Sequence[int] | npt.NDArray[Any]) -> Ids:
        """The table of these rows (or of this mask), in this order."""
        if isinstance(self.values, Text):
            return Ids(self.values.take(rows))
        return Ids(self.values[as_positions(rows, len(self))])

    def drop(self, row: int) -> Ids:
        """The table without this row; later rows move up."""
        kept = np.ones(len(self), bool)
        kept[row] = False
        return self.take(kept)

    def to_numpy(self) -> npt.NDArray[Any]:
        """int64 numbers, or an array of Python strings made now."""
        return self.values.to_numpy() if isinstance(self.values, Text) else np.array(self.values)

    def _rows_one_by_one(self, ids: Any) -> Rows:
        """Rows of ids that are not of one kind; raises where one cannot be an id."""
        values = list(ids) if not isinstance(ids, (str, bytes)) and np.iterable(ids) else [None]
        if any(as_label(value) is None for value in values):
            as_labels(ids)
        return np.array([self.find(value) for value in values], np.int32)

    def _look_up(self, labels: Any) -> Rows:
        """Rows of labels of this table's type."""
        values = self.values
        rows: Rows
        if isinstance(values, Text):
            table = self._hash_table()
            rows = _native.look_up_text(values.offsets, values.data, table, labels.offsets, labels.data)
        elif self.is_sorted:
            rows = _native.look_up_ascending(values, labels)
        else:
            rows = _native.look_up_ints(values, self._hash_table(), labels)
        return rows

    def _hash_table(self) -> npt.NDArray[np.int32]:
        """The hash table over the ids, built once."""
        if self._table is None:
            self._table = _build_table(self.values)[0]
        return self._table

    def _check_unique(self, name: str) -> None:
        """Raise DataError at the first id that comes twice."""
        if not self.is_text and self.is_sorted:
            return
        self._table, first, second = _build_table(self.values)
        if second >= 0:
            self._table = None
            raise DataError(
                f"{name} must be unique; got {self[first]!r} at positions {first} and {second}; leave out one of them."
            )

    def _describe_unknown(self, id: Any, name: str) -> str:
        """The sentence for an id that is not in the table."""
        kind = "text" if self.is_text else "ints"
        label = as_label(id)
        other = "text" if isinstance(label, str) else "ints" if isinstance(label, int) else type(id).__name__
        sentence = f"{name} {id!r} is unknown among {len(self)} ids"
        if other != kind:
            sentence += f", which are {kind}"
        near = self.closest(id)
        if not near:
            return f"{sentence}."
        return f"{sentence}; the closest {'is' if len(near) == 1 else 'are'} {', '.join(map(repr, near))}."


def _build_table(values: Labels) -> tuple[npt.NDArray[np.int32], int, int]:
    """The hash table over the values, and the rows of the first one that comes twice (-1, -1 where none does)."""
    if isinstance(values, Text):
        table, first, second = _native.build_text_table(values.offsets, values.data)
    else:
        table, first, second = _native.build_int_table(values)
    return table, first, second


def _query(text: str) -> Text:
    """One string to look up; half a surrogate pair becomes bytes that no id has."""
    raw = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    return Text(np.array([0, len(raw)], np.int64), raw)


def _converted(values: Labels, to_text: bool) -> Labels:
    """Ids in the other type where need be: ints as their decimal text, text as the ints it spells."""
    if isinstance(values, Text) == to_text:
        return values
    if not isinstance(values, Text):
        return Text(*_native.spell_ints(values))
    numbers: npt.NDArray[np.int64]
    numbers, is_int = _native.parse_canonical_ints(values.offsets, values.data)
    if not is_int.all():
        raise DataError(
            f"the ids of this table are ints; got the text {values[int(np.argmin(is_int))]!r}; "
            "give ints, or start anew with all ids as text."
        )
    return numbers
