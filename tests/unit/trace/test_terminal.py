"""The narrator for a terminal: what it says is right, nothing is cut in silence, and no name moves the cursor."""

from __future__ import annotations

import functools
import io
import math
import re
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len

import ridgeback as rb
from ridgeback.errors import ParameterError, UnknownIdError
from ridgeback.examples.twins import by_hand, matrix_interactions
from ridgeback.trace import written

RATINGS = [[4, 2, np.nan], [3, np.nan, 1], [5, 4, 2]]
PLAIN = {"biases": False, "regularization": 0.3, "n_iterations": 2, "orientation": "start"}
MODELS = [
    rb.ExplicitALS(2, **PLAIN),
    rb.ExplicitALS(2, n_iterations=2),
    rb.ExplicitALS(2, **{**PLAIN, "regularization": 0.0}),
    rb.ExplicitALS(2, **PLAIN, non_negative=True),
    rb.ExplicitALS(2, **PLAIN, solver="cg", n_cg_steps=1),
    rb.ImplicitALS(2, n_iterations=2, unobserved_weight=0.3),
    rb.ImplicitALS(2, n_iterations=2, loss="hu", alpha=2.0),
    rb.LogisticMF(2, n_iterations=2, regularization=0.1),
    rb.LogisticMF(2, **PLAIN, solver="gradient", n_negatives=0, step_size=30.0),
    rb.LogisticMF(2, **PLAIN, solver="adagrad"),
]
SCOPE: dict[str, Any] = {"exp": math.exp, "log": math.log, "__builtins__": {}}


def traced(
    model: Any, ratings: Any = RATINGS, users: Any = ("ann", "bob", "cid"), items: Any = ("tea", "milk", "rum")
) -> rb.Trace:
    trace = rb.Trace()
    by_hand(model).fit(matrix_interactions(ratings, users, items), trace=trace)
    return trace


def shown(trace: rb.Trace, **settings: Any) -> str:
    file = io.StringIO()
    trace.show(file=file, **{"width": 200, **settings})
    return file.getvalue()


@functools.cache
def big_trace(n_factors: int = 12) -> rb.Trace:
    rng = np.random.default_rng(4)
    users, items = np.nonzero(rng.random((40, 30)) < 0.4)
    data = rb.Interactions.from_arrays([f"user {u}" for u in users], [f"영화 {i}" for i in items])
    trace = rb.Trace()
    rb.ImplicitALS(n_factors, n_iterations=20).fit(data, trace=trace)
    return trace


def arithmetic(text: str) -> list[tuple[str, float, float]]:
    """Every sum in the text: as it is written, what it gives, and what the text says that it gives."""
    found = []
    for line in text.splitlines():
        parts = re.sub(
            r" \((?:mean|bias of \w+|a no that nobody stored|ridge|bias ridge|(?:unobserved_weight × )?gram\[.,.\])\)",
            "",
            line,
        ).split(" = ")
        if len(parts) < 3 or re.search(r"[a-z]{2}|[\[\]]", re.sub(r"exp|ln|rating|target|probability", "", parts[-2])):
            continue
        written = re.sub(r"^(rating|target) |(rating|target) (?=[-0-9(])", "", parts[-2])
        if "probability" in written:
            continue
        sum_ = written.replace("×", "*").replace("²", "**2").replace("^", "**").replace("ln(", "log(")
        found.append((line, float(eval(sum_, SCOPE)), float(parts[-1].split()[0])))
    return found


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_every_sum_gives_what_stands_after_it(model: Any) -> None:
    trace = traced(model)
    n_sums = 0
    for user in ("ann", "bob"):
        for item in ("tea", "rum"):
            for line, result, stated in arithmetic(shown(trace, user=user, item=item)):
                assert result == pytest.approx(stated, rel=1e-4, abs=2e-4), line
                n_sums += 1
    assert n_sums > 100


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_the_results_are_those_of_the_record(model: Any) -> None:
    trace = traced(model)
    for step in trace.steps:
        text = shown(trace, step=step["index"], user="ann", item="tea")
        scores = step["predictions"] if step["scores"] is None else step["scores"]
        assert re.search(rf"score\(ann, tea\) = .* = {re.escape(written.number(scores[0, 0]))}\n", text)
        assert f"= {written.number(step['terms'][0, 0])}" in text
        for row in step["rows"]:
            if row["id"] in ("ann", "tea") and row["A"] is not None and step["method"] != "newton":
                for i in range(len(row["x"])):
                    entry = "bias" if row["bias_ridge"] is not None and i == len(row["x"]) - 1 else str(i + 1)
                    assert re.search(
                        rf"A\[{entry},{entry}\] = .* = {re.escape(written.number(row['A'][i, i]))}\n", text
                    )
                    assert re.search(rf"b\[{entry}\] = .* = {re.escape(written.number(row['b'][i]))}\n", text)


