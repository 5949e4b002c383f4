"""Full ranking on MovieLens 1M, Last.fm and Korean ratings: ImplicitALS beside others, all tuned with the same budget.

Of each user's interactions 80 % are for training, 10 % for validation, 10 % for the test (at least one each for the
test, at least one left). Every contestant gets as many trials of Optuna's TPE, from the same seed, its first being the
library's own defaults; NDCG@20 on the validation part chooses. What was chosen is fitted to training and validation
part in a fresh process and judged on the test part, by one evaluation for all. Spaces and first points stand in
implicit_contestants.py.

The published results hold further searches of Ridgeback and implicit, with ranges of before; see docs/quality.md.

The results file is read first: what it holds is not measured again, and a search that was ended goes on where it was.
The page docs/quality.md is written from it by implicit_page.py.

Run: python benchmarks/quality/implicit_table.py     (two hours on one core; --peer-python: `make bench-env` builds it)
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from datasets import lastfm, liked_kmrd_small, ml_1m_ratings
from given_lists import judged
from implicit_contestants import CONTESTANTS, SEED, Contestant, Matrix
from implicit_worker import Worker, lay_out

import ridgeback as rb

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from machine import describe
from results import PEER_PYTHON, say

RESULTS = Path(__file__).resolve().parent.parent / "results" / "quality_implicit.json"
METRIC = "ndcg@20"
SHOWN = (METRIC, "recall@20")
SETS = {"ml-1m": lambda: ml_1m_ratings(at_least=4), "lastfm": lastfm, "kmrd": liked_kmrd_small}


class Parts:
    """A set cut in three, laid out for the processes of the contestants."""

    def __init__(self, name: str, directory: Path) -> None:
        data = SETS[name]()
        if name != "lastfm":
            data = rb.Interactions.from_csr(data.user_items.with_data(None))  # what was liked, not how much
        self.rest, self.test = rb.split.random_per_user(data, test_fraction=0.1, random_state=SEED)
        self.train, self.validation = rb.split.random_per_user(self.rest, test_fraction=1 / 9, random_state=SEED + 1)
        self.has_counts = data.user_items.data is not None
        self.directory = directory
        self.asked = {"train": asked(self.validation), "rest": asked(self.test)}
        for part in ("train", "rest"):
            pairs = getattr(self, part).user_items
            matrix = Matrix(pairs.indptr, pairs.indices, pairs.values(), pairs.shape)
            lay_out(directory, part, matrix, self.asked[part])

    def described(self) -> dict[str, int]:
        """Sizes."""
        sizes = {name: getattr(self, name).nnz for name in ("train", "validation", "test")}
        users = {"judged_users": len(self.asked["rest"])}
        return {"n_users": self.rest.n_users, "n_items": self.rest.n_items} | sizes | users


def asked(held_out: rb.Interactions) -> np.ndarray:
    """The users who have something in a part."""
    return np.flatnonzero(held_out.user_items.counts() > 0)


def search(
    name: str,
    contestant: Contestant,
    parts: Parts,
    python: str,
    arguments: argparse.Namespace,
    trials: list[dict[str, Any]],
    keep: Callable[[], None],
) -> None:
    """Add to the trials of one contestant until there are enough; those there are already are told, not made again.

    The sampler draws the same for the same figures, so a search goes on where it was left.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    sampler = optuna.samplers.TPESampler(seed=SEED, n_startup_trials=7, multivariate=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    first = {key: value for key, value in contestant.first.items() if value is not None}
    if "counts" in contestant.space_on(parts.has_counts):
        first["counts"] = "binary"
    study.enqueue_trial(first)
    known = {json.dumps(trial["parameters"]): trial for trial in trials}
    with Worker(python, name, parts.directory, arguments.n_threads) as worker:

        def value(trial: Any) -> float:
            parameters = contestant.suggest(trial, parts.has_counts)
            before = known.get(json.dumps(parameters))
            if before is not None:
                return float(before[METRIC])
            answer = worker.ask("train", parameters)
            report = judged(answer.lists, parts.asked["train"], parts.train, parts.validation)
            figure = round(report.metrics[METRIC], 5)
            trials.append({METRIC: figure, "fit_cpu_s": round(answer.cpu_seconds, 2), "parameters": parameters})
            keep()
            return figure

        study.optimize(value, n_trials=arguments.n_trials if contestant.space else 1)


def best(trials: list[dict[str, Any]]) -> dict[str, Any]:
    """The trial that validation chose: the first of equals."""
    return max(trials, key=lambda trial: trial[METRIC])


def judge(
    name: str, parts: Parts, searches: dict[str, list[dict[str, Any]]], arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    """Refit what was chosen to training and validation part and judge it on the test part."""
    reports, rows = {}, []
    for contestant in searches:
        trials = searches[contestant]
        chosen = best(trials)
        python = interpreter(CONTESTANTS[contestant], arguments)
        with Worker(python, contestant, parts.directory, arguments.n_threads) as worker:
            answer = worker.ask("rest", chosen["parameters"])
        report = reports[contestant] = judged(answer.lists, parts.asked["rest"], parts.rest, parts.test, 1000)
        rows.append(
            {
                "set": name,
                "library": CONTESTANTS[contestant].library,
                "version": answer.version,
                "contestant": contestant,
                "parameters": chosen["parameters"],
                "n_trials": len(trials),
                "validation": chosen[METRIC],
                "untuned_validation": trials[0][METRIC],
                **{metric: report.metrics[metric] for metric in SHOWN},
                "intervals": {metric: list(report.intervals[metric]) for metric in SHOWN},
                "fit_s": answer.seconds,
                "fit_cpu_s": answer.cpu_seconds,
                "search_cpu_s": round(sum(trial["fit_cpu_s"] for trial in trials), 1),
                "peak_rss_bytes": answer.peak_rss_bytes,
                "loaded_rss_bytes": answer.loaded_rss_bytes,
            }
        )
        say(f"{name}: {contestant}: {METRIC} {report.metrics[METRIC]:.4f}, {answer.seconds:.1f} s a fit")
    own = max(
        (row for row in rows if row["contestant"].startswith("Ridgeback")),
        key=lambda row: row["validation"],
        default=None,
    )
    for row in rows if own is not None else ():
        row["is_own"] = row is own
        comparison = reports[own["contestant"]].compare(reports[row["contestant"]])
        row["behind_own"] = {
            metric: [comparison[metric][key] for key in ("difference", "low", "high")] for metric in SHOWN
        }
    return rows


def interpreter(contestant: Contestant, arguments: argparse.Namespace) -> str:
    """Of the environment that holds the contestant's library."""
    return sys.executable if contestant.library == "ridgeback" else str(arguments.peer_python)


def written(value: Any, depth: int, indent: str = "") -> str:
    """JSON in lines, as deep as it goes; what lies deeper in one line."""
    if depth == 0 or not isinstance(value, (dict, list)) or not value:
        return json.dumps(value)
    inner = indent + " "
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(key)}: {written(one, depth - 1, inner)}" for key, one in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(f"{inner}{written(one, depth - 1, inner)}" for one in value) + f"\n{indent}]"


