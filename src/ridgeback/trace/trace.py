"""The record of a fit, and the doors to those who read it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ridgeback.errors import DataError, ParameterError

FORMAT, VERSION = "ridgeback.trace", 1


class Trace:
    """Every matrix of a fit at every half-step, or the rows that are watched.

    Pass it to ``fit(trace=)``; the fit changes in no bit. Without arguments it records everything, which is for small
    data (n_users * n_items <= 10,000). With `watch_users` or `watch_items` it records these rows, their neighbours and
    the losses of the whole fit, on data of any size.

    Parameters
    ----------
    watch_users, watch_items : id or iterable of ids, optional

    Attributes
    ----------
    header : dict
        Model, parameters, start, ids, titles, and the pairs that count with targets and weights.
    expected_bytes : int
        What the trace will keep, known before the first half-step: a callback that reads the start's record may end the
        fit for it. 0 before a fit. More than 1 GiB is refused.
    steps : list of dict
        The start, one entry a half-step, and the rotation. Matrices are float64 arrays. ``docs/trace.md`` has the
        schema.

    Notes
    -----
    The numbers of a row (A, b, x) are worked out in float64 from the factors that the fit held; beside them stands
    what the fit stored. Rows are worked out when they are looked at, so that memory holds the factors of every step and
    not every row's system.

    Examples
    --------
    >>> import ridgeback as rb
    >>> data = rb.Interactions.from_arrays(["ann", "ann", "bob"], ["tea", "milk", "tea"], ratings=[5, 1, 4])
    >>> trace = rb.Trace()
    >>> model = rb.ExplicitALS(n_factors=2, n_iterations=1).fit(data, trace=trace)
    >>> [step["side"] for step in trace.steps]
    ['start', 'users', 'items', 'rotation', 'final users']
    """

    def __init__(self, watch_users: Any = None, watch_items: Any = None) -> None:
        self.watch_users = _ids(watch_users, "watch_users")
        self.watch_items = _ids(watch_items, "watch_items")
        self.expected_bytes = 0
        self.header: dict[str, Any] = {}
        self.steps: list[dict[str, Any]] = []

    @property
    def is_whole(self) -> bool:
        """Whether everything is recorded."""
        return self.watch_users is None and self.watch_items is None

    def __repr__(self) -> str:
        if not self.header:
            return "Trace(nothing recorded yet: pass it to fit(trace=))"
        users, items = len(self.header["users"]["ids"]), len(self.header["items"]["ids"])
        model, kind = self.header["model"], self.header["kind"]
        return f"Trace({model}, {kind}, {users} users, {items} items, {len(self.steps)} steps)"

    def record(self) -> dict[str, Any]:
        """Header and steps as one dict of plain values and float64 arrays, every row worked out."""
        self._check_recorded()
        return {**self.header, "steps": [{**step, "rows": list(step["rows"])} for step in self.steps]}

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """The record as JSON, numbers in full precision and null where one is not finite; written to `path` too."""
        return _written(json.dumps(plain(self.record()), allow_nan=False, ensure_ascii=False), path)

    def to_html(self, path: str | os.PathLike[str] | None = None, other: Trace | None = None) -> str:
        """One HTML page with every matrix, step and cell's arithmetic; written to `path` too.

        Parameters
        ----------
        path : path, optional
        other : Trace, optional
            Shown beside this one, its steps moving along.

        Returns
        -------
        str
            It loads nothing from anywhere.
        """
        from ridgeback.trace.html import page

        return _written(page(self, other), path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """How a notebook shows it: the page, live where anywidget is installed."""
        from ridgeback.trace.notebook import mime_bundle

        return mime_bundle(self)

    def to_python(self, path: str | os.PathLike[str] | None = None) -> str:
        """A Python script that computes every number of the trace again; written to `path` too.

        It needs NumPy only, explains each formula beside the line that computes it, and ends with an error where a
        number is not the recorded one. ``docs/trace-script.md`` shows one.

        Raises
        ------
        ParameterError
            When nothing is recorded, or the script would hold more than 500,000 numbers: watch rows then.
        TraceMismatchError
            When the record is not what its own numbers make: a file that was changed, or a bug.
        """
        from ridgeback.trace.script import script

        return _written(script(self), path)

    @classmethod
    def from_json(cls, source: str | os.PathLike[str]) -> Trace:
        """The trace that `to_json` wrote: its text, or the path of its file.

        Raises
        ------
        DataError
            When it is not a trace, or of a later version.
        """
        is_text = isinstance(source, str) and source.lstrip().startswith("{")
        try:
            record = json.loads(str(source) if is_text else Path(source).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{'the text' if is_text else source} is not a trace: {error}.") from None
        if not isinstance(record, dict) or record.get("format") != FORMAT or not isinstance(record.get("steps"), list):
            raise DataError(f"{'the text' if is_text else source} is not a trace; Trace.to_json writes them.")
        if record.get("version") != VERSION:
            raise DataError(
                f"This trace has version {record.get('version')!r}; this Ridgeback reads version {VERSION}."
            )
        trace = cls()
        trace.steps = [{name: _numbers(value) for name, value in step.items()} for step in record.pop("steps")]
        for step in trace.steps:
            step["rows"] = [{name: _numbers(value) for name, value in row.items()} for row in step["rows"]]
        trace.header = {name: _numbers(value) for name, value in record.items()}
        return trace

    def show(
        self,
        step: Any = None,
        user: Any = None,
        item: Any = None,
        file: Any = None,
        rows: int = 10,
        width: int | None = None,
    ) -> None:
        """Tell the trace to a reader: matrices with marks on what changed, the loss and its parts, what to recommend.

        Parameters
        ----------
        step : int, iterable of int, or "all", optional
            Only these steps (negative ones counted from the end). None: the whole story, of a long fit the first and
            the last steps; "all": the whole story with every step.
        user, item : id, optional
            Show how this row is solved: A, b and x whole (up to 16 unknowns, or `rows`), with the numbers put into the
            formulas; given both, this pair's score too. Watched rows show theirs unasked.
        file : text stream, optional
            None: standard output. Colours and the width are those of its terminal; elsewhere it is plain text.
        rows : int, default=10
            Rows of a matrix to show at most, and sums of a large system; what is left out is counted.
        width : int, optional
            Columns to write at most. None: as many as the terminal has, 100 where there is none.

        Raises
        ------
        UnknownIdError
            When the trace does not hold that user or item.

        Examples
        --------
        >>> from ridgeback.examples import explicit_2x2
        >>> explicit_2x2(regularization=0.1).show(step=1, width=90)
        <BLANKLINE>
        step 1: iteration 1, users   each row solved exactly, items fixed
        users × factors              predicted ratings            rating - prediction
                    f1        f2             item 1    item 2              item 1  item 2
                  17 %      83 %     user 1  2.7129 ▲  1.9010 ▲   user 1   1.2871  0.0990
        user 1  2.6733 ▲  5.4455 ▲   user 2  3.2475 ▲  2.3267 ▲   user 2  -0.2475  2.6733
        user 2  2.1782 ▲  7.0297 ▲
        <BLANKLINE>
        user 1  A = [0.15 0.11; 0.11 0.35]  b = [1 2.2]    x = A⁻¹ b = [2.673 5.446]
        user 2  A = [0.15 0.11; 0.11 0.35]  b = [1.1 2.7]  x = A⁻¹ b = [2.178 7.03]
        <BLANKLINE>
        loss 51.0471 → 18.0003 = listed pairs 8.8741 + regularization 9.1262; MSE 2.2185
        """
        from ridgeback.trace.terminal import show

        self._check_recorded()
        show(self, step, user, item, file, rows, width)

    def _check_recorded(self) -> None:
        if not self.header:
            raise ParameterError("This trace has recorded nothing yet. Pass it to fit: model.fit(data, trace=trace).")


def plain(value: Any) -> Any:
    """What JSON knows: arrays become lists, numbers that are not finite become None."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def _written(text: str, path: str | os.PathLike[str] | None) -> str:
    """The text, also put into a file where a path is given."""
    if path is not None:
        Path(path).write_text(text, encoding="utf-8")
    return text


def _numbers(value: Any) -> Any:
    """Lists of numbers, nested or not, as float64 arrays with NaN for None; everything else as it is."""
    if not isinstance(value, list) or not value:
        return {name: _numbers(part) for name, part in value.items()} if isinstance(value, dict) else value
    flat = [number for part in value for number in (part if isinstance(part, list) else [part])]
    is_number = [isinstance(number, float) or number is None for number in flat]
    if not all(is_number) or all(number is None for number in flat):
        return value
    return np.array(value, dtype=np.float64)


def _ids(watched: Any, name: str) -> list[Any] | None:
    """Ids as a list; one id stands for itself."""
    if watched is None:
        return None
    if isinstance(watched, (str, int, np.integer)):
        return [watched]
    if not isinstance(watched, Iterable):
        raise ParameterError(
            f"The '{name}' parameter of Trace must be an id or a list of ids. Got {watched!r:.80} instead."
        )
    return list(watched)
