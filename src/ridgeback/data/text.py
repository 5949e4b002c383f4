"""Many strings in two buffers: no Python object per string, and the same layout as in the model file."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback import _native
from ridgeback.errors import DataError

Offsets = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


class Text:
    """An immutable sequence of strings: UTF-8 bytes one after the other, and where each begins.

    String ``i`` is ``data[offsets[i]:offsets[i + 1]]``. The constructor trusts its arguments;
    `from_buffers` checks them and `from_strings` makes them.

    Parameters
    ----------
    offsets : ndarray of int64, shape (n + 1,)
        Ascending, from 0 to ``len(data)``.
    data : ndarray of uint8
        The UTF-8 bytes of all strings.

    Examples
    --------
    >>> text = Text.from_strings(["Parasite", "", "기생충"])
    >>> len(text), text[2], text.nbytes
    (3, '기생충', 49)
    >>> text.take([2, 0])
    Text(['기생충', 'Parasite'])
    """

    __slots__ = ("data", "offsets")

    offsets: Offsets
    data: Bytes

    def __init__(self, offsets: Offsets, data: Bytes) -> None:
        self.offsets = offsets
        self.data = data

    @classmethod
    def from_strings(cls, strings: Iterable[str]) -> Text:
        """Copy Python strings.

        Raises
        ------
        DataError
            If an element is not a string, or holds half of a surrogate pair, which UTF-8 cannot express.
        """
        values = strings if isinstance(strings, list) else list(strings)
        try:
            joined = "".join(values).encode()
        except TypeError:
            place, value = next((i, v) for i, v in enumerate(values) if not isinstance(v, str))
            raise DataError(
                f"Text holds strings only; got {type(value).__name__} ({value!r}) at position {place}; "
                "convert it with str() or leave it out."
            ) from None
        except UnicodeEncodeError:
            place, value = next((i, v) for i, v in enumerate(values) if _has_surrogate(v))
            raise DataError(
                f"the text at position {place} ({value!r}) holds half of a surrogate pair, which UTF-8 cannot express; "
                "read the source in its own encoding or repair it with text.encode('utf-8', 'replace').decode()."
            ) from None
        offsets = np.zeros(len(values) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, values), np.int64, len(values)), out=offsets[1:])
        if offsets[-1] != len(joined):  # not all ASCII: count bytes instead of characters
            np.cumsum(np.fromiter((len(v.encode()) for v in values), np.int64, len(values)), out=offsets[1:])
        return cls(offsets, np.frombuffer(joined, np.uint8))

    @classmethod
    def from_buffers(cls, offsets: npt.ArrayLike, data: npt.ArrayLike | bytes) -> Text:
        """Check offsets and UTF-8 bytes that came from elsewhere; nothing is copied where the types fit.

        Raises
        ------
        DataError
            If the offsets do not ascend from 0 to the number of bytes, or a string is not valid UTF-8.
        """
        starts = np.ascontiguousarray(offsets, np.int64)
        raw = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else np.ascontiguousarray(data, np.uint8)
        if starts.ndim != 1 or raw.ndim != 1:
            raise DataError(
                f"offsets and data of text must be one-dimensional; got shapes {starts.shape} and {raw.shape}."
            )
        check_offsets(starts, len(raw))
        text = cls(starts, raw)
        text.check_utf8()
        return text

    def check_utf8(self) -> None:
        """Raise DataError at the first string that is not valid UTF-8."""
        place = _native.first_invalid_utf8(self.offsets, self.data)
        if place >= 0:
            raw = self.data[self.offsets[place] : self.offsets[place + 1]].tobytes()
            raise DataError(f"the text at position {place} is not valid UTF-8: {raw[:40]!r}; decode it first.")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, i: int) -> str:
        n = len(self)
        place = int(i)
        if not -n <= place < n:
            raise IndexError(f"position {i} is outside a text of {n} strings")
        place %= n
        return self.data[self.offsets[place] : self.offsets[place + 1]].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        block = 65_536
        for start in range(0, len(self), block):
            stop = min(start + block, len(self))
            bounds = self.offsets[start : stop + 1]
            raw = self.data[bounds[0] : bounds[-1]].tobytes()
            places = (bounds - bounds[0]).tolist()
            for begin, end in itertools.pairwise(places):
                yield raw[begin:end].decode()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Text):
            return NotImplemented
        return np.array_equal(self.offsets, other.offsets) and np.array_equal(self.data, other.data)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = [repr(self[i]) for i in range(min(len(self), 3))]
        more = [f"... {len(self)} in all"] if len(self) > len(shown) else []
        return f"Text([{', '.join(shown + more)}])"

    def __reduce__(self) -> tuple[Any, ...]:
        return Text, (np.array(self.offsets), np.array(self.data))

    @property
    def nbytes(self) -> int:
        """Size of both buffers."""
        return int(self.offsets.nbytes + self.data.nbytes)

    def take(self, rows: Sequence[int] | npt.NDArray[Any]) -> Text:
        """The strings at these positions, in this order."""
        return Text(*_native.gather_text(self.offsets, self.data, as_positions(rows, len(self))))

    def to_numpy(self) -> npt.NDArray[np.object_]:
        """The strings as an array of Python objects, made now."""
        values = np.empty(len(self), object)
        values[:] = list(self)
        return values


def check_offsets(offsets: Offsets, n_bytes: int) -> None:
    """Raise DataError unless the offsets ascend from 0 to n_bytes."""
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != n_bytes:
        ends = f"{offsets[0]} to {offsets[-1]}" if len(offsets) else "nothing"
        raise DataError(f"offsets of text must go from 0 to the number of bytes, {n_bytes}; got {ends}.")
    i = _native.first_falling_offset(offsets)
    if i >= 0:
        raise DataError(
            f"offsets of text must not fall; got {offsets[i]} then {offsets[i + 1]} at positions {i} and {i + 1}."
        )


def as_positions(rows: Sequence[int] | npt.NDArray[Any], n: int) -> npt.NDArray[np.int64]:
    """Positions below n as int64, from positions or from a mask of length n."""
    places = np.asarray(rows)
    if places.dtype == bool:
        if places.shape != (n,):
            raise DataError(f"a mask needs one value a row, {n}; got shape {places.shape}.")
        return np.flatnonzero(places).astype(np.int64)
    places = np.ascontiguousarray(places, np.int64)
    if len(places) and (places.min() < 0 or places.max() >= n):
        raise IndexError(f"rows must be from 0 to {n - 1}; got {places.min()} to {places.max()}")
    return places


def _has_surrogate(value: str) -> bool:
    """Whether UTF-8 cannot express the string."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False
