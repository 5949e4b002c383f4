"""check, fit and evaluate: the data that the options describe, and the model that they name."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from cli.conftest import Run
from cli.films import strict_json
from ridgeback.cli.fit import cost_worth_saying
from ridgeback.data import synthetic

FAMILIES = ["implicit", "explicit", "logistic", "popularity", "bias"]
QUICK = {
    "implicit": ("--n-factors", "4", "--n-iterations", "3"),
    "explicit": ("--n-factors", "3", "--n-iterations", "3"),
    "logistic": ("--n-factors", "2", "--n-iterations", "2"),
    "popularity": (),
    "bias": (),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue on disk: ratings.csv, movies.csv, and the same ratings without header, separated by ``::``."""
    folder = tmp_path_factory.mktemp("tables")
    planted = synthetic.plant_catalogue(n_users=120, n_items=60, random_state=5)
    rows = list(zip(planted.users, planted.items, planted.ratings, planted.timestamps, strict=True))
    lines = [f"{user},{item},{rating:g},{time}" for user, item, rating, time in rows]
    (folder / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *lines]) + "\n")
    (folder / "ratings.dat").write_text("\n".join(line.replace(",", "::") for line in lines) + "\n")
    movies = [
        f'{item},"{title}",{genre}'
        for item, title, genre in zip(planted.item_ids, planted.titles, planted.genres, strict=True)
    ]
    (folder / "movies.csv").write_text("\n".join(["movieId,title,genres", *movies]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The tables by bare names; models go into a directory of the test's own."""
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_next(run: Run, stdout: str) -> None:
    """Every command that an output names can be run as it stands."""
    lines = [
        line for line in stdout.splitlines() if "ridgeback " in line and (line.startswith(("next:", "      ridge")))
    ]
    assert lines
    for line in lines:
        words = shlex.split(line.removeprefix("next:").strip())
        assert words[0] == "ridgeback"
        result = run(*words[1:])
        assert result.exit_code == 0, (line, result.stderr)


def test_column_names_alone_are_enough(run: Run, here: Path) -> None:
    result = run("fit", "ratings.csv", "-o", "shop.ridge", *QUICK["implicit"])
    assert result.exit_code == 0, result.stderr
    assert "user = userId (guessed), item = movieId (guessed), rating = rating (guessed)" in result.stdout
    assert "saved in shop.ridge" in result.stdout
    assert "every pair counts as one yes" in result.stdout
    proposed = next(line for line in result.stdout.splitlines() if "ridgeback evaluate" in line)
    assert "--n-factors 4" in proposed  # what is judged next is what was fitted
    expected = rb.ImplicitALS(n_factors=4, n_iterations=3).fit(rb.read_interactions("ratings.csv"))
    model = rb.load("shop.ridge")
    np.testing.assert_array_equal(model.item_factors_, expected.item_factors_)
    losses = [line.split() for line in result.stdout.splitlines() if line.strip().startswith(("1 ", "2 ", "3 "))]
    shown = [record["loss"] for record in expected.history_ if record["side"] == "users"]
    assert [float(row[1]) for row in losses] == pytest.approx(shown, abs=1e-3)
    run_next(run, result.stdout)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_model_from_check_to_recommend(run: Run, here: Path, family: str) -> None:
    columns = ("--user", "userId", "--item", "movieId", "--rating", "rating")
    checked = run("check", "ratings.csv", *columns, "--model", family, *QUICK[family], "--json")
    assert checked.exit_code == 0, checked.stderr
    assert strict_json(checked.stdout)["figures"]["n_users"] == 120
    fitted = run("fit", "ratings.csv", *columns, "--model", family, *QUICK[family], "-o", f"{family}.ridge", "--json")
    assert fitted.exit_code == 0, fitted.stderr
    payload = strict_json(fitted.stdout)
    assert payload["model"] == type(rb.load(f"{family}.ridge")).__name__
    assert payload["data"]["columns"]["user"] == "userId"
    if family in ("implicit", "explicit", "logistic"):
        assert payload["parameters"]["n_factors"] == int(QUICK[family][1])
        assert len(payload["history"]) >= 2 * int(QUICK[family][3])
    assert run("recommend", f"{family}.ridge", "--user", "1").exit_code == 0
    judged = run("evaluate", "ratings.csv", *columns, "--model", family, *QUICK[family], "-k", "5", "--json")
    assert judged.exit_code == 0, judged.stderr
    assert 0 <= strict_json(judged.stdout)["metrics"]["ndcg@5"] <= 1


@pytest.mark.parametrize(
    ("family", "method"), [("implicit", "isotonic"), ("logistic", "platt"), ("popularity", "platt")]
)
def test_a_calibrated_model_recommends_with_chances(run: Run, here: Path, family: str, method: str) -> None:
    options = ("--model", family, *QUICK[family], "--validation-fraction", "0.2", "--calibrate", method)
    result = run("fit", "ratings.csv", "-o", "shop.ridge", *options)
    assert result.exit_code == 0, result.stderr
    model = rb.load("shop.ridge")
    assert str(model.calibration_) in result.stdout
    assert str(model.calibration_) in run("inspect", "shop.ridge").stdout
    payload = strict_json(run("inspect", "shop.ridge", "--json").stdout)
    assert payload["calibration"]["ece"] == pytest.approx(model.calibration_.ece)
    shown = strict_json(run("recommend", "shop.ridge", "--user", "1", "--as", "probability", "--json").stdout)
    expected = model.recommend(1, as_="probability")
    chances = [entry["score"] for entry in shown["recommendations"][0]["items"]]
    np.testing.assert_allclose(chances, expected.scores)
    payload = strict_json(run("fit", "ratings.csv", "-o", "again.ridge", *options, "--json").stdout)
    assert payload["calibration"]["method"] == method
    if family == "implicit":
        folded = strict_json(run("fold-in", "shop.ridge", "--items", "3,7", "--as", "probability", "--json").stdout)
        expected = model.fold_in([3, 7]).recommend(as_="probability")
        np.testing.assert_allclose([entry["score"] for entry in folded["items"]], expected.scores)


def test_a_refit_learns_from_everything_and_keeps_the_chances(run: Run, here: Path) -> None:
    options = (*QUICK["implicit"], "--validation-fraction", "0.2", "--calibrate", "isotonic")
    first = run("fit", "ratings.csv", "-o", "rest.ridge", *options)
    again = run("fit", "ratings.csv", "-o", "all.ridge", *options, "--refit")
    assert again.exit_code == 0, again.stderr
    assert "fitted to the rest alone" in first.stdout
    assert "Fitted again to everything" in again.stdout
    rest, everything = rb.load("rest.ridge"), rb.load("all.ridge")
    assert everything.calibration_ == rest.calibration_
    assert everything._seen.nnz == rest._seen.nnz + rest.calibration_.n_held_out
    of_what = f"probability: the chance {rest.calibration_.chance_of}"
    assert "20 % of events" in of_what
    asked = run("recommend", "all.ridge", "--user", "1", "--as", "probability")
    assert of_what in asked.stdout
    assert of_what in run("fold-in", "all.ridge", "--items", "3,7", "--as", "probability").stdout
    assert of_what in run("recommend", "all.ridge", "--all", "-o", "l.csv", "--as", "probability").stdout
    assert of_what not in run("recommend", "all.ridge", "--user", "1").stdout
    payload = strict_json(run("recommend", "all.ridge", "--user", "1", "--as", "probability", "--json").stdout)
    assert payload["chance_of"] == rest.calibration_.chance_of
    owned = {c.item for c in everything.explain(1, 3).contributions}
    for item, is_owned in ((min(owned), True), (payload["recommendations"][0]["items"][0]["item"], False)):
        explained = run("explain", "all.ridge", "--user", "1", "--item", str(item)).stdout.splitlines()
        (line,) = [each for each in explained if each.startswith("chance")]
        assert line.endswith("unlike this one" if is_owned else payload["chance_of"])
        assert payload["chance_of"] in line
    for wrong in (("--refit",), ("--refit", *options, "--patience", "2"), ("--refit", "--calibrate", "platt")):
        refused = run("fit", "ratings.csv", "-o", "x.ridge", *wrong)
        assert refused.exit_code == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--calibrate", "isotonic"), "--calibrate needs events to calibrate on: --validation-fraction 0.1"),
        (("--calibrate", "beta", "--validation-fraction", "0.1"), "'beta' is not one of 'isotonic', 'platt'"),
        (
            ("--calibrate", "platt", "--validation-fraction", "0.1", "--model", "explicit"),
            "--model explicit predicts ratings and no chances; leave --calibrate out",
        ),
    ],
)
def test_what_cannot_be_calibrated_is_refused_before_the_fit(
    run: Run, here: Path, options: tuple[str, ...], message: str
) -> None:
    result = run("fit", "ratings.csv", "-o", "shop.ridge", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not Path("shop.ridge").exists()


def test_what_a_long_fit_takes_is_said_beforehand(run: Run, here: Path) -> None:
    data = rb.read_interactions("ratings.csv")
    assert cost_worth_saying(rb.ImplicitALS(n_factors=64), data) == ""
    said = cost_worth_saying(rb.ImplicitALS(n_factors=2048, n_threads=2), data)
    assert re.fullmatch(r"this fit: about \d.* on 2 threads and .*B of this machine's .*B \(2048 factors, .*\)", said)
    short = run("fit", "ratings.csv", "-o", "m.ridge", "--n-iterations", "1")
    assert "this fit:" not in short.stdout
    memory = run("fit", "ratings.csv", "-o", "m.ridge", "--n-factors", "200000")
    assert memory.exit_code != 0
    assert "must leave the factors within memory" in memory.stderr


@pytest.mark.parametrize("family", ["implicit", "explicit"])
def test_sweep_shows_what_the_library_finds(run: Run, here: Path, family: str) -> None:
    options = ("--model", family, "--n-iterations", "3", "--n-factors", "4,1,2", "--html", "sweep.html")
    result = run("sweep", "ratings.csv", *options)
    assert result.exit_code == 0, result.stderr
    model = rb.ImplicitALS(n_iterations=3) if family == "implicit" else rb.ExplicitALS(n_iterations=3)
    expected = rb.sweep_factors(model, rb.read_interactions("ratings.csv"), n_factors=(1, 2, 4))
    assert expected.summary() in result.stdout
    assert ("It is the knee too" in result.stdout) == (expected.knee is expected.best)
    payload = strict_json(run("sweep", "ratings.csv", *options, "--json").stdout)
    assert [row["held_out"] for row in payload["rows"]] == [row.held_out for row in expected.rows]
    assert payload["html"] == "sweep.html"
    assert "<svg" in Path("sweep.html").read_text(encoding="utf-8")
    if expected.best is expected.rows[-1] and expected.same_as(expected.best) is None:
        assert "--n-factors 4,8,16" in result.stdout
    else:
        assert f"--n-factors {expected.best.n_factors} -o model.ridge" in result.stdout
    run_next(run, result.stdout)
    if family == "explicit":
        tested = strict_json(run("sweep", "ratings.csv", *options, "--test", "ratings.csv", "--json").stdout)
        assert tested["n_test"] == tested["n_train"]
        assert all(row["held_out"] == pytest.approx(row["train"]) for row in tested["rows"])


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--n-factors", "0,8"), 2, "expected numbers of at least 1, such as 8,16,32; got '0,8'"),
        (("--n-factors", ","), 2, "expected numbers of at least 1"),
        (("--n-factors", "²"), 2, "expected numbers of at least 1"),
        (("--model", "bias"), 2, "--model bias has no factors"),
        (("--metric", "rmse"), 2, "--metric must suit ImplicitALS"),
        (("--metric", "f1"), 2, "must be one of recall@k"),
        (("--metric", "ndgc@5"), 2, "Got 'ndgc@5' instead. Did you mean 'ndcg@5'?"),
        (("--test", "ratings.csv", "--test-fraction", "0.1"), 2, "--test-fraction has no meaning with --test"),
        (("--html", "ratings.csv"), 1, "which would be lost"),
        (("--html", "nowhere/x.html"), 1, "there is no directory nowhere"),
    ],
)
def test_what_sweep_refuses(run: Run, here: Path, options: tuple[str, ...], code: int, message: str) -> None:
    before = Path("ratings.csv").read_bytes()
    result = run("sweep", "ratings.csv", *options)
    assert result.exit_code == code
    assert message in result.stderr
    assert Path("ratings.csv").read_bytes() == before


