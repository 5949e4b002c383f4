"""recommend, similar, explain, fold-in, inspect: the answers of the library, printed."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import numpy as np
import pytest
from rich.cells import cell_len

import ridgeback as rb
from cli.conftest import Run
from cli.films import FILMS, HISTORIES, strict_json


def table(text: str, first: str) -> list[list[str]]:
    """The rows of the aligned table whose head starts with this word, split where two spaces stand."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(first))
    end = next((i for i in range(start, len(lines)) if not lines[i].strip()), len(lines))
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines[start:end]]


def test_recommend_shows_what_the_library_answers(run: Run, shop: Path) -> None:
    result = run("recommend", shop, "--user", "ann", "-k", 3)
    expected = rb.load(shop).recommend("ann", k=3)
    assert result.exit_code == 0, result.stderr
    assert table(result.stdout, "item")[1:] == [[r.item, r.title, f"{r.score:.4f}"] for r in expected]
    assert "user ann: 3 items" in result.stdout
    assert f"next: ridgeback explain {shop} --user ann --item {expected[0].item}" in result.stdout


def test_recommend_as_json(run: Run, shop: Path) -> None:
    result = run("recommend", shop, "--user", "ann", "--user", "한별", "--json")
    payload = strict_json(result.stdout)
    expected = rb.load(shop).recommend(["ann", "한별"])
    assert [answer["user"] for answer in payload["recommendations"]] == ["ann", "한별"]
    for answer, wanted in zip(payload["recommendations"], expected, strict=True):
        assert answer["fallback"] is None
        assert answer["items"] == [{"item": r.item, "title": r.title, "score": r.score} for r in wanted]


def test_seen_items_on_request(run: Run, shop: Path) -> None:
    without = strict_json(run("recommend", shop, "--user", "ann", "--json").stdout)["recommendations"][0]["items"]
    with_seen = strict_json(run("recommend", shop, "--user", "ann", "--no-exclude-seen", "--json").stdout)
    assert {r["item"] for r in without} == set(FILMS) - set(HISTORIES["ann"].split())
    assert {r["item"] for r in with_seen["recommendations"][0]["items"]} == set(FILMS)


def test_percentiles_of_one_user_of_all_and_of_a_new_one(run: Run, shop: Path, tmp_path: Path) -> None:
    model = rb.load(shop)
    expected = model.recommend("ann", k=3, as_="percentile")
    result = run("recommend", shop, "--user", "ann", "-k", 3, "--as", "percentile")
    assert result.exit_code == 0, result.stderr
    assert table(result.stdout, "item") == [
        ["item", "title", "percentile"],
        *([r.item, r.title, f"{r.score:.4f}"] for r in expected),
    ]
    payload = strict_json(run("recommend", shop, "--user", "ann", "--as", "percentile", "--json").stdout)
    assert payload["recommendations"][0]["as"] == "percentile"
    assert run("recommend", shop, "--all", "-o", tmp_path / "all.csv", "--as", "percentile").exit_code == 0
    rows = duckdb.sql(f"select score from '{tmp_path / 'all.csv'}' where \"user\" = 'ann'").fetchall()
    np.testing.assert_allclose([score for (score,) in rows], model.recommend("ann", as_="percentile").scores)
    payload = strict_json(run("fold-in", shop, "--items", "tt7,tt2", "--as", "percentile", "--json").stdout)
    assert payload["as"] == "percentile"
    np.testing.assert_allclose(
        [r["score"] for r in payload["items"]], model.fold_in(["tt7", "tt2"]).recommend(as_="percentile").scores
    )
    refused = run("fold-in", shop, "--items", "tt7", "--as", "probability")
    assert refused.exit_code == 1
    assert "has scores that are no probabilities; use --as percentile, or fit it again with" in refused.stderr
    assert run("recommend", shop, "--user", "ann", "--as", "share").exit_code == 2


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_recommend_to_all(run: Run, shop: Path, tmp_path: Path, ending: str) -> None:
    output = tmp_path / f"out.{ending}"
    result = run("recommend", shop, "--all", "-o", output, "-k", 2)
    assert result.exit_code == 0, result.stderr
    rows = duckdb.sql(f"select * from '{output}'").fetchall()
    model = rb.load(shop)
    expected = [(u, n, r.item, r.title) for u in model.user_ids_ for n, r in enumerate(model.recommend(u, k=2), 1)]
    assert [(user, rank, item, title) for user, rank, item, _, title in rows] == expected
    assert f"wrote {output}: up to 2 items for each of 7 users" in result.stdout


