"""What a study leaves behind: a file in benchmarks/results/ with machine, versions and settings."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from datasets import implicit_sets

BENCHMARKS = Path(__file__).resolve().parents[1]
sys.path.append(str(BENCHMARKS))

from results import save, table  # noqa: E402

__all__ = ["arguments_of", "save", "table"]


def arguments_of(description: str, name: str) -> argparse.Namespace:
    """The arguments of a study of several sets."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    sets = list(implicit_sets())
    parser.add_argument("--sets", nargs="+", choices=sets, default=sets, metavar="SET", help=" ".join(sets))
    parser.add_argument("--n-threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=BENCHMARKS / "results" / f"{name}.json")
    return parser.parse_args()
