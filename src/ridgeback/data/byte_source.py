"""Opening a file: is it there, what is it, and its bytes, unpacked and as UTF-8."""

from __future__ import annotations

import bz2
import codecs
import difflib
import gzip
import lzma
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ridgeback.errors import DataError, ParameterError

BLOCK_BYTES = 4 * 2**20
_N_MAGIC = 16
GZIP_MAGIC = b"\x1f\x8b"
_OPENERS: dict[bytes, Any] = {GZIP_MAGIC: gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_REFUSED = {
    b"PK\x03\x04": "a zip archive or a spreadsheet; unpack it, or save the sheet as CSV",
    b"\x28\xb5\x2f\xfd": "packed by zstd; unpack it with: zstd -d",
    b"SQLite format 3": "an SQLite database; pass query=... and connection=sqlite3.connect(path)",
    b"\x89HDF": "an HDF5 file; open it with its own library and use from_frame or from_csr",
    b"\x93NUMPY": "a NumPy file; np.load it and use from_arrays or from_csr",
    b"ARROW1": "an Arrow IPC file; open it with pyarrow and use from_frame",
}
_USUAL_ENCODINGS = (
    *("utf-8", "utf-16", "utf-32", "ascii", "latin-1", "iso-8859-2", "iso-8859-15", "cp1250", "cp1251", "cp1252"),
    *("cp949", "euc-kr", "shift_jis", "euc-jp", "gb18030", "gbk", "big5", "koi8-r"),
)
_BYTE_ORDER_MARK = codecs.BOM_UTF8
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def existing_file(path: str | os.PathLike[str]) -> Path:
    """The path, when it is a file that can be opened.

    Raises
    ------
    DataError
        Naming the closest file, when there is none; also for a directory or a file that may not be read.
    """
    found = Path(path)
    try:
        if not stat.S_ISFIFO(found.stat().st_mode):  # a pipe is opened once only
            found.open("rb").close()
        return found
    except IsADirectoryError as error:
        raise DataError(_directory(found)) from error
    except FileNotFoundError as error:
        raise DataError(_missing(found)) from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise DataError(f"cannot read {str(path)!r}: {getattr(error, 'strerror', None) or error}.") from error


def _directory(path: Path) -> str:
    """It is a directory: what is in it."""
    files = sorted(child.name for child in path.iterdir() if child.is_file())[:5]
    hint = f" It holds {', '.join(files)}." if files else ""
    return f"{path} is a directory; pass a file, or query=\"select * from '{path}/*.parquet'\".{hint}"


def _missing(path: Path) -> str:
    """There is no such file: which one is closest."""
    folder = path.parent
    if not folder.is_dir():
        return f"there is no file {path}: the directory {folder} does not exist."
    near = difflib.get_close_matches(path.name, [child.name for child in folder.iterdir()], n=1)
    return f"there is no file {path}" + (
        f"; did you mean {folder / near[0]}?" if near else f"; nothing like it is in {folder}."
    )


def magic_bytes(path: Path) -> bytes:
    """The first bytes, by which a format is known; none of a pipe, which is read once only."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(_N_MAGIC)


def is_packed(head: bytes) -> bool:
    """Whether a file with these first bytes is unpacked on the way."""
    return head.startswith(tuple(_OPENERS))


def utf8_blocks(path: Path, encoding: str) -> Iterator[bytes]:
    """The text of a file, unpacked and as UTF-8 without byte order mark, in blocks.

    Raises
    ------
    DataError
        When the file is of another kind, is cut off or damaged, or is not in that encoding.
    """
    codec = codec_of(encoding)
    with _reading(path) as file:
        blocks = iter(lambda: file.read(BLOCK_BYTES), b"")
        if codec.name in ("utf-8", "ascii", "utf-8-sig"):
            yield from _without_mark(blocks, path)
        else:
            yield from _recoded(blocks, codec, path)


def codec_of(encoding: str) -> codecs.CodecInfo:
    """The codec of that name, or ParameterError."""
    try:
        codec = codecs.lookup(encoding)
        "".encode(codec.name)  # refuses codecs that are not for text
        codecs.getincrementaldecoder(codec.name)  # and those that cannot go on where they stopped
        return codec
    except (LookupError, TypeError, ValueError) as error:
        near = difflib.get_close_matches(str(encoding).lower(), _USUAL_ENCODINGS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ParameterError(
            f"The 'encoding' parameter must be a text encoding. Got {encoding!r} instead.{hint}"
        ) from error


@contextmanager
def _reading(path: Path) -> Iterator[IO[bytes]]:
    """The file, unpacked where its first bytes say that it is packed; damage becomes DataError."""
    try:
        with path.open("rb") as plain:
            head = plain.peek(_N_MAGIC)[:_N_MAGIC]
            for magic, what in _REFUSED.items():
                if head.startswith(magic):
                    raise DataError(f"{path} is {what}.")
            opener = next((opener for magic, opener in _OPENERS.items() if head.startswith(magic)), None)
            if opener is None:
                yield plain
                return
            with opener(plain, "rb") as packed:
                yield packed
    except EOFError as error:
        raise DataError(f"{path} is cut off: its compressed stream ends early. Get the whole file again.") from error
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{path} is damaged: {error}. Get the file again.") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}.") from error


def _without_mark(blocks: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """Blocks of UTF-8 without the byte order mark that some programs write."""
    for number, block in enumerate(blocks):
        if number == 0 and block.startswith(_UTF16_MARKS):
            raise DataError(f"{path} is UTF-16; pass encoding='utf-16'.")
        yield block.removeprefix(_BYTE_ORDER_MARK) if number == 0 else block


def _recoded(blocks: Iterator[bytes], codec: codecs.CodecInfo, path: Path) -> Iterator[bytes]:
    """Blocks of another encoding as UTF-8."""
    decoder = codecs.getincrementaldecoder(codec.name)()
    line = 1
    for number, block in enumerate(blocks):
        text = _decode(decoder, block, False, codec, path, line)
        line += text.count("\n")
        recoded = text.encode("utf-8", "replace")
        yield recoded.removeprefix(_BYTE_ORDER_MARK) if number == 0 else recoded
    yield _decode(decoder, b"", True, codec, path, line).encode("utf-8", "replace")


def _decode(
    decoder: codecs.IncrementalDecoder, block: bytes, is_last: bool, codec: codecs.CodecInfo, path: Path, line: int
) -> str:
    try:
        return decoder.decode(block, is_last)
    except UnicodeError as error:
        at = getattr(error, "start", 0)
        spoilt = getattr(error, "object", block)
        line += bytes(spoilt[:at]).decode(codec.name, "ignore").count("\n")
        raise DataError(
            f"{path} line {line} is not {codec.name}: byte 0x{bytes(spoilt[at : at + 1]).hex()}, "
            f"{getattr(error, 'reason', error)}. Pass the encoding in which the file is written."
        ) from error
