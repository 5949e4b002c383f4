"""Replace a file in one step: whoever reads it sees the old one or the new one, whole."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from ridgeback.errors import ModelFileError

Block = bytes | memoryview


def replace_file(path: str | os.PathLike[str], blocks: Iterable[Block]) -> None:
    """Write blocks to a temporary file in the same folder, flush it to disk, and rename it to `path`.

    Parameters
    ----------
    path : str or path
        A link is followed; an existing file keeps its permissions.
    blocks : iterable of bytes or memoryview

    Raises
    ------
    ModelFileError
        If the folder is missing, full or not writable; the old file, if any, is as it was.
    """
    target = Path(os.path.realpath(path))
    try:
        with _temporary_beside(target) as (temporary, file):
            for block in blocks:
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            file.close()
            os.replace(temporary, target)
        _flush_folder(target.parent)
    except OSError as error:
        raise ModelFileError(_describe(error, target)) from error


@contextlib.contextmanager
def _temporary_beside(target: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A new hidden file in the target's folder, removed unless it was renamed."""
    temporary = target.with_name(f".{target.name[:100]}.{os.getpid()}-{secrets.token_hex(6)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with open(descriptor, "wb") as file:
            with contextlib.suppress(FileNotFoundError):
                os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
            yield temporary, file
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _flush_folder(folder: Path) -> None:
    """Make the rename last through a power failure, where the system can flush a folder."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
            raise
    finally:
        os.close(descriptor)


def _describe(error: OSError, target: Path) -> str:
    """What went wrong and what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        advice = "make room there or save elsewhere"
    elif error.errno == errno.ENOENT:
        advice = f"create the folder first: mkdir -p {target.parent}"
    elif target.is_dir():
        advice = "it is a folder: give the name of a file in it"
    else:
        advice = "save to a place that you may write to"
    kept = "; the file that was there is unchanged" if target.is_file() else ""
    return f"cannot write {target}: {error.strerror}{kept}; {advice}."
