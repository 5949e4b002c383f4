"""Arguments as the reader can type them: ``encoding='latin-1'`` of a message becomes ``--encoding latin-1``."""

from __future__ import annotations

import re
from collections.abc import Collection

_ARGUMENT = re.compile(r"\b([a-z][a-z0-9_]*)=(?:'([^']*)'|\"([^\"]*)\"|(\.\.\.)|(True|False|[0-9.]+)(?![\w(\[]))?")


def as_options(text: str, names: Collection[str]) -> str:
    """Spell the arguments of these names as options.

    Examples
    --------
    >>> as_options("pass encoding='latin-1', or header=False.", ["encoding", "header"])
    'pass --encoding latin-1, or --no-header.'
    >>> as_options("pass separator=... with what stands between; n_jobs=2 is not ours", ["separator"])
    'pass --separator with what stands between; n_jobs=2 is not ours'
    """

    def spell(match: re.Match[str]) -> str:
        name, single, double, _, plain = match.groups()
        if name not in names:
            return match.group(0)
        option = name.replace("_", "-")
        if plain in ("True", "False"):
            return f"--{option}" if plain == "True" else f"--no-{option}"
        value = single if single is not None else double if double is not None else plain
        if value is None:
            return f"--{option}"
        is_word = re.fullmatch(r"[\w.:+-]+", value) is not None
        return f"--{option} {value}" if is_word else f'--{option} "{value}"'

    return _ARGUMENT.sub(spell, text)
