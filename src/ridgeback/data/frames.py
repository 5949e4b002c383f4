"""Interactions from data frames: pandas by its NumPy arrays, everything else by its Arrow stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ridgeback.data.arrays import interactions_from_columns
from ridgeback.data.columns import ColumnRequest, choose_columns
from ridgeback.data.event_table import ReadOptions
from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError


def read_frame(frame: Any, request: ColumnRequest, options: ReadOptions) -> Interactions:
    """Interactions from a frame, or a mapping of column name to array.

    Raises
    ------
    DataError
        When the object is no frame.
    """
    source = type(frame).__name__
    if not (_is_pandas(frame) or isinstance(frame, Mapping)):
        if not hasattr(frame, "__arrow_c_stream__"):
            hint = " Call .collect() first." if hasattr(frame, "collect") else ""
            raise DataError(
                "a frame must be of pandas, polars or pyarrow, or offer __arrow_c_stream__, or be a mapping of column "
                f"name to array; got {source}. Arrays go into from_arrays, sparse matrices into from_csr.{hint}"
            )
        from ridgeback.data.queries import read_stream

        return read_stream(frame, request, options, source)
    names = [str(name) for name in (frame.columns if _is_pandas(frame) else frame)]
    columns = choose_columns(request.asked(), ("user", "item"), names, len(names), source)
    labels = list(frame.columns if _is_pandas(frame) else frame)
    values = {
        part: _column(frame.iloc[:, position]) if _is_pandas(frame) else frame[labels[position]]
        for part, position in columns.positions.items()
    }
    return interactions_from_columns(values, columns, options, source, {"format": "frame"})


def _is_pandas(frame: Any) -> bool:
    return type(frame).__module__.split(".")[0] == "pandas" and hasattr(frame, "iloc")


def _column(series: Any) -> Any:
    """A pandas column as an array: its own NumPy one, UTC datetimes, or objects where pandas has types of its own."""
    if str(series.dtype).startswith("datetime64[") and "," in str(series.dtype):
        return series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    if (
        series.dtype.kind in "iufbM"
        and hasattr(series.dtype, "itemsize")
        and type(series.dtype).__module__ == "numpy.dtypes"
    ):
        return series.to_numpy()
    return series.astype(object).to_numpy()