def test_a_formula_as_it_is_written() -> None:
    trace = rb.examples.explicit_2x2(regularization=0.1)
    text = shown(trace, step=1, user="user 1", item="item 2")
    formula = text[text.index("user 1: A x") :]
    assert (
        re.sub(r"= [0-9.e-]+, condition", "= 0, condition", formula)
        == """user 1: A x = b, from 2 items: item 1, item 2
  A = sum of y yᵀ + 0.1 I, b = sum of t y
  A[1,1] = 0.2 × 0.2 + 0.1 × 0.1 + 0.1 (ridge) = 0.15
  A[1,2] = 0.2 × 0.4 + 0.1 × 0.3 = 0.11
  A[2,2] = 0.4 × 0.4 + 0.3 × 0.3 + 0.1 (ridge) = 0.35
  b[1] = 4 × 0.2 + 2 × 0.1 = 1
  b[2] = 4 × 0.4 + 2 × 0.3 = 2.2
  A, b and x
        f1    f2    b        x
  f1  0.15  0.11    1  2.67327
  f2  0.11  0.35  2.2  5.44554
  A⁻¹ = [8.66337 -2.72277; -2.72277 3.71287]
  x[1] = 8.66337 × 1 - 2.72277 × 2.2 = 2.67327
  x[2] = -2.72277 × 1 + 3.71287 × 2.2 = 5.44554
  |A x - b| = 0, condition 3.93

score(user 1, item 2) = 2.67327 × 0.1 + 5.44554 × 0.3 = 1.90099
difference = rating 2 - 1.90099 = 0.0990099
term of the loss = 1 × 0.0990099² = 0.00980296

loss 51.0471 → 18.0003 = listed pairs 8.8741 + regularization 9.1262; MSE 2.2185
"""
    )


def test_the_step_as_it_is_shown() -> None:
    text = shown(rb.examples.explicit_2x2(regularization=0.1), step=1, width=80)
    assert (
        text
        == """
step 1: iteration 1, users   each row solved exactly, items fixed
users × factors              predicted ratings
            f1        f2             item 1    item 2
          17 %      83 %     user 1  2.7129 ▲  1.9010 ▲
user 1  2.6733 ▲  5.4455 ▲   user 2  3.2475 ▲  2.3267 ▲
user 2  2.1782 ▲  7.0297 ▲

rating - prediction
         item 1  item 2
user 1   1.2871  0.0990
user 2  -0.2475  2.6733

user 1  A = [0.15 0.11; 0.11 0.35]  b = [1 2.2]    x = A⁻¹ b = [2.673 5.446]
user 2  A = [0.15 0.11; 0.11 0.35]  b = [1.1 2.7]  x = A⁻¹ b = [2.178 7.03]

loss 51.0471 → 18.0003 = listed pairs 8.8741 + regularization 9.1262; MSE 2.2185
"""
    )


def test_marks_say_which_way_each_cell_went() -> None:
    trace = traced(rb.LogisticMF(2, **PLAIN, solver="gradient"))
    for before, step in zip(trace.steps, trace.steps[1:], strict=False):
        side = "items" if step["side"] == "items" else "users"
        change = step["change"]
        block = re.search(rf"{side} × factors.*\n(.*\n)+?\n", shown(trace, step=step["index"], width=40))
        assert block is not None
        marks = re.findall(r"[▲▼]", block[0])
        assert marks == ["▲" if number > 0 else "▼" for number in change.ravel() if abs(number) > 1e-12]
        assert before["index"] == step["index"] - 1


