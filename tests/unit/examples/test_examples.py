"""The worked examples: every figure here was worked out apart from the code that it is held against."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ridgeback import examples
from ridgeback.errors import ParameterError, UnsupportedError
from ridgeback.examples.explicit import optimum


def close(values: Any) -> Any:
    return pytest.approx(np.asarray(values), abs=6e-7)


def line(trace: Any, what: str) -> dict[str, Any]:
    return next(one for one in trace.header["example"]["comparison"] if one["what"].startswith(what))


class TestExplicit:
    def test_without_regularization_one_half_step_reproduces_the_ratings(self) -> None:
        trace = examples.explicit_2x2()
        start, users = trace.steps[:2]
        assert start["predictions"] == close([[0.18, 0.11], [0.10, 0.06]])
        assert start["mse"] == close(12.744525)
        assert users["user_factors"] == close([[20, 0], [-55, 35]])
        assert users["mse"] == close(0)
        assert any("overfit" in remark for remark in trace.header["example"]["remarks"])

    def test_with_regularization_the_loss_falls_to_the_proven_optimum(self) -> None:
        trace = examples.explicit_2x2(regularization=0.1, n_iterations=300)
        assert [step["loss"] for step in trace.steps[:4]] == pytest.approx([51.0471, 18.0003, 9.7949, 8.3010], abs=1e-4)
        assert trace.steps[1]["user_factors"] == close([[2.673267, 5.445545], [2.178218, 7.029703]])
        assert trace.steps[1]["mse"] == close(2.218533)
        assert trace.steps[-1]["loss"] == close(1.791077)
        assert optimum(np.array([[4.0, 2.0], [3.0, 5.0]]), 0.1, 2) == close(1.791077)

    @pytest.mark.parametrize(
        ("regularization", "first", "end"),
        [
            (0.0, [13.08925, 2.4500, 1.108597], 0.978302),
            (0.1, [13.08925, 7.361111, 1.108610, 1.331993, 0.979132], 0.980802),
        ],
    )
    def test_one_factor(self, regularization: float, first: list[float], end: float) -> None:
        trace = examples.explicit_2x2(regularization=regularization, n_factors=1, n_iterations=171)
        assert [step["mse"] for step in trace.steps[: len(first)]] == close(first)
        assert trace.steps[-1]["mse"] == close(end)
        singular = np.linalg.svd([[4.0, 2.0], [3.0, 5.0]], compute_uv=False)
        if regularization == 0:
            assert trace.steps[-1]["mse"] == close(singular[1] ** 2 / 4)
        else:
            assert any("mean squared error rises" in remark for remark in trace.header["example"]["remarks"])

    def test_what_the_tutorial_prints_beside_what_is_right(self) -> None:
        trace = examples.explicit_2x2()
        assert line(trace, "first mean squared error")["right"] == close(12.744525)
        assert "11.9525" in line(trace, "first mean squared error")["why"]
        assert "11.4156" in line(trace, "user factors")["why"]
        fourth = line(trace, "predictions of the fourth")
        assert fourth["right"] == close([[0.5, 0.3], [0.3, 0.18]])
        assert "[[0.35, 0.75], [0.21, 0.45]]" in fourth["why"]
        assert "6.63" in line(trace, "mean squared error of the fourth")["why"]
        items = line(trace, "item factors")
        assert items["right"] == close([[2.558824, 0.852941], [2.205882, 0.735294]])
        assert "10.4716" in items["why"]
        assert "2.720588" in items["why"]


class TestImplicit:
    def test_logistic_by_gradient(self) -> None:
        trace = examples.implicit_2x2()
        start, users, items = trace.steps[:3]
        assert start["predictions"] == close([[0.544879, 0.527472], [0.524979, 0.514996]])
        assert start["differences"] == pytest.approx(np.array([[-0.4551, -0.4725], [-0.4750, -0.4850]]), abs=6e-5)
        assert start["cross_entropy"] == close(0.638711)
        gradients = [row["gradient"] for row in users["rows"]]
        assert np.array(gradients) == close([[-0.138277, -0.323807], [-0.143505, -0.335510]])
        assert users["user_factors"] == close([[0.638277, 0.523807], [0.443505, 0.435510]])
        assert users["cross_entropy"] == close(0.576809)
        assert items["item_factors"] == close([[0.658608, 0.807457], [0.586419, 0.731834]])
        assert items["cross_entropy"] == close(0.402387)
        assert "no finite optimum" in trace.steps[-1]["note"]

    def test_what_the_tutorial_prints_beside_what_is_right(self) -> None:
        trace = examples.implicit_2x2()
        assert "0.647567" in line(trace, "cross-entropy")["why"]
        assert "0.6583" in line(trace, "user factors")["why"]
        assert "0.6673" in line(trace, "item factors")["why"]
        fourth = line(trace, "predictions of the fourth")
        assert fourth["right"] == close([[0.529964, 0.517493], [0.514996, 0.508749]])

    @pytest.mark.parametrize(
        ("loss", "losses", "users", "items", "scores"),
        [
            (
                "hu",
                [4.8131, 1.358286, 0.959639, 0.436231],
                [[0.855263, 1.25], [0.726257, 2.067039]],
                [[0.712719, 0.252356], [-0.748425, 0.703509]],
                [[0.955083, 0.043930], [0.978035, 0.955083]],
            ),
            (
                "ials",
                [2.44081, 1.069475, 0.900785, 0.647934],
                [[0.623411, 1.204455], [0.639316, 1.660381]],
                [[0.401529, 0.436590], [0.083272, 0.475007]],
                [[0.823003, 0.321336], [0.879879, 0.823003]],
            ),
        ],
    )
    def test_alternating_least_squares(self, loss: Any, losses: Any, users: Any, items: Any, scores: Any) -> None:
        trace = examples.implicit_2x2(loss, n_iterations=400)
        assert [step["loss"] for step in (*trace.steps[:3], trace.steps[-1])] == close(losses)
        assert trace.steps[1]["user_factors"] == close(users)
        assert trace.steps[2]["item_factors"] == close(items)
        assert trace.steps[-1]["predictions"] == close(scores)
        assert trace.header["example"]["recommendations"][0]["score"] == close(scores[0][1])

    def test_every_way_recommends_the_pair_that_nobody_listed(self) -> None:
        for loss in ("logistic", "hu", "ials"):
            found = examples.implicit_2x2(loss).header["example"]["recommendations"]
            assert [(one["user"], one["item"]) for one in found] == [("user 1", "item 2")]


class TestNewUser:
    @pytest.mark.parametrize(
        ("loss", "A", "b", "user", "told"),
        [
            ("hu", [[0.1475, 0.1175], [0.1175, 0.4075]], [0.3, 0.7], [0.863931, 1.468683], [0.643629, 0.410367]),
            ("ials", [[0.125, 0.059], [0.059, 0.241]], [0.15, 0.35], [0.581744, 1.309863], [0.545714, 0.356553]),
            ("logistic", None, None, [0.227624, 0.188059], [0.524970, 0.514595]),
            ("explicit", [[0.1225, 0.0525], [0.0525, 0.2225]], [0.6, 1.4], [2.448980, 5.714286], [2.367347, 1.551020]),
        ],
    )
    def test_the_row_and_what_it_says(self, loss: Any, A: Any, b: Any, user: Any, told: Any) -> None:
        step = examples.new_user_2x2(loss).steps[0]
        row = step["rows"][0]
        if A is not None:
            assert row["A"] == close(A)
            assert row["b"] == close(b)
        assert step["user_factors"][0] == close(user)
        assert step["predictions"][0] == close(told)

    @pytest.mark.parametrize(("loss", "weight"), [("hu", 3), ("ials", 3), ("logistic", 3)])
    def test_a_count_is_a_confidence(self, loss: Any, weight: float) -> None:
        row = examples.new_user_2x2(loss, count=3).steps[0]["rows"][0]
        confidences = row["weights"] if row["confidences"] is None else row["confidences"]
        assert confidences[0] == weight
        if loss == "hu":
            assert row["pulls"].tolist() == [4]

    def test_the_product_of_the_tutorial_cannot_run_with_three_items(self) -> None:
        why = line(examples.new_user_2x2(), "scores")["why"]
        assert "[0.15, 0.05]" in why
        assert "ValueError" in why

    def test_no_finite_solution_is_said_without_an_endless_loop(self) -> None:
        with pytest.raises(UnsupportedError, match="no finite optimum"):
            examples.new_user_2x2("logistic", regularization=0)
        assert examples.new_user_2x2("explicit", regularization=0).steps[0]["rows"][0]["is_singular"]


def test_wrong_arguments() -> None:
    for wrong in ("other", None):
        with pytest.raises(ParameterError, match="'loss' must be"):
            examples.implicit_2x2(wrong)  # type: ignore[arg-type]
        with pytest.raises(ParameterError, match="'loss' must be"):
            examples.new_user_2x2(wrong)  # type: ignore[arg-type]
    for count in (0, -1, float("nan"), "3"):
        with pytest.raises(ParameterError, match="'count' must be"):
            examples.new_user_2x2(count=count)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="'regularization'"):
        examples.explicit_2x2(regularization=-1)
    with pytest.raises(ParameterError, match="'n_factors'"):
        examples.explicit_2x2(n_factors=3)
    with pytest.raises(ParameterError, match="'step_size'"):
        examples.implicit_2x2(step_size=0)


@pytest.mark.parametrize(
    "trace",
    [
        examples.explicit_2x2(),
        examples.explicit_2x2(0.1, 1),
        *(examples.implicit_2x2(loss) for loss in ("logistic", "hu", "ials")),
        *(examples.new_user_2x2(loss) for loss in ("logistic", "hu", "ials", "explicit")),
    ],
    ids=lambda trace: trace.header["title"],
)
def test_each_example_is_one_record(trace: Any) -> None:
    record = json.loads(trace.to_json())
    assert record["precision"] == "double"
    assert record["example"]["recommendations"]
    assert record["example"]["remarks"]


def test_a_regularization_so_small_that_it_takes_for_ever() -> None:
    remarks = examples.explicit_2x2(regularization=1e-4).header["example"]["remarks"]
    assert any("not within 1e-06 of it after 2000 iterations" in remark for remark in remarks)
