"""The implicit table: lists of anybody are judged as a model's own, and the page says what the results say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.synthetic import catalogue

SCRIPTS = Path(__file__).resolve().parents[2] / "benchmarks" / "quality"


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))


@pytest.mark.usefixtures("scripts")
def test_lists_are_judged_as_the_model_that_made_them() -> None:
    from given_lists import judged

    train, test = rb.split.random_per_user(catalogue(n_users=120, n_items=80, random_state=3), 0.2)
    model = rb.ImplicitALS(n_factors=4, n_iterations=3).fit(train)
    items = np.concatenate([block.items for block in model.recommend_all(k=10)])
    lists = train.item_ids.rows(items).reshape(-1, 10)
    users = np.flatnonzero(test.user_items.counts() > 0)
    of_lists = judged(lists[users], users, train, test)
    of_model = rb.evaluate(model, train, test, k=10, baselines=False, n_resamples=0)
    for metric in ("ndcg@10", "recall@10"):
        np.testing.assert_array_equal(of_lists.by_user[metric], of_model.by_user[metric])
    worse = judged(lists[users][:, ::-1], users, train, test)
    assert worse.metrics["ndcg@10"] < of_model.metrics["ndcg@10"]


@pytest.mark.usefixtures("scripts")
def test_every_contestant_lists_what_the_user_does_not_have(tmp_path: Path) -> None:
    """Those of this library: the others need an environment of their own."""
    from implicit_contestants import CONTESTANTS, Matrix
    from implicit_worker import Worker, lay_out

    pairs = catalogue(n_users=120, n_items=80, values="plays", random_state=3).user_items
    matrix = Matrix(pairs.indptr, pairs.indices, pairs.values(), pairs.shape)
    users = np.flatnonzero(pairs.counts() > 0)[5:]
    lay_out(tmp_path, "train", matrix, users)
    for name, contestant in CONTESTANTS.items():
        if contestant.library == "ridgeback":
            parameters = contestant.first | ({"counts": "log"} if contestant.transforms else {})
            with Worker(sys.executable, name, tmp_path, 1) as worker:
                answer = worker.ask("train", parameters)
            assert answer.lists.shape == (len(users), 20)
            for user, own in zip(users, answer.lists, strict=True):
                assert len(set(own)) == 20
                assert not set(own) & set(pairs.row(int(user))[0])
            assert answer.peak_rss_bytes >= answer.loaded_rss_bytes > 0


@pytest.mark.usefixtures("scripts")
def test_a_search_begins_at_the_first_point() -> None:
    import optuna
    from implicit_contestants import CONTESTANTS

    contestant: Any = CONTESTANTS["irspack, iALS++"]
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study()
    study.enqueue_trial(contestant.first)
    assert contestant.suggest(study.ask(), has_counts=False) == contestant.first
    drawn = contestant.suggest(study.ask(), has_counts=True)
    assert drawn["counts"] in contestant.transforms
    assert json.loads(json.dumps(drawn)) == drawn


def test_the_page_says_what_the_results_say() -> None:
    command = [sys.executable, str(SCRIPTS / "implicit_page.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