@pytest.mark.parametrize("width", [30, 40, 80, 100, 140])
def test_nothing_is_wider_than_it_may_be(width: int) -> None:
    for trace in (big_trace(), traced(MODELS[1])):
        user, item = trace.header["users"]["ids"][0], trace.header["items"]["ids"][0]
        text = shown(trace, width=width, user=user, item=item)
        assert max(cell_len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("width", [40, 80, 140])
def test_what_is_left_out_is_counted(width: int) -> None:
    trace = big_trace()
    text = shown(trace, step=1, rows=7, width=width)
    block = text.split("users × factors\n")[1].split("\n\n")[0].splitlines()
    n_factors = len(re.findall(r"f\d+", block[0]))
    assert sum(line.startswith("user ") for line in block) == 7
    assert n_factors < 12
    left_out = f"... {12 - n_factors} more factor{'s' * (n_factors < 11)}, 33 more users"
    assert block[-1].startswith(left_out)
    whole = shown(trace, width=width)
    steps = len(re.findall(r"^step \d+:", whole, re.MULTILINE))
    assert f"... {len(trace.steps) - steps} more steps" in whole
    assert len(re.findall(r"^step \d+:", shown(trace, step="all", width=width), re.MULTILINE)) == len(trace.steps)


def test_large_sums_show_their_largest_terms_and_the_rest_together() -> None:
    text = written.products([np.arange(1.0, 13.0), np.full(12, 2.0)])
    assert text == "5 × 2 + 6 × 2 + 7 × 2 + 8 × 2 + 9 × 2 + 10 × 2 + 11 × 2 + 12 × 2 + 20 (... 4 more)"
    assert written.products([[-1.0, 2.0], [-0.5, -0.25]]) == "-1 × (-0.5) + 2 × (-0.25)"
    assert written.vector(np.arange(9.0)) == "[0 1 2 3 4 5 ... 3 more]"
    assert written.matrix(np.array([[1, 1e-15], [0.5, -2]])) == "[1 0; 0.5 -2]"


def test_recommendations_are_the_unknown_pairs_best_first_within_each_user() -> None:
    trace = traced(MODELS[0], [[4.0, np.nan, np.nan], [3.0, np.nan, 1.0], [5.0, 4.0, 2.0]])
    lines = shown(trace).split("recommendation")[1].splitlines()[2:5]
    last = trace.steps[-1]["predictions"]
    assert last[0, 1] > last[0, 2]
    assert [line.split()[:2] for line in lines] == [["ann", "milk"], ["ann", "rum"], ["bob", "milk"]]
    scores = [float(line.split()[2]) for line in lines]
    assert scores == pytest.approx([last[0, 1], last[0, 2], last[1, 1]], abs=1e-4)
    turned = traced(MODELS[0], [[4.0, np.nan, np.nan], [3.0, 1.0, np.nan], [5.0, 2.0, 4.0]])
    assert shown(turned).split("recommendation")[1].splitlines()[2].split()[:2] == ["ann", "rum"]
    full = traced(MODELS[0], [[1.0, 2.0], [3.0, 4.0]], ("a", "b"), ("c", "d"))
    assert "every pair is known" in shown(full)


def test_what_has_no_pair_is_not_recommended() -> None:
    trace = traced(MODELS[0], [[4.0, 2.0, np.nan], [np.nan, np.nan, np.nan], [3.0, np.nan, np.nan]])
    told = shown(trace).split("recommendation")[1]
    assert told.splitlines()[2].split()[:2] == ["cid", "milk"]
    assert told.splitlines()[3] == "left out, since they have no pair to learn from: bob, rum"


def test_implied_noes_are_recommended_and_said_to_be_noes() -> None:
    trace = traced(rb.LogisticMF(2, regularization=0.1, n_iterations=1))
    text = shown(trace)
    assert "2 unknown pairs count as a no too" in text
    assert "probability" in text.split("recommendation")[1]
    assert "a no that nobody stored" in shown(trace, step=0, user="ann", item="rum")


@pytest.mark.parametrize("model", [m for m in MODELS if not m.get_params().get("non_negative")], ids=repr)
def test_a_new_user_from_preferences_to_scores(model: Any) -> None:
    twin = by_hand(model.clone().set_params(regularization=0.2))
    twin.fit(matrix_interactions(RATINGS, ("ann", "bob", "cid"), ("tea", "milk", "rum")))
    trace = rb.examples.fold_in_by_hand(twin, {"tea": 2.0, "rum": 1.0})
    text = shown(trace)
    for line, result, stated in arithmetic(text):
        assert result == pytest.approx(stated, rel=1e-4, abs=2e-4), line
    step = trace.steps[0]
    scores = step["predictions"][0] if step["scores"] is None else step["scores"][0]
    given = ["tea", "rum"] if scores[0] >= scores[2] else ["rum", "tea"]
    unknown, has = text.split("what to recommend")[1].split("what this user has")
    assert re.findall(r"score\(new user, (\w+)\)", unknown) == ["milk"]
    assert re.findall(r"score\(new user, (\w+)\).* \(has it\)", has) == given
    assert "has it" not in unknown
    assert re.search(r"tea +2 +-?[0-9.]+ +", text) is not None
    assert ("probability = 1 / (1 + exp" in text) == (model.link == "probability")
    with pytest.raises(UnknownIdError, match="of a new user"):
        shown(trace, user="ann")


def test_a_worked_example_ends_in_what_is_printed_and_what_is_right() -> None:
    text = shown(rb.examples.implicit_2x2())
    assert "what the tutorial prints, and what is right" in text
    assert "  printed  [0.4 0.1; 0.2 0.05]\n  right    [0.638277 0.523807; 0.443505 0.43551]" in text
    assert "- A confidence says how much a pair counts." in text


def test_a_trace_from_a_file_reads_the_same() -> None:
    trace = traced(MODELS[1])
    again = rb.Trace.from_json(trace.to_json())
    assert shown(again, user="ann", item="tea") == shown(trace, user="ann", item="tea")


def test_a_watched_trace_shows_its_rows_and_the_losses_of_the_whole() -> None:
    rng = np.random.default_rng(2)
    users, items = np.nonzero(rng.random((30, 20)) < 0.4)
    data = rb.Interactions.from_arrays(users, items, ratings=rng.integers(1, 6, len(users)).astype(float))
    trace = rb.Trace(watch_users=7)
    rb.ExplicitALS(3, n_iterations=1).fit(data, trace=trace)
    text = shown(trace, user=7)
    assert text.count("7: A x = b, from") == 2
    assert f"loss {trace.steps[0]['loss']:.4f} → {trace.steps[1]['loss']:.4f}" in text
    assert "predicted ratings" not in text
    with pytest.raises(UnknownIdError, match="does not hold user 8"):
        shown(trace, user=8)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("name", "value", "is_coloured"),
    [("NO_COLOR", "", True), ("NO_COLOR", "1", False), ("TERM", "dumb", False)],
)
def test_colour_only_where_it_is_wanted_and_symbols_always(
    name: str, value: str, is_coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.setenv(name, value)
    file = Terminal()
    trace = traced(MODELS[0])
    trace.show(file=file)
    assert ("\x1b[" in file.getvalue()) == is_coloured
    text = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())
    plain = [line.rstrip() for line in shown(trace, width=90).splitlines()]
    assert [line.rstrip() for line in text.splitlines()] == plain


