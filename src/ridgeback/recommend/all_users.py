"""Recommendations for every user, block by block, and written to a file in bounded memory."""

from __future__ import annotations

import csv
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ridgeback.data.ids import Ids
from ridgeback.data.text import Text
from ridgeback.recommend.lists import TopK
from ridgeback.recommend.scoring_arrays import Floats, Rows

_ROWS_PER_BLOCK = 1 << 19
_ROWS_PER_PART = 1 << 22

Progress = Callable[[int, int], object]


class _Columns(NamedTuple):
    users: npt.NDArray[Any]
    items: npt.NDArray[Any]
    scores: Floats
    counts: Rows


class Block(_Columns):
    """The recommendations of a run of users: `items` and `scores` flat, user after user, `counts` one a user.

    A tuple of these four; ``ranking_scores`` are what lists are ordered by where that is not `scores`.
    """

    ranking_scores: Floats | None = None


class AllRecommendations:
    """Iterates over `Block`s; every iteration computes anew and holds one block at a time.

    Parameters
    ----------
    best : callable (begin, end) -> TopK
        Answers the user rows begin .. end - 1.
    user_ids, item_ids : Ids
    titles : Text or None
        Aligned with `item_ids`; written as a column where given.
    k : int
        The most items a user gets, or that are looked at for them; sets the size of a block.
    is_reranked : bool
        Whether lists are in another order than that of their scores: what they are ordered by is written too.
    """

    def __init__(
        self,
        best: Callable[[int, int], TopK],
        user_ids: Ids,
        item_ids: Ids,
        titles: Text | None,
        k: int,
        is_reranked: bool = False,
    ) -> None:
        self._best = best
        self._user_ids = user_ids
        self._item_ids = item_ids
        self._titles = titles
        self._is_reranked = is_reranked
        self._users_per_block = int(max(64, min(1 << 16, _ROWS_PER_BLOCK // max(1, min(k, len(item_ids))))))

    @property
    def n_users(self) -> int:
        """Users that will be answered."""
        return len(self._user_ids)

    def __repr__(self) -> str:
        return f"AllRecommendations({self.n_users} users, in blocks of {self._users_per_block})"

    def __iter__(self) -> Iterator[Block]:
        item_labels = self._item_ids.to_numpy()
        for begin, end, found in self._runs():
            block = Block(
                self._user_ids.take(np.arange(begin, end)).to_numpy(),
                item_labels[found.items],
                found.scores,
                found.counts,
            )
            block.ranking_scores = found.ranking_scores
            yield block

    def to_csv(self, path: str | os.PathLike[str], progress: Progress | None = None) -> None:
        """Write columns user, rank, item, score (and title) as UTF-8 CSV; the file appears only when it is whole.

        Lists in another order than that of their scores have a column ranking_score too.

        Parameters
        ----------
        path : path
        progress : callable (users done, users in all), optional
        """
        target = Path(path)
        with _Temporary(target) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self._column_names())
            for columns in self._columns(progress):
                for name in columns.keys() & {"score", "ranking_score"}:
                    columns[name] = columns[name].astype(str)
                writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))

    def to_parquet(self, path: str | os.PathLike[str], progress: Progress | None = None) -> None:
        """Write columns user, rank, item, score (and title) as Parquet; the file appears only when it is whole.

        Lists in another order than that of their scores have a column ranking_score too.

        Parameters
        ----------
        path : path
        progress : callable (users done, users in all), optional

        Notes
        -----
        Parts of some million rows are written beside the target and joined at the end, so that memory stays bounded.
        """
        import duckdb

        target = Path(path)
        with _Temporary(target) as temporary:
            folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".parts", dir=target.parent))
            try:
                with duckdb.connect(":memory:") as connection:
                    parts = self._write_parts(connection, folder, progress)
                    _join_parts(connection, parts, temporary)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def _runs(self, progress: Progress | None = None) -> Iterator[tuple[int, int, TopK]]:
        for begin in range(0, self.n_users, self._users_per_block):
            end = min(begin + self._users_per_block, self.n_users)
            yield begin, end, self._best(begin, end)
            if progress is not None:
                progress(end, self.n_users)

    def _column_names(self) -> list[str]:
        ranking = ["ranking_score"] if self._is_reranked else []
        return ["user", "rank", "item", "score", *ranking] + (["title"] if self._titles is not None else [])

    def _columns(self, progress: Progress | None) -> Iterator[dict[str, npt.NDArray[Any]]]:
        """The columns of each block, one row a recommendation."""
        item_labels = self._item_ids.to_numpy()
        titles = None if self._titles is None else self._titles.to_numpy()
        for begin, end, found in self._runs(progress):
            users = self._user_ids.take(np.arange(begin, end)).to_numpy()
            first = np.repeat(np.cumsum(found.counts) - found.counts, found.counts)
            columns = {
                "user": np.repeat(users, found.counts),
                "rank": (np.arange(len(found.items)) - first + 1).astype(np.int32),
                "item": item_labels[found.items],
                "score": found.scores,
            }
            if found.ranking_scores is not None:
                columns["ranking_score"] = found.ranking_scores
            if titles is not None:
                columns["title"] = titles[found.items]
            yield columns

    def _write_parts(self, connection: Any, folder: Path, progress: Progress | None) -> list[Path]:
        """Write blocks as Parquet files of at most some million rows."""
        parts: list[Path] = []
        n_rows = 0
        text = {
            "user": self._user_ids.is_text,
            "item": self._item_ids.is_text,
            "title": True,
        }
        types = {name: "VARCHAR" if text.get(name) else "BIGINT" for name in self._column_names()}
        types |= {"rank": "INTEGER", "score": "FLOAT"} | ({"ranking_score": "FLOAT"} if self._is_reranked else {})
        declared = ", ".join(f'"{name}" {types[name]}' for name in self._column_names())
        connection.execute(f"CREATE TABLE part ({declared})")
        for columns in self._columns(progress):
            connection.register("block", columns)
            connection.execute("INSERT INTO part SELECT * FROM block")
            connection.unregister("block")
            n_rows += len(columns["rank"])
            if n_rows >= _ROWS_PER_PART:
                parts.append(_write_part(connection, folder / f"{len(parts):06d}.parquet"))
                n_rows = 0
        if n_rows or not parts:
            parts.append(_write_part(connection, folder / f"{len(parts):06d}.parquet"))
        return parts


def _write_part(connection: Any, path: Path) -> Path:
    connection.execute(f"COPY part TO {_quoted(path)} (FORMAT parquet)")
    connection.execute("DELETE FROM part")
    return path


def _join_parts(connection: Any, parts: list[Path], target: Path) -> None:
    if len(parts) == 1:
        os.replace(parts[0], target)
        return
    listed = ", ".join(_quoted(part) for part in parts)
    connection.execute(f"COPY (SELECT * FROM read_parquet([{listed}])) TO {_quoted(target)} (FORMAT parquet)")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


class _Temporary:
    """A file beside the target that takes its place on success and vanishes on any failure."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __enter__(self) -> Path:
        self._path = self._target.parent / f".{self._target.name}.{secrets.token_hex(8)}.tmp"
        os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        return self._path

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None:
            self._path.unlink(missing_ok=True)
            return
        with self._path.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(self._path, self._target)