def test_check_names_the_fit_that_follows(run: Run, here: Path) -> None:
    options = ("--titles", "movies.csv", "--title-id", "movieId", "--no-rating", "--duplicates", "max")
    result = run("check", "ratings.csv", *options)
    assert (
        "next: ridgeback fit ratings.csv --no-rating --duplicates max --titles movies.csv --title-id movieId"
        in result.stdout
    )
    run_next(run, result.stdout)
    assert not rb.load("model.ridge")._seen.data


def test_check_ends_with_1_where_a_fit_would_refuse(run: Run, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("user,item,rating\n1,2,3\n1,3,4\n2,3,5\n")
    result = run("check", tmp_path / "good.csv", "--json")
    assert result.exit_code == (1 if any(f["level"] == "error" for f in strict_json(result.stdout)["findings"]) else 0)


def test_positions_separator_and_no_header(run: Run, here: Path) -> None:
    columns = ("--user", "0", "--item", "1", "--rating", "2", "--timestamp", "3")
    guessed = run("fit", "ratings.dat", *columns, "-o", "a.ridge", *QUICK["implicit"])
    told = run("fit", "ratings.dat", *columns, "--separator", "::", "--no-header", "-o", "b.ridge", *QUICK["implicit"])
    named = run("fit", "ratings.csv", "-o", "c.ridge", *QUICK["implicit"])
    assert (guessed.exit_code, told.exit_code, named.exit_code) == (0, 0, 0), guessed.stderr + told.stderr
    fingerprints = {rb.load(f"{name}.ridge")._fingerprint for name in "abc"}
    assert len(fingerprints) == 1
    run_next(run, told.stdout)


def test_tabs_may_be_written_as_the_shell_passes_them_on(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("user\titem\nu,1\ti,1\nu,2\ti,2\n")
    payload = strict_json(run("check", tmp_path / "t.tsv", "--separator", r"\t", "--json").stdout)
    assert payload["figures"]["n_interactions"] == 2


def test_events_with_weights(run: Run, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("user,item,event,w\n1,2,view,1\n1,2,buy,1\n1,3,view,0.5\n2,2,view,1\n")
    events = ("--event", "event", "--event-weights", "view=1, buy=10", "--weight", "w")
    result = run("fit", tmp_path / "e.csv", *events, "-o", tmp_path / "e.ridge", *QUICK["implicit"])
    assert result.exit_code == 0, result.stderr
    model = rb.load(tmp_path / "e.ridge")
    assert sorted(model._seen.data.tolist()) == [1, 1, 11]
    assert sorted(model._seen_weights.tolist()) == [0.5, 1, 1]


def test_a_query_over_files(run: Run, here: Path) -> None:
    query = "select userId as user, movieId as item, rating from 'ratings.csv' where rating >= 3"
    payload = strict_json(run("check", "--query", query, "--json").stdout)
    kept = [line for line in Path("ratings.csv").read_text().splitlines()[1:] if float(line.split(",")[2]) >= 3]
    assert payload["figures"]["n_interactions"] == len(kept)


def test_bad_rows_may_be_skipped(run: Run, tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("user,item,rating\n1,2,3\n1,3,x\n2,3,5\n")
    result = run("check", tmp_path / "b.csv", "--on-bad-rows", "skip")
    assert result.exit_code == 0
    assert "1 bad row skipped" in result.stdout


def test_parameters_reach_the_model(run: Run, here: Path) -> None:
    given = ("--weight-exponents", ".2,.1", "--alpha", "none", "--non-negative", "--init-scale", "0.2",
             "--n-threads", "1", "--random-state", "7", "--tolerance", "1e-9", *QUICK["implicit"])  # fmt: skip
    result = run("fit", "ratings.csv", "-o", "p.ridge", *given)
    assert result.exit_code == 0, result.stderr
    parameters = rb.load("p.ridge").get_params()
    assert parameters["weight_exponents"] == (0.2, 0.1)
    assert parameters["non_negative"] is True
    assert (parameters["alpha"], parameters["random_state"], parameters["tolerance"]) == (None, 7, 1e-9)
    assert parameters["regularization"] is None, "what was not given keeps its default"


def test_a_warm_start_from_a_model_file(run: Run, here: Path) -> None:
    assert run("fit", "ratings.csv", "-o", "cold.ridge", "--n-factors", "4", "--n-iterations", "8").exit_code == 0
    result = run("fit", "ratings.csv", "-o", "warm.ridge", "--init", "cold.ridge", *QUICK["implicit"], "--json")
    assert result.exit_code == 0, result.stderr
    first = strict_json(result.stdout)["history"][1]["loss"]
    assert first <= rb.load("cold.ridge").history_[-2]["loss"] * (1 + 1e-5)


def test_without_history(run: Run, here: Path) -> None:
    run("fit", "ratings.csv", "-o", "p.ridge", "--no-include-history", *QUICK["implicit"])
    assert rb.load("p.ridge")._seen is None
    assert run("recommend", "p.ridge", "--user", "1").exit_code == 1
    assert run("recommend", "p.ridge", "--user", "1", "--no-exclude-seen").exit_code == 0


def test_validation_and_patience(run: Run, here: Path) -> None:
    held_out = ("--validation-fraction", "0.2", "--metric", "recall@5", "--patience", "1", "--n-iterations", "30")
    payload = strict_json(run("fit", "ratings.csv", "-o", "v.ridge", *held_out, "--json").stdout)
    assert payload["stopped_by"] == "early_stopping"
    assert any(record["validation"] is not None for record in payload["history"])
    lines = Path("ratings.csv").read_text().splitlines()
    Path("train.csv").write_text("\n".join(lines[:1] + [line for n, line in enumerate(lines[1:]) if n % 7]))
    Path("valid.csv").write_text("\n".join(lines[:1] + lines[1::7]))
    shown = run("fit", "train.csv", "-o", "v.ridge", "--validation", "valid.csv", *QUICK["implicit"])
    assert shown.exit_code == 0, shown.stderr
    assert "validation" in shown.stdout
    refused = run("fit", "ratings.csv", "-o", "v.ridge", "--model", "bias", "--validation-fraction", "0.2")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--split", "random", "--test-fraction", "0.3"), {"asked": "trained users"}),
        (("--split", "leave-last-out", "--n-last", "2"), {"asked": "trained users"}),
        (("--split", "by-time", "--test-fraction", "0.3"), {"asked": "trained users"}),
        (("--split", "by-time", "--cutoff", "1700000000"), {"asked": "trained users"}),
        (("--split", "by-user", "--history-fraction", "0.5"), {"asked": "new users with a history"}),
        (("--relevant-from", "4"), {"relevant": "value >= 4"}),
    ],
)
def test_splits(run: Run, here: Path, options: tuple[str, ...], expected: dict[str, Any]) -> None:
    result = run("evaluate", "ratings.csv", *options, *QUICK["implicit"], "-k", "3,7", "--json")
    assert result.exit_code == 0, result.stderr
    payload = strict_json(result.stdout)
    assert payload["protocol"].items() >= expected.items()
    assert payload["protocol"]["k"] == [3, 7]
    assert set(payload["baselines"]) == {"Popularity", "Ease"}
    assert payload["n_train"] + payload["n_test"] <= rb.read_interactions("ratings.csv").nnz


def test_the_split_is_the_library_s(run: Run, here: Path) -> None:
    payload = strict_json(run("evaluate", "ratings.csv", *QUICK["implicit"], "--seed", "3", "--json").stdout)
    train, test = rb.split.random(rb.read_interactions("ratings.csv"), random_state=3)
    report = rb.evaluate(rb.ImplicitALS(n_factors=4, n_iterations=3), train, test)
    assert payload["metrics"] == pytest.approx(report.metrics)


def test_a_test_file_of_its_own(run: Run, here: Path) -> None:
    lines = Path("ratings.csv").read_text().splitlines()
    Path("train.csv").write_text("\n".join(lines[:-400]))
    Path("test.csv").write_text("\n".join([lines[0], *lines[-400:]]))
    result = run("evaluate", "train.csv", "--test", "test.csv", *QUICK["implicit"], "-k", "5")
    assert result.exit_code == 0, result.stderr
    assert "judged on 400 (the rows of test.csv)" in result.stdout
    assert "ImplicitALS  Popularity" in result.stdout


def test_baselines_may_be_left_out(run: Run, here: Path) -> None:
    order = ["--popularity-penalty", "1", "--diversity", "0.2", "--n-candidates", "30"]
    payload = strict_json(run("evaluate", "ratings.csv", *QUICK["implicit"], *order, "--json").stdout)
    assert payload["protocol"]["reranking"] == {"popularity_penalty": 1.0, "diversity": 0.2, "n_candidates": 30}
    assert "list_similarity@20" in payload["metrics"]
    result = run("evaluate", "ratings.csv", "--no-baselines", *QUICK["implicit"])
    assert "Popularity" not in result.stdout
    own = run("evaluate", "ratings.csv", "--model", "popularity", "-k", "5")
    assert own.stdout.count("Popularity") == 1


def test_a_long_history_is_shown_in_part(run: Run, here: Path) -> None:
    result = run("fit", "ratings.csv", "-o", "l.ridge", "--n-factors", "2", "--n-iterations", "40")
    rows = [line.split()[0] for line in result.stdout.split("iteration")[1].splitlines()[1:] if line.strip()]
    assert rows[:16] == [*map(str, range(1, 11)), "...", "36", "37", "38", "39", "40"]
    assert len(strict_json(run("inspect", "l.ridge", "--json").stdout)["history"]) > 80


def test_events_may_be_piped_in(folder: Path) -> None:
    command = f"'{sys.executable}' -m ridgeback check - --json < '{folder / 'ratings.csv'}'"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert strict_json(done.stdout)["figures"]["n_users"] == 120


def test_the_default_model_is_named(run: Run, here: Path) -> None:
    left_out = run("fit", "ratings.csv", "-o", "d.ridge", *QUICK["implicit"])
    assert "model: implicit, who takes what (--model explicit predicts" in left_out.stdout
    named = run("fit", "ratings.csv", "-o", "d.ridge", "--model", "implicit", *QUICK["implicit"])
    assert "model: implicit" not in named.stdout


def test_a_report_has_intervals_and_a_page(run: Run, here: Path) -> None:
    options = ("--split", "random-per-user", "--min-user-count", "3", "--level", "0.9", "--n-resamples", "200")
    shown = run("evaluate", "ratings.csv", *options, *QUICK["implicit"], "--html", "report.html")
    assert shown.exit_code == 0, shown.stderr
    assert "90 %" in shown.stdout
    assert "against Popularity: ndcg@10: " in shown.stdout
    assert "wrote report.html" in shown.stdout
    assert "90 % intervals" in Path("report.html").read_text(encoding="utf-8")
    found = strict_json(run("evaluate", "ratings.csv", *options, *QUICK["implicit"], "--json").stdout)
    low, high = found["intervals"]["ndcg@10"]
    assert low <= found["metrics"]["ndcg@10"] <= high
    assert (found["level"], found["n_resamples"]) == (0.9, 200)
    assert found["protocol"]["split"]["name"] == "random_per_user"
    assert len(found["user_deciles"]) > 1
    without = run("evaluate", "ratings.csv", "--n-resamples", "0", *QUICK["implicit"])
    assert "95 %" not in without.stdout
    refused = run("evaluate", "ratings.csv", "--html", "ratings.csv")
    assert refused.exit_code == 1
    assert Path("ratings.csv").read_text(encoding="utf-8").startswith("userId")
    assert run("evaluate", "ratings.csv", "--min-user-count", "5000").exit_code == 1


def test_evaluate_judges_a_saved_model(run: Run, here: Path) -> None:
    train, test = rb.split.random(rb.read_interactions("ratings.csv"), 0.2)
    model = rb.ExplicitALS(n_factors=2, n_iterations=2).fit(train)
    model.save("m.ridge")
    model.save("bare.ridge", include_history=False)
    users, items, values = test.user_items.row_of_entry(), test.user_items.indices, test.user_items.values()
    rows = [
        f"{test.user_ids[int(u)]},{test.item_ids[int(i)]},{value:g}"
        for u, i, value in zip(users, items, values, strict=True)
    ]
    Path("test.csv").write_text("user,item,rating\n" + "\n".join(rows) + "\n", encoding="utf-8")
    result = run("evaluate", "m.ridge", "--test", "test.csv", "--k", "3", "--json")
    assert result.exit_code == 0, result.stderr
    found, expected = strict_json(result.stdout), rb.evaluate(model, train, test, k=3)
    assert found["metrics"]["rmse"] == pytest.approx(expected.metrics["rmse"])
    assert found["metrics"]["ndcg@3"] == pytest.approx(expected.metrics["ndcg@3"])
    assert found["baselines"]["BiasBaseline"]["rmse"] == pytest.approx(expected.baselines["BiasBaseline"]["rmse"])
    for options, code, message in (
        (("m.ridge",), 2, "give --test FILE"),
        (("m.ridge", "--test", "test.csv", "--n-factors", "3"), 2, "--n-factors has no meaning with m.ridge"),
        (("m.ridge", "--test", "test.csv", "--split", "by-user"), 2, "--split has no meaning with m.ridge"),
        (("bare.ridge", "--test", "test.csv"), 1, "saved without the users' histories"),
    ):
        refused = run("evaluate", *options)
        assert (refused.exit_code, message in refused.stderr) == (code, True), refused.stderr


def test_evaluate_on_the_file_it_fitted_says_so(run: Run, here: Path) -> None:
    result = run("evaluate", "ratings.csv", "--test", "ratings.csv", "--n-iterations", "1")
    assert result.exit_code == 1
    assert "the training part holds them too" in result.stderr
    assert "Fit it on train alone" not in result.stderr
    assert "relevant test pairs were in training already" in result.stderr
