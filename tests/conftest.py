"""What every test may ask for: the public data sets, and the rule that nothing is skipped where CI is "true".

The data sets are looked for in ``../shared/data`` beside the repository, or where RIDGEBACK_DATA points. Without them
the tests that need them are skipped, saying what is missing. With CI=true the same skip is a failure, and so is every
other skip whose reason does not start with "platform: " (a processor or system without the feature under test).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it in what it starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parent.parent
IS_CI = os.environ.get("CI") == "true"
PLATFORM_REASON = "platform: "

hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if IS_CI else "local")


def skip_verdict(reason: str, is_ci: bool) -> str | None:
    """Why a skip for this reason counts as a failure, or None where it may stand."""
    bare = reason.removeprefix("Skipped: ")
    if not is_ci or bare.startswith(PLATFORM_REASON):
        return None
    return (
        f"Nothing is skipped where CI=true, and this test was: {bare}. Let .ci/run or requirements/test.in install "
        f"what is missing; reasons that start with {PLATFORM_REASON!r} are for what the processor or system lacks."
    )


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        verdict = skip_verdict(reason, IS_CI)
        if verdict is not None:
            report.outcome = "failed"
            report.longrepr = verdict


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: Any) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _forbid_skip(report)
    return report


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of the public data sets."""
    root = Path(os.environ.get("RIDGEBACK_DATA") or REPOSITORY.parent / "shared" / "data")
    if not root.is_dir():
        pytest.skip(f"no data sets in {root}; set RIDGEBACK_DATA to the folder that holds them")
    return root


def _data_set(root: Path, name: str, *files: str) -> Path:
    missing = [file for file in files if not (root / name / file).is_file()]
    if missing:
        pytest.skip(f"the data set {name} lacks {', '.join(missing)} in {root / name}")
    return root / name


@pytest.fixture(scope="session")
def ml_100k(data_root: Path) -> Path:
    """MovieLens 100K: ``u.data`` (tabs), ``u.item`` (Latin-1, ``|``), the test parts of the five official folds."""
    return _data_set(data_root, "ml-100k", "u.data", "u.item", *(f"u{fold}.test" for fold in range(1, 6)))


@pytest.fixture(scope="session")
def ml_1m(data_root: Path) -> Path:
    """MovieLens 1M: all ratings in ``ratings.npz``, 49 % of them with timestamps as ``::`` text, titles in Latin-1."""
    return _data_set(data_root, "ml-1m", "ratings.npz", "ratings_first487650.dat.gz", "movies.dat")


@pytest.fixture(scope="session")
def ml_latest_small(data_root: Path) -> Path:
    """MovieLens latest-small: ``ratings.csv`` and ``movies.csv`` with headers."""
    return _data_set(data_root, "ml-latest-small", "ratings.csv", "movies.csv")


@pytest.fixture(scope="session")
def kmrd_small(data_root: Path) -> Path:
    """Korean movie ratings: ``rates.csv`` and ``movies.txt`` with Korean titles."""
    return _data_set(data_root, "kmrd-small", "rates.csv", "movies.txt")


@pytest.fixture(scope="session")
def lastfm(data_root: Path) -> Path:
    """Last.fm HetRec 2011: play counts in ``user_artists.dat.gz`` (tabs, header)."""
    return _data_set(data_root, "lastfm-hetrec2011", "user_artists.dat.gz")


@pytest.fixture(scope="session")
def ncf_ml_1m(data_root: Path) -> Path:
    """The 1 + 99 split of MovieLens 1M: ``train.npz``, ``ml-1m.test.rating``, ``ml-1m.test.negative.gz``."""
    return _data_set(data_root, "ncf-ml-1m", "train.npz", "ml-1m.test.rating", "ml-1m.test.negative.gz")


@pytest.fixture(scope="session")
def spark_sample(data_root: Path) -> Path:
    """Spark's sample ratings, separated by ``::``."""
    return _data_set(data_root, "spark-sample", "sample_movielens_ratings.txt")
