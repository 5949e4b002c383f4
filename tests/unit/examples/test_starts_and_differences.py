"""Paths from different starts, and the four ways to read one matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ridgeback import examples
from ridgeback.errors import DataError, ParameterError
from ridgeback.examples.explicit import optimum
from ridgeback.examples.starts import best_rotation


class TestStarts:
    def test_a_full_matrix_has_one_optimum_up_to_rotation(self) -> None:
        found = examples.starts()
        assert [path.start for path in found.paths][-1] == "declared matrices"
        for path in found.paths:
            assert path.end == pytest.approx(optimum(found.ratings, 0.1, 2), abs=1e-8)
            assert path.prediction_gap < 1e-5
            assert path.factor_gap < 1e-4
        assert not found.differ
        assert "factors too up to a rotation" in str(found)

    def test_the_paths_themselves_differ(self) -> None:
        losses = [path.losses[2] for path in examples.starts().paths]
        assert min(np.diff(np.sort(losses))) > 0.1

    def test_gaps_have_more_than_one_optimum(self) -> None:
        found = examples.starts("gaps")
        assert found.differ
        for path in found.paths:  # each a stationary point: another 200 iterations lead nowhere
            assert path.losses[-3] == pytest.approx(path.end, abs=1e-8)
        assert "more than one local optimum" in str(found)

    def test_without_regularization_only_the_predictions_agree(self) -> None:
        found = examples.starts(regularization=0)
        assert max(path.prediction_gap for path in found.paths) < 1e-9
        assert max(path.factor_gap for path in found.paths) > 1
        assert "different factors" in found.verdict

    def test_the_rotation_is_undone(self) -> None:
        factors, turn = np.random.default_rng(0).random((5, 2)), np.array([[0.6, -0.8], [0.8, 0.6]])
        assert factors @ best_rotation(factors, factors @ turn) == pytest.approx(factors @ turn)

    def test_what_is_no_matrix(self) -> None:
        with pytest.raises(ParameterError, match="'ratings' must be"):
            examples.starts("holes")
        with pytest.raises(DataError, match="every row of one length"):
            examples.starts([[1, 2], [3]])
        with pytest.raises(DataError, match="row 1, column 2 is inf"):
            examples.starts([[1, np.inf]])
        with pytest.raises(DataError, match="at least one row"):
            examples.starts([[]])


class TestDifferences:
    def test_every_line_tells_of_every_loss(self) -> None:
        found = examples.differences()
        assert all(set(line.told) == {"explicit", "hu", "ials", "logistic"} for line in found.lines)
        assert sum(line.differs["hu"] for line in found.lines) > 8
        assert not any(line.differs["explicit"] for line in found.lines)

    def test_the_numbers_are_those_of_the_losses(self) -> None:
        told = {line.what: line.told for line in examples.differences().lines}
        term = told["its term of the loss"]
        assert float(term["explicit"]) == pytest.approx((3 - 0.18) ** 2)
        assert float(term["hu"]) == pytest.approx(4 * (1 - 0.18) ** 2)
        assert float(term["ials"]) == pytest.approx(3 * (1 - 0.18) ** 2 + 0.1 * 0.18**2)
        assert float(term["logistic"]) == pytest.approx(3 * np.log1p(np.exp(-0.18)), abs=1e-6)
        assert told["new factors of user 1"]["explicit"] == "[2, 4]"
        assert told["A of user 1"]["hu"] == "[[0.27, 0.35], [0.35, 0.83]]"

    def test_the_table_marks_what_differs(self) -> None:
        found = examples.differences()
        assert "**1, the preference**" in found.to_markdown()
        assert "* differs from the explicit line" in str(found)


class TestPages:
    """What the documents show is what the examples say today."""

    DOCS = Path(__file__).resolve().parents[3] / "docs"

    def test_the_table_of_differences(self) -> None:
        assert examples.differences().to_markdown() in (self.DOCS / "example-difference.md").read_text(encoding="utf-8")

    @pytest.mark.parametrize("arguments", [{}, {"ratings": "gaps"}, {"regularization": 0}], ids=str)
    def test_the_paths(self, arguments: dict[str, Any]) -> None:
        page = " ".join((self.DOCS / "example-starts.md").read_text(encoding="utf-8").split())
        found = examples.starts(**arguments)
        for path in found.paths:
            line = f"{path.start} {path.losses[0]:.4f} {path.losses[2]:.4f} {path.end:.6f} {path.n_iterations_to_end} "
            assert line in page
        assert found.verdict in page