def save(results: dict[str, Any], path: Path) -> None:
    """Write the results, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(written(results, 5) + "\n", encoding="utf-8")
    temporary.replace(path)


def read(path: Path) -> dict[str, Any]:
    """Results of before, or none."""
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    return {"benchmark": "quality_implicit", "sets": {}, "rows": [], "searches": {}}


def parse() -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS), metavar="NAME")
    parser.add_argument("--n-trials", type=int, default=20)
    parser.add_argument("--n-threads", type=int, default=1)
    parser.add_argument("--peer-python", type=Path, default=PEER_PYTHON)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--searches-only", action="store_true", help="do not touch the test part")
    return parser.parse_args()


def main() -> None:
    """Search, judge, write, print."""
    arguments = parse()
    results = read(arguments.output)
    results["machine"] = describe()
    results["settings"] = {"n_threads": arguments.n_threads, "seed": SEED}
    for name in arguments.sets:
        with TemporaryDirectory(prefix=f"implicit-{os.getpid()}-") as directory:
            parts = Parts(name, Path(directory))
            results["sets"][name] = parts.described()
            known = results["searches"].setdefault(name, {})
            for contestant in arguments.contestants:
                one, trials = CONTESTANTS[contestant], known.setdefault(contestant, [])
                if len(trials) < (arguments.n_trials if one.space else 1):
                    python = interpreter(one, arguments)
                    search(contestant, one, parts, python, arguments, trials, lambda: save(results, arguments.output))
                    chosen = best(trials)
                    say(f"{name}: {contestant}: {chosen[METRIC]:.4f}: {chosen['parameters']}")
            if not arguments.searches_only:
                ordered = {contestant: known[contestant] for contestant in CONTESTANTS if contestant in known}
                rows = judge(name, parts, ordered, arguments)
                results["rows"] = [row for row in results["rows"] if row["set"] != name] + rows
                save(results, arguments.output)
    if not arguments.searches_only:
        import implicit_page

        print(implicit_page.tables(results))


if __name__ == "__main__":
    main()
