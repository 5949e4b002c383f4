"""A study in a file: it goes on after anything, and refuses what is not its own."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest

import ridgeback as rb
from ridgeback.errors import ParameterError, RidgebackError

SMALL = {"n_factors": 4, "n_iterations": 6, "n_threads": 1}


def tune(ratings: rb.Interactions, path: Any, n_trials: int = 3, **more: Any) -> rb.Tuning:
    return rb.tune(rb.ExplicitALS(**SMALL), ratings, **{"n_trials": n_trials, "storage": path, "refit": False, **more})


def test_a_search_goes_on_where_it_ended(ratings: rb.Interactions, tmp_path: Path) -> None:
    path = tmp_path / "tune.db"
    first = tune(ratings, path, 4)
    second = tune(ratings, path, 3)
    assert len(second.trials) == 7
    assert [trial.value for trial in second.trials[:4]] == [trial.value for trial in first.trials]
    drawn = [tuple(trial.parameters.values()) for trial in second.trials]
    assert len(set(drawn)) == 7  # nothing is tried twice
    assert sum(trial.is_untuned for trial in second.trials) == 1
    assert second.untuned_value == first.untuned_value
    assert tune(ratings, path, 1, refit=True).model is not None


def test_going_on_says_what_was_found_and_still_compares(ratings: rb.Interactions, tmp_path: Path) -> None:
    path = tmp_path / "tune.db"
    first = tune(ratings, path, 12)
    told: list[str] = []
    second = tune(ratings, path, 1, on_message=told.append)
    assert told[0] == f"12 settings found in {path}: the search goes on"
    assert told[1].startswith("searching for 1 more settings; a fit of the untuned model takes about")
    assert second.n_known == 12
    assert first.difference() is not None
    assert second.difference() is not None
    short = rb.tune(rb.ExplicitALS(**SMALL), ratings, minutes=0.00001, storage=path, refit=False)
    assert short.comparison is None
    assert any("not compared user by user: the best setting and the untuned model were" in note for note in short.notes)


def test_a_killed_process_leaves_a_study_that_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "tune.db"
    program = (
        "import sys, ridgeback as rb\n"
        "from ridgeback.data.synthetic import low_rank_ratings\n"
        "ratings = low_rank_ratings(120, 80, n_factors=3, density=0.25, random_state=1)\n"
        "model = rb.ExplicitALS(n_factors=4, n_iterations=6, n_threads=1)\n"
        "def tell(trial):\n"
        "    print(trial.number, flush=True)\n"
        f"rb.tune(model, ratings, minutes=5, storage={str(path)!r}, on_trial=tell)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 5:
            break
    process.kill()  # in the middle of whatever it does
    process.wait()
    from ridgeback.data.synthetic import low_rank_ratings

    found = tune(low_rank_ratings(120, 80, n_factors=3, density=0.25, random_state=1), path, 2, refit=True)
    assert len(found.trials) >= 8
    assert all(trial.state in ("complete", "pruned") for trial in found.trials)
    assert found.model is not None
    assert found.best_value <= found.untuned_value


def test_optuna_can_open_the_file(ratings: rb.Interactions, tmp_path: Path) -> None:
    path = tmp_path / "tune.db"
    found = tune(ratings, path, 4)
    study = optuna.load_study(study_name="ridgeback", storage=f"sqlite:///{path}")
    assert study.best_value == found.best_value
    assert study.trials[0].user_attrs["is_untuned"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "mae"}, "whose study is of another metric: there rmse, here mae"),
        (
            {"random_state": 1},
            "of another training part and another validation part: of the same size, [0-9]+ users x [0-9]+ items with "
            ".* pairs, with other pairs, as another seed draws them",
        ),
        (
            {"validation_fraction": 0.3},
            "validation part: there [0-9]+ users x [0-9]+ items with .* pairs, here [0-9]+ users x [0-9]+ items with ",
        ),
        ({"model": rb.ExplicitALS(**{**SMALL, "biases": False})}, "of another model and another search space"),
        ({"search": ["regularization"]}, "of another model and another search space"),
    ],
)
def test_another_study_is_refused(
    ratings: rb.Interactions, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "tune.db"
    tune(ratings, path, 1)
    model = changes.pop("model", rb.ExplicitALS(**SMALL))
    with pytest.raises(ParameterError, match=message):
        rb.tune(model, ratings, n_trials=1, storage=path, **changes)
    assert len(tune(ratings, path, 1).trials) == 2


def test_other_threads_go_on_with_the_same_study(ratings: rb.Interactions, tmp_path: Path) -> None:
    path = tmp_path / "tune.db"
    tune(ratings, path, 1)
    more = rb.tune(rb.ExplicitALS(**{**SMALL, "n_threads": 2}), ratings, n_trials=1, storage=path, refit=False)
    assert len(more.trials) == 2


def test_any_name_will_do(ratings: rb.Interactions, tmp_path: Path) -> None:
    name = "sp ace, ümläut #1 50%, what?.db"
    tune(ratings, tmp_path / name, 1)
    assert (tmp_path / name).stat().st_size > 0
    assert len(tune(ratings, str(tmp_path / name), 1).trials) == 2
    (tmp_path / "empty.db").touch()
    assert len(tune(ratings, tmp_path / "empty.db", 1).trials) == 1


def test_files_that_hold_no_study(ratings: rb.Interactions, tmp_path: Path) -> None:
    def refused(path: Any, message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            tune(ratings, path, 1)

    refused(tmp_path / "nowhere" / "tune.db", "there is no directory .*nowhere. Make it first")
    refused(tmp_path, "is a directory")
    refused(7, "must be the path of an SQLite file, or None. Got 7 instead")
    refused("", "Got '' instead")
    text = tmp_path / "ratings.csv"
    text.write_text("user,item\n1,2\n")
    refused(text, "which is no SQLite file. Choose another path")
    assert text.read_text() == "user,item\n1,2\n"
    torn = tmp_path / "torn.db"
    torn.write_bytes(b"SQLite format 3\0" + os.urandom(2000))
    refused(torn, "a damaged SQLite file")
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE orders (id INTEGER)")
    before = other.read_bytes()
    refused(other, "an SQLite database of something else")
    assert other.read_bytes() == before
    strange = tmp_path / "strange.db"
    study = optuna.create_study(study_name="ridgeback", storage=f"sqlite:///{strange}")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    refused(strange, "holds a study of something else")


def test_a_full_disk_is_told(ratings: rb.Interactions, tmp_path: Path) -> None:
    path = tmp_path / "tune.db"

    def spoil(trial: Any) -> None:
        path.unlink()

    with pytest.raises(RidgebackError, match=r"cannot take another trial: .* Those before are in it"):
        tune(ratings, path, 3, on_trial=spoil)