def test_a_poor_encoding_gets_ascii() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    traced(MODELS[0]).show(file=file, width=80, user="ann")
    file.seek(0)
    text = file.read()
    assert "users x factors" in text
    assert re.search(r"\d [\^v]", text)
    assert "A^-1 = [" in text


def test_no_name_moves_the_cursor_or_fills_the_screen() -> None:
    hostile = "\x1b[2J[bold]\u202e"
    trace = traced(MODELS[0], users=(hostile, "x" * 10_000, "c"), items=("\n\n", "i", "j" * 100))
    text = shown(trace, width=80)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", text)
    assert "\\x1b[2J[bold]\\u202e" in text
    assert "x" * 23 + "…" in text
    assert "x" * 25 not in text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"step": 99}, "step of this trace, 0 to 5"),
        ({"step": "first"}, "step of this trace"),
        ({"step": [0, True]}, "Got True"),
        ({"rows": 0}, "whole number of at least 1"),
        ({"width": 0}, "whole number of at least 1"),
    ],
)
def test_what_cannot_be_shown(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        shown(traced(MODELS[0]), **settings)


def test_unknown_rows_and_empty_traces() -> None:
    with pytest.raises(UnknownIdError, match=r"user 'bop' is unknown.*'bob'"):
        shown(traced(MODELS[0]), user="bop")
    with pytest.raises(ParameterError, match="recorded nothing yet"):
        rb.Trace().show()


def matrix_block(text: str, title: str) -> list[list[float]]:
    """The numbers of a grid, its columns put together again where they stand below each other."""
    rows: dict[str, list[float]] = {}
    for group in re.findall(
        rf"^ +{re.escape(title)}(?:, continued)?\n.*\n((?: +(?:f\d+|bias) .*\n)+)", text, re.MULTILINE
    ):
        for line in group.splitlines():
            name, *numbers = line.split()
            rows.setdefault(name, []).extend(map(float, numbers))
    return list(rows.values())


@pytest.mark.parametrize(("n_factors", "width"), [(4, 100), (9, 60), (16, 100)])
def test_a_b_and_x_of_a_row_are_shown_whole(n_factors: int, width: int) -> None:
    trace = big_trace(n_factors)
    text = shown(trace, step=1, user="user 3", width=width)
    row = next(row for row in trace.steps[1]["rows"] if row["id"] == "user 3")
    block = matrix_block(text, "A, b and x")
    assert np.array(block) == pytest.approx(np.column_stack([row["A"], row["b"], row["x"]]), rel=1e-5, abs=1e-9)
    sums = re.findall(r"^  x\[(\d+)\] = ", text, re.MULTILINE)
    assert sums == [str(i + 1) for i in range(min(n_factors, 10))]
    is_cut = "show(rows=16)" in text
    assert is_cut == (n_factors == 16)
    whole = shown(trace, step=1, user="user 3", width=width, rows=16)
    assert len(re.findall(r"^  x\[\d+\] = ", whole, re.MULTILINE)) == n_factors


def test_four_factors_are_cut_nowhere() -> None:
    trace = traced(rb.ExplicitALS(4, n_iterations=1))
    text = shown(trace, step=1, user="ann", rows=1)
    formula = text[text.index("user ann: A x") :]
    assert "..." not in formula
    assert len(re.findall(r"^  A\[", formula, re.MULTILINE)) == 15  # four factors and a bias
    assert len(re.findall(r"^  x\[", formula, re.MULTILINE)) == 5


def test_of_a_large_system_b_and_x_are_whole_and_a_says_where_it_is() -> None:
    trace = big_trace(20)
    text = shown(trace, step=-1, user="user 3", width=120)
    place = [row["id"] for row in trace.steps[-1]["rows"]].index("user 3")
    last = trace.steps[-1]["index"]
    assert f'A is 20 × 20: show(rows=20) shows it whole; its numbers: trace.steps[{last}]["rows"][{place}]["A"]' in (
        re.sub(r"\n +", " ", text)
    )
    row = trace.steps[-1]["rows"][place]
    for name in ("b", "x"):
        found = re.search(rf"^  {name} = \[([^\]]*)\]", text, re.MULTILINE)
        assert found is not None
        assert [float(number) for number in found[1].split()] == pytest.approx(row[name], rel=1e-5, abs=1e-9)
    assert len(matrix_block(shown(trace, step=-1, user="user 3", rows=20), "A, b and x")) == 20


def test_the_gramian_is_written_once_a_step_with_the_sums_behind_it() -> None:
    trace = traced(rb.ImplicitALS(2, n_iterations=1, unobserved_weight=0.3))
    text = shown(trace, step=1, user="ann")
    assert np.array(matrix_block(text, "gram")) == pytest.approx(trace.steps[1]["gram"], rel=1e-5)
    entry = written.number(trace.steps[1]["gram"][0, 0])
    assert re.search(rf"gram\[1,1\] = sum over all items of y1² = .* = {re.escape(entry)}\n", text)
    assert f"0.3 × {entry} (unobserved_weight × gram[1,1])" in text
    assert shown(trace, step=2).count("gram = sum over all 3 users of x xᵀ") == 1
    assert "gram" not in shown(traced(MODELS[0]))
    assert 'gram is 12 × 12: trace.steps[1]["gram"]' in shown(big_trace(), step=1, user="user 3")


def test_targets_and_ridges_are_named() -> None:
    trace = traced(rb.ExplicitALS(2, regularization=0.3, bias_regularization=0.2, n_iterations=1))
    text = shown(trace, step=1, user="bob")
    assert "ridge = regularization × n^nu = 0.3 × 2^1 = 0.6\n" in text
    assert "bias ridge = bias_regularization × n^nu = 0.2 × 2^1 = 0.4\n" in text
    assert "t = rating - mean - bias of the item, the mean being 3;" in text
    assert "t(tea) = 3 - 3 - 0 = 0\n" in text
    assert "mean       3 of all ratings" in shown(trace)
    settings = {"regularization": 0.3, "unobserved_weight": 0.5, "frequency_exponent": 1.0, "n_iterations": 1}
    implicit = shown(traced(rb.ImplicitALS(2, **settings)), user="bob")
    assert "ridge = regularization × (n + unobserved_weight × items)^nu = 0.3 × (2 + 0.5 × 3)^1 = 1.05\n" in implicit


def test_the_parts_of_hus_loss_are_explained_where_one_is_negative() -> None:
    trace = rb.Trace()
    model = rb.ImplicitALS(2, loss="hu", alpha=1.0, regularization=0.01, n_iterations=5)
    by_hand(model).fit(matrix_interactions([[1, 1], [1, 1]], ("a", "b"), ("c", "d")), trace=trace)
    assert trace.steps[-1]["observed_loss"] < 0
    text = shown(trace)
    assert text.count("c (1 - s)² - s², which may be negative") == 1
    assert re.search(r"loss .* = listed pairs -\d+\.\d+ \+ all pairs", text)
    assert "observed" not in text
    assert "may be negative" not in shown(traced(MODELS[5]))


def test_the_table_of_losses_has_the_rotation_and_steps_come_in_their_order() -> None:
    trace = traced(MODELS[1])
    table = shown(trace).split("loss after every step")[1]
    assert re.search(r"^5     rotation ", table, re.MULTILINE)
    assert re.findall(r"^step (\d)", shown(trace, step=[2, 0, -1, 2]), re.MULTILINE) == ["0", "2", "6"]


def test_a_prediction_beyond_the_ratings_says_that_predict_clips() -> None:
    twin = by_hand(rb.ExplicitALS(2, regularization=0.01, n_iterations=3))
    twin.fit(matrix_interactions([[4, 2], [3, 1]], ("a", "b"), ("c", "d")))
    text = shown(rb.examples.fold_in_by_hand(twin, {"c": 9.0}))
    assert re.search(r"score\(new user, \w\) = .* \(unclipped; predict clips to 1..4\)\n", text)
    assert "clips" not in shown(rb.examples.fold_in_by_hand(twin, {"c": 3.0}))


def test_long_titles_of_factors_break_between_words() -> None:
    titles = [f"A Title of Several Words {n}" for n in range(3)]
    trace = traced(MODELS[0], items=titles)
    text = shown(trace, width=60).split("\nfactors")[1].split("recommendation")[0]
    words = " ".join(text.split())
    for n in range(3):
        assert f"{titles[n][:23]}…" in words or titles[n] in words
    assert max(map(len, text.splitlines())) <= 60


def test_recommendations_of_an_example_say_from_which_matrix_they_come() -> None:
    trace = rb.examples.explicit_2x2()
    trace.header["example"] = {
        "recommendations": [{"user": "a", "item": "b", "score": 1.5, "prediction": 1.5}],
        "recommended_from": "a second matrix: 4 2; 3 .",
        "comparison": [],
        "remarks": [],
    }
    assert "recommendation   best first, from a second matrix: 4 2; 3 .\n" in shown(trace)
    trace.header["example"]["recommended_from"] = None
    assert "recommendation   best first\n" in shown(trace)
