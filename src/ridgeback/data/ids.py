"""The table between ids, as the caller spells them, and rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.data.labels import Labels, as_label, as_labels, canonical_int
from ridgeback.data.text import Text
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

    Examples
    --------
    >>> codes, ids = Ids.factorize(["b", "a", "b", "007"])
    >>> codes.tolist(), ids
    ([2, 1, 2, 0], Ids(3 text: '007', 'a', 'b'))
    >>> ids.row("b"), ids.rows(["a", "c"]).tolist()
    (2, [1, -1])
    """

    __slots__ = ("_is_sorted", "_lookup", "values")

    values: Labels

    def __init__(self, values: Labels, index: npt.NDArray[np.int32] | None = None) -> None:
        self.values = values
        self._is_sorted: bool | None = None
        self._lookup: dict[Any, int] | None = None

    @classmethod
    def from_sequence(cls, ids: Any, name: str = "ids") -> Ids:
        """A table that keeps the given order.

        Raises
        ------
        DataError
            If an id comes twice, or cannot be an id.
        """
        table = cls(as_labels(ids, name))
        table._check_unique(name)
        return table

    @classmethod
    def factorize(cls, values: Any, name: str = "ids") -> tuple[Rows, Ids]:
        """The row of every value, and the table of the distinct ones in ascending order.

        Ints ascend by value, text by its UTF-8 bytes.
        """
        labels = as_labels(values, name)
        if isinstance(labels, Text):
            unique, codes = np.unique(labels.to_numpy(), return_inverse=True)
            table = cls(Text.from_strings(unique.tolist()))
        else:
            unique, codes = np.unique(labels, return_inverse=True)
            table = cls(unique)
        table._is_sorted = True
        return codes.astype(np.int32), table

    @property
    def is_text(self) -> bool:
        """Whether the ids are text; else they are 64-bit ints."""
        return isinstance(self.values, Text)

    @property
    def is_sorted(self) -> bool:
        """Whether rows are in ascending order of id."""
        if self._is_sorted is None:
            self._is_sorted = all(a < b for a, b in zip(self, list(self)[1:], strict=False))
        return self._is_sorted

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, row: int) -> int | str:
        value = self.values[row]
        return value if isinstance(value, str) else int(value)

    def __iter__(self) -> Iterator[int | str]:
        return iter(self.values) if isinstance(self.values, Text) else iter(self.values.tolist())

    def __contains__(self, id: object) -> bool:
        return self._find(id) >= 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ids):
            return NotImplemented
        if isinstance(self.values, Text) or isinstance(other.values, Text):
            return self.values is other.values or bool(self.values == other.values)
        return np.array_equal(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = [repr(self[i]) for i in range(min(len(self), 3))] + (["..."] if len(self) > 3 else [])
        return f"Ids({len(self)} {'text' if self.is_text else 'int'}: {', '.join(shown)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Ids, (self.values if isinstance(self.values, Text) else np.array(self.values),)

    def row(self, id: Any) -> int:
        """The row of one id.

        Raises
        ------
        UnknownIdError
            If it is not in the table; the message names the closest ids that are.
        """
        found = self._find(id)
        if found < 0:
            raise UnknownIdError(self._describe_unknown(id))
        return found

    def rows(self, ids: Any) -> Rows:
        """The row of each id, -1 where it is unknown. An `Ids` is matched as by `match`."""
        if isinstance(ids, Ids):
            return self.match(ids)
        if isinstance(ids, (str, bytes)):
            as_labels(ids)
        return np.fromiter((self._find(v) for v in ids), np.int32)

    def match(self, other: Ids) -> Rows:
        """The row here of each id of another table, -1 where unknown; ints match their canonical decimal text."""
        if self.is_text == other.is_text:
            return np.fromiter((self._find(v) for v in other), np.int32, len(other))
        if self.is_text:
            return np.fromiter((self._find(str(v)) for v in other), np.int32, len(other))
        return np.fromiter((self._find(canonical_int(str(v))) for v in other), np.int32, len(other))

    def parse(self, text: str) -> int | str:
        """The id that a word of the command line means: itself, or the int it spells where ids are ints."""
        if self.is_text:
            return text
        number = canonical_int(text)
        if number is None:
            raise UnknownIdError(self._describe_unknown(text))
        return number

    def closest(self, id: Any, n: int = 3) -> list[int | str]:
        """Up to n known ids that look most like this one; a bounded search."""
        import difflib

        label = as_label(id)
        pool = {str(self[i]): self[i] for i in range(min(len(self), 20_000))}
        return [pool[m] for m in difflib.get_close_matches(str(label), pool, n=n, cutoff=0.3)]

    def append(self, other: Ids) -> Ids:
        """This table followed by another, which must be of the same kind and have no id in common."""
        values = other.values
        if isinstance(self.values, Text):
            if not isinstance(values, Text):
                values = Text.from_strings([str(v) for v in values.tolist()])
            offsets = np.concatenate([self.values.offsets, values.offsets[1:] + self.values.offsets[-1]])
            table = Ids(Text(offsets, np.concatenate([self.values.data, values.data])))
        else:
            if isinstance(values, Text):
                numbers = [canonical_int(v) for v in values]
                if None in numbers:
                    raise DataError(
                        f"ids of this table are ints; got the text {values[numbers.index(None)]!r}; "
                        "read the new events with int ids, or refit with all ids as text."
                    )
                values = np.array(numbers, np.int64)
            table = Ids(np.concatenate([self.values, values]))
        table._check_unique("ids")
        return table

    def take(self, rows: Sequence[int] | npt.NDArray[Any]) -> Ids:
        """The table of these rows, in this order."""
        if isinstance(self.values, Text):
            return Ids(self.values.take(rows))
        return Ids(self.values[np.asarray(rows, np.int64)])

    def drop(self, row: int) -> Ids:
        """The table without this row; later rows move up."""
        return self.take(np.delete(np.arange(len(self)), row))

    def to_numpy(self) -> npt.NDArray[Any]:
        """int64 numbers, or an array of Python strings made now."""
        return self.values.to_numpy() if isinstance(self.values, Text) else np.array(self.values)

    def _find(self, id: Any) -> int:
        """The row of one id, -1 where it is unknown."""
        if self._lookup is None:
            self._lookup = {value: row for row, value in enumerate(self)}
        label = as_label(id)
        return -1 if label is None else self._lookup.get(label, -1)

    def _check_unique(self, name: str) -> None:
        """Raise DataError at the first id that comes twice."""
        seen: dict[Any, int] = {}
        for row, value in enumerate(self):
            if value in seen:
                raise DataError(
                    f"{name} must be unique; got {value!r} at positions {seen[value]} and {row}; "
                    "leave out one of them, or use factorize where repeats are meant."
                )
            seen[value] = row

    def _describe_unknown(self, id: Any) -> str:
        """The sentence for an id that is not in the table."""
        near = ", ".join(repr(v) for v in self.closest(id))
        return f"id {id!r} is unknown among {len(self)} ids" + (f"; the closest are {near}." if near else ".")
