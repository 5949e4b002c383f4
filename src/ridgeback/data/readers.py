"""The ways in: one function for tables of events, one for titles."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ridgeback.data.byte_source import existing_file, magic_bytes
from ridgeback.data.columns import Column, ColumnRequest
from ridgeback.data.event_table import ReadOptions
from ridgeback.data.interactions import Interactions
from ridgeback.data.pairs import DuplicateRule
from ridgeback.data.titles import Titles
from ridgeback.errors import DataError, ParameterError

_JSON_ENDINGS = (".jsonl", ".ndjson", ".json")


def read_interactions(
    source: Any = None,
    user: Column = None,
    item: Column = None,
    rating: Column | bool = None,
    timestamp: Column | bool = None,
    weight: Column = None,
    event: Column = None,
    event_weights: Mapping[Any, float] | None = None,
    separator: str | None = None,
    header: bool | None = None,
    encoding: str = "utf-8",
    query: str | None = None,
    connection: Any = None,
    duplicates: DuplicateRule | None = None,
    on_bad_rows: str = "error",
    titles: Titles | str | os.PathLike[str] | None = None,
) -> Interactions:
    """Read a table of events.

    Parameters
    ----------
    source : path or frame, optional
        A text file (CSV, TSV, any separator; also packed by gzip, bzip2 or xz), a Parquet file, a JSON Lines file, or a
        frame of pandas, polars, pyarrow or anything with ``__arrow_c_stream__``. Left out where there is a `query`.
    user, item : str or int, optional
        Columns of ids, by name or by position counted from 0. Left out, they are guessed from the usual names (user*;
        item*, movie*, artist*, product*, track*, book*) and the guess is put into the report.
    rating : str or int, optional
        Column of the value: a rating, a count, an amount. Left out it is guessed (rating, rate, score, count, plays,
        quantity, or weight when none of these is there); without one, or with False, each row counts 1.
    timestamp : str or int, optional
        Column of times: whole numbers, dates or date-times. Left out it is guessed (timestamp, time, date); False: none
    weight : str or int, optional
        Column saying how much an observation counts, 0 or more; never guessed.
    event : str or int, optional
        Column of the kind of event; needs `event_weights`.
    event_weights : mapping of kind to number, optional
        The value by kind of event, e.g. ``{"view": 1, "cart": 3, "buy": 10}``.
    separator : str, optional
        What stands between the columns of a text file, one or more characters. None: found from the first lines.
    header : bool, optional
        Whether the first line of a text file names the columns. None: found from the first lines.
    encoding : str
        Encoding of a text file, e.g. "latin-1" or "cp949".
    query : str, optional
        SQL over files (``"select * from 'events-*.parquet'"``), or over the `connection`.
    connection : DB-API connection, optional
        Where the query runs.
    duplicates : {"sum", "mean", "max", "last"}, optional
        What becomes of several rows of one user and item. None: "last" (by timestamp, else by row) with ratings, "sum"
        without and with events.
    on_bad_rows : {"error", "skip"}
        Whether a row that is no interaction is an error, or left out and counted in the report.
    titles : Titles or path, optional
        Names of items, shown beside their ids.

    Returns
    -------
    Interactions
        Its `report` says which columns were used and guessed, and how many rows were duplicates or skipped.

    Raises
    ------
    BadRowsError
        At a missing id, a value that is no finite number, a time that is none, or a row with too few or too many cells,
        naming file, line, column and value.
    DataError
        When the source is missing, damaged, empty or of another kind, or a column is not there.
    ParameterError
        When arguments contradict each other.

    Notes
    -----
    A column of ids in a text file is int64 only if every value is the canonical decimal of one ("007", "+7" and "7.0"
    are not); otherwise all its ids are text, spelled as in the file. A text file is read in blocks: memory is that of
    the result, about 28 bytes a row with timestamps, plus half as much while rows of one pair are merged.

    Examples
    --------
    >>> import tempfile, pathlib, ridgeback as rb
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "ratings.csv")
    >>> _ = path.write_text("userId,movieId,rating\\nann,10,5\\nbob,10,3\\nann,20,1\\n")
    >>> data = rb.read_interactions(path)
    >>> data
    Interactions(2 users x 2 items, 3 interactions)
    >>> data.report["columns"]
    {'user': 'userId', 'item': 'movieId', 'rating': 'rating'}
    >>> folder.cleanup()
    """
    request = ColumnRequest(user, item, rating, timestamp, weight, event)
    if titles is not None and not isinstance(titles, Titles):
        titles = read_titles(titles)
    options = ReadOptions(event_weights, duplicates, on_bad_rows, titles)
    if (source is None) == (query is None):
        got = "neither" if source is None else "both"
        raise ParameterError(f"Pass 'source' (a file or a frame), or 'query', and not both. Got {got}.")
    if connection is not None and query is None:
        raise ParameterError("The 'connection' parameter needs 'query', the SELECT to run there.")
    if query is not None:
        return _read_query(query, connection, request, options)
    if isinstance(source, (str, os.PathLike)):
        return _read_file(os.fspath(source), request, options, separator, header, encoding)
    from ridgeback.data.frames import read_frame

    return read_frame(source, request, options)


def read_titles(
    path: str | os.PathLike[str],
    item: Column = None,
    title: Column = None,
    separator: str | None = None,
    header: bool | None = None,
    encoding: str = "utf-8",
) -> Titles:
    """Read names of items, which are then shown beside their ids.

    Parameters
    ----------
    path : path
        A text file, a Parquet file or a JSON Lines file.
    item, title : str or int, optional
        Columns, by name or by position counted from 0; guessed from the usual names when left out (title, name).
    separator, header, encoding
        As in `read_interactions`.

    Returns
    -------
    Titles
        Of several titles for one item the last.
    """
    file = _existing(path)
    asked = {"item": item, "title": title}
    kind = _kind(file)
    if kind == "text":
        from ridgeback.data.text_files import read_text_titles

        return read_text_titles(file, asked, separator, header, encoding)
    if kind == "json":
        from ridgeback.data.json_lines import read_json_titles

        return read_json_titles(file, asked)
    from ridgeback.data.queries import read_parquet_titles

    return read_parquet_titles(file, asked)


def _read_query(query: str, connection: Any, request: ColumnRequest, options: ReadOptions) -> Interactions:
    if connection is None:
        from ridgeback.data.queries import read_query

        return read_query(query, request, options)
    from ridgeback.data.databases import read_connection

    return read_connection(query, connection, request, options)


def _read_file(
    path: str | bytes,
    request: ColumnRequest,
    options: ReadOptions,
    separator: str | None,
    header: bool | None,
    encoding: str,
) -> Interactions:
    file = _existing(path)
    kind = _kind(file)
    if kind == "text":
        from ridgeback.data.text_files import read_text_interactions

        return read_text_interactions(file, request, options, separator, header, encoding)
    if kind == "json":
        from ridgeback.data.json_lines import read_json_lines

        return read_json_lines(file, request, options)
    from ridgeback.data.queries import read_parquet

    return read_parquet(file, request, options)


def _existing(path: Any) -> Path:
    """The file, or DataError; addresses on the web are told apart."""
    text = os.fsdecode(path)
    if "://" in text:
        raise DataError(f"{text} is an address; download the file first and pass its path.")
    return existing_file(text)


def _kind(path: Path) -> str:
    """parquet by its first bytes, json by its name, else text."""
    if magic_bytes(path).startswith(b"PAR1"):
        return "parquet"
    endings = [ending.lower() for ending in path.suffixes]
    if endings and endings[-1] in (".gz", ".bz2", ".xz"):
        endings.pop()
    if endings and endings[-1] == ".parquet":
        raise DataError(
            f"{path} is not a Parquet file: it does not begin with PAR1. It may be cut off or something else."
        )
    return "json" if endings and endings[-1] in _JSON_ENDINGS else "text"
