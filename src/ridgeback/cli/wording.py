"""Arguments as the reader can type them: ``encoding='latin-1'`` of a message becomes ``--encoding latin-1``."""

from __future__ import annotations

import re
from collections.abc import Collection

_ARGUMENT = re.compile(r"\b([a-z][a-z0-9_]*)=(?:'([^']*)'|\"([^\"]*)\"|(\.\.\.)|(True|False|None|[0-9.]+)(?![\w(\[]))?")
_PARAMETER = re.compile(r"\bThe '([a-z][a-z0-9_]*)' parameter\b")
_TWICE = re.compile(r"(--[\w-]+(?: [\w-]+)?) \(\1\)")


def as_options(text: str, names: Collection[str]) -> str:
    """Spell the arguments of these names as options.

    Examples
    --------
    >>> as_options("pass encoding='latin-1', or header=False.", ["encoding", "header"])
    'pass --encoding latin-1, or --no-header.'
    >>> as_options("pass separator=... with what stands between; n_jobs=2 is not ours", ["separator"])
    'pass --separator with what stands between; n_jobs=2 is not ours'
    >>> as_options("The 'n_factors' parameter of ImplicitALS must be ...", ["n_factors"])
    '--n-factors of ImplicitALS must be ...'
    """

    def spell(match: re.Match[str]) -> str:
        name, single, double, _, plain = match.groups()
        if name not in names:
            return match.group(0)
        option = name.rstrip("_").replace("_", "-")
        if plain in ("True", "False"):
            return f"--{option}" if plain == "True" else f"--no-{option}"
        value = next((v for v in (single, double, "none" if plain == "None" else plain) if v is not None), None)
        if value is None:
            return f"--{option}"
        is_word = re.fullmatch(r"[\w.:+-]+", value) is not None
        return f"--{option} {value}" if is_word else f'--{option} "{value}"'

    def name_option(match: re.Match[str]) -> str:
        return f"--{match.group(1).replace('_', '-')}" if match.group(1) in names else match.group(0)

    return _TWICE.sub(r"\1", _PARAMETER.sub(name_option, _ARGUMENT.sub(spell, text)))