def test_candidates_from_a_file_and_from_stdin(run: Run, shop: Path, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("tt7\n\n tt2 \n", encoding="utf-8")
    from_file = run("recommend", shop, "--user", "ann", "--candidates", tmp_path / "ids.txt", "--json")
    from_stdin = run("recommend", shop, "--user", "ann", "--candidates", "-", "--json", input="tt7\ntt2\n")
    assert {r["item"] for r in strict_json(from_file.stdout)["recommendations"][0]["items"]} == {"tt7", "tt2"}
    assert from_stdin.stdout == from_file.stdout


def test_wide_titles_align(run: Run, shop: Path) -> None:
    result = run("recommend", shop, "--user", "bob")
    lines = [line for line in result.stdout.splitlines() if line.startswith("tt")]
    assert len(lines) == 5
    assert len({cell_len(line) for line in lines}) == 1
    assert any("시네마 천국" in line for line in lines)


def test_similar_items_by_title_and_users(run: Run, shop: Path) -> None:
    model = rb.load(shop)
    result = run("similar", shop, "--item", "toy story 2", "-k", 2)
    assert "closest to Toy Story 2 (1999) (tt8)" in result.stdout
    assert table(result.stdout, "item")[1:] == [
        [r.item, r.title, f"{r.score:.4f}"] for r in model.similar_items("tt8", k=2)
    ]
    payload = strict_json(run("similar", shop, "--user", "fay", "-k", 2, "--json").stdout)
    assert payload["neighbours"] == [{"user": r.user, "cosine": r.score} for r in model.similar_users("fay", k=2)]
    assert payload["next"] == [f"ridgeback recommend {shop} --user fay"]


def test_lists_in_another_order(run: Run, shop: Path, tmp_path: Path) -> None:
    model = rb.load(shop)
    order = ["--popularity-penalty", "0.8", "--diversity", "0.2", "--n-candidates", "6"]
    expected = model.recommend("ann", k=3, popularity_penalty=0.8, diversity=0.2, n_candidates=6)
    result = run("recommend", shop, "--user", "ann", "-k", 3, *order)
    assert result.exit_code == 0, result.stderr
    assert table(result.stdout, "item") == [
        ["item", "title", "score", "ranking"],
        *(
            [r.item, r.title, f"{r.score:.4f}", f"{v:.4f}"]
            for r, v in zip(expected, expected.ranking_scores, strict=True)
        ),
    ]
    assert "ranking: in this order by a popularity penalty of 0.8 and diversity 0.2; the score is the" in result.stdout
    payload = strict_json(run("recommend", shop, "--user", "ann", "-k", 3, *order, "--json").stdout)
    assert payload["reranking"] == {"popularity_penalty": 0.8, "diversity": 0.2, "n_candidates": 6}
    assert payload["recommendations"][0]["items"][1] == {
        "item": expected[1].item,
        "title": expected[1].title,
        "score": expected[1].score,
        "ranking_score": float(expected.ranking_scores[1]),
    }
    output = tmp_path / "all.csv"
    result = run("recommend", shop, "--all", "-o", output, "-k", 3, *order)
    assert "ranking: in this order by" in result.stdout
    rows = duckdb.sql(f"select item, ranking_score from '{output}' where \"user\" = 'ann' order by rank").fetchall()
    assert [item for item, _ in rows] == expected.items.tolist()
    np.testing.assert_allclose([value for _, value in rows], expected.ranking_scores, rtol=1e-6)
    similar = model.similar_items("tt8", k=2, diversity=0.5)
    payload = strict_json(run("similar", shop, "--item", "tt8", "-k", 2, "--diversity", "0.5", "--json").stdout)
    assert [n["item"] for n in payload["neighbours"]] == similar.items.tolist()
    assert [n["ranking_score"] for n in payload["neighbours"]] == similar.ranking_scores.tolist()
    assert "ranking" in run("similar", shop, "--item", "tt8", "--popularity-penalty", "1").stdout
    assert "ranking" not in run("similar", shop, "--item", "tt8").stdout


@pytest.mark.parametrize("kind", ["implicit", "explicit"])
def test_the_parts_of_an_explanation_add_up(run: Run, model_files: dict[str, Path], kind: str) -> None:
    path = model_files[kind]
    payload = strict_json(run("explain", path, "--user", "ann", "--item", "tt2", "--json").stdout)
    total = payload["baseline"] + payload["rest"] + sum(c["contribution"] for c in payload["contributions"])
    assert total == pytest.approx(payload["score"], abs=1e-5)
    assert {c["item"] for c in payload["contributions"]} == set(HISTORIES["ann"].split())
    result = run("explain", path, "--user", "ann", "--item", "matrix", "--top", 1)
    rows = table(result.stdout, "because of")
    assert rows[-1] == ["score", f"{payload['score']:.4f}"]
    assert sum(float(row[1]) for row in rows[1:-1]) == pytest.approx(float(rows[-1][1]), abs=1e-9)
    assert rows[-2][:1] == ["2 more items, as a sum"]
    assert rows[-2][2] == "|"
    model = rb.load(path)
    answers = table(result.stdout, "score")
    assert answers[0][:2] == ["score", f"{payload['score']:.4f}"]
    scores = model.score("ann", model.item_ids_.to_numpy())
    share = 100 * np.mean(scores <= model.score("ann", "tt2"))
    assert payload["percentile"] == pytest.approx(share)
    assert answers[1][:2] == ["percentile", f"{share:.1f}"]
    assert payload["chance"] is None
    assert len(answers) == 2
    assert payload["words"].startswith("Matrix, The (1999): ")


def test_an_explanation_as_a_page(run: Run, shop: Path, tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    result = run("explain", shop, "--user", "ann", "--item", "tt2", "--html", page)
    assert result.exit_code == 0, result.stderr
    assert f"wrote {page}" in result.stdout
    assert page.read_text(encoding="utf-8") == rb.load(shop).explain("ann", "tt2").to_html() + "\n"
    payload = strict_json(run("explain", shop, "--user", "ann", "--item", "tt2", "--html", page, "--json").stdout)
    assert payload["html"] == str(page)
    before = shop.read_bytes()
    refused = run("explain", shop, "--user", "ann", "--item", "tt2", "--html", shop)
    assert refused.exit_code == 1
    assert "which would be lost" in refused.stderr
    assert shop.read_bytes() == before
    assert run("explain", shop, "--user", "ann", "--item", "tt2", "--html", tmp_path / "no" / "x.html").exit_code == 1


def test_fold_in_is_the_library_s(run: Run, shop: Path) -> None:
    result = run("fold-in", shop, "--items", "tt7, Matrix, The (1999), nope", "-k", 3)
    expected = rb.load(shop).fold_in(["tt7", "tt2", "nope"]).recommend(3)
    assert result.exit_code == 0, result.stderr
    assert "not in the model, left out: nope" in result.stdout
    assert table(result.stdout.split("for this new user")[1], "item")[1:] == [
        [r.item, r.title, f"{r.score:.4f}"] for r in expected
    ]


def test_fold_in_with_ratings(run: Run, model_files: dict[str, Path]) -> None:
    path = model_files["explicit"]
    payload = strict_json(run("fold-in", path, "--items", "tt7=5,tt2=1.5", "--json").stdout)
    expected = rb.load(path).fold_in({"tt7": 5, "tt2": 1.5}).recommend(10)
    assert [r["item"] for r in payload["items"]] == [r.item for r in expected]
    np.testing.assert_allclose([r["score"] for r in payload["items"]], expected.scores)
    assert payload["given"] == [
        {"item": "tt7", "title": "Toy Story (1995)", "rating": 5.0},
        {"item": "tt2", "title": "Matrix, The (1999)", "rating": 1.5},
    ]


def test_fold_in_of_nothing_known_falls_back_and_says_so(run: Run, shop: Path) -> None:
    result = run("fold-in", shop, "--items", "nope")
    assert result.exit_code == 0, result.stderr
    assert "nothing given is known: ranked by popularity" in result.stdout


def test_titles_given_with_the_command(run: Run, model_files: dict[str, Path], tmp_path: Path) -> None:
    with (tmp_path / "titles.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "name"), ("tt1", "하나"), ("tt2", "둘, 2"), ("tt7", "Sieben")])
    titles = ("--titles", tmp_path / "titles.csv", "--title-id", "id", "--title", "name")
    result = run("recommend", model_files["bare"], "--user", "bob", *titles)
    assert result.exit_code == 0, result.stderr
    assert ["tt7", "Sieben"] in [row[:2] for row in table(result.stdout, "item")]
    assert run("similar", model_files["bare"], "--item", "둘, 2", *titles).exit_code == 0


def test_without_titles_there_is_no_such_column(run: Run, model_files: dict[str, Path]) -> None:
    result = run("recommend", model_files["bare"], "--user", "bob")
    assert table(result.stdout, "item")[0] == ["item", "score"]


@pytest.mark.parametrize("kind", ["implicit", "explicit", "popularity", "bias", "private"])
def test_inspect(run: Run, model_files: dict[str, Path], kind: str) -> None:
    path = model_files[kind]
    model = rb.load(path)
    payload = strict_json(run("inspect", path, "--json", "--verify").stdout)
    assert payload["model"] == type(model).__name__
    assert payload["includes_history"] is (kind != "private")
    assert {t["name"] for t in payload["tensors"]} >= {"user_factors", "item_factors"}
    assert payload["history"] == rb.load(path).history_ if kind in ("implicit", "explicit") else True
    result = run("inspect", path)
    assert result.exit_code == 0
    assert "7 (text ids)" in result.stdout
    assert f"next: ridgeback recommend {path} --user ann" in result.stdout


def test_inspect_describes_factors(run: Run, shop: Path, model_files: dict[str, Path]) -> None:
    described = rb.load(shop).describe_factors(n=2)
    result = run("inspect", shop, "--factors", "--top", 2)
    assert result.exit_code == 0, result.stderr
    for factor in described:
        assert str(factor) in result.stdout
    assert "factor 1: " in result.stdout
    for elsewhere in ("tensors", "history", "iteration", "written by"):
        assert elsewhere not in result.stdout
        assert elsewhere in run("inspect", shop).stdout
    payload = strict_json(run("inspect", shop, "--factors", "--top", 2, "--json").stdout)
    assert [one["energy_share"] for one in payload["factors"]] == [one.energy_share for one in described]
    assert payload["factors"][0]["top_items"][0]["title"] == described[0].top_items[0].title
    assert strict_json(run("inspect", shop, "--json").stdout)["factors"] == []
    refused = run("inspect", model_files["popularity"], "--factors")
    assert refused.exit_code == 1
    assert "has no factors" in refused.stderr


@pytest.mark.parametrize("kind", ["popularity", "bias"])
def test_baselines_answer_too(run: Run, model_files: dict[str, Path], kind: str) -> None:
    assert run("recommend", model_files[kind], "--user", "ann").exit_code == 0
    result = run("explain", model_files[kind], "--user", "ann", "--item", "tt2")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
