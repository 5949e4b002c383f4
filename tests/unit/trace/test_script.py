"""Scripts that replay a trace: they run on NumPy alone, and fail as soon as one number in their blocks is another."""

from __future__ import annotations

import ast
import copy
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.errors import DataError, ParameterError, RidgebackWarning, TraceMismatchError
from ridgeback.examples.twins import by_hand

NOTHING_TO_COMPUTE = {"print", "show", "show_row"}


class Mutable:
    """A script that is run again and again, each time with one number of its blocks changed."""

    def __init__(self, source: str) -> None:
        lines = source.splitlines()
        marks = [n for n, line in enumerate(lines) if line.startswith(("# GIVEN:", "# END OF"))]
        marks.insert(2, next(n for n, line in enumerate(lines) if line.startswith("# RECORDED:")))
        assert len(marks) == 4
        tree = ast.parse(source)
        tree = Silenced().visit(tree)
        self.parts: list[ast.Module] = [ast.Module([], []) for _ in range(5)]
        for node in tree.body:
            part = int(np.searchsorted(marks, node.lineno - 1))
            self.parts[part].body.append(node)
        self.codes = [self._compiled(part) for part in self.parts]
        self.numbers = [
            (part, node)
            for part in (1, 3)
            for node in ast.walk(self.parts[part])
            if isinstance(node, ast.Constant)
            and isinstance(node.value, (int, float))
            and not isinstance(node.value, bool)
        ]

    def run(self) -> None:
        """The script as it is."""
        space: dict[str, Any] = {"__name__": "script"}
        with np.errstate(all="ignore"):
            for code in self.codes:
                exec(code, space)

    def survivors(self, chosen: Any) -> list[str]:
        """The numbers whose change the script does not notice."""
        found = []
        for place in chosen:
            part, node = self.numbers[place]
            kept, code = node.value, self.codes[part]
            node.value = changed(kept)
            self.codes[part] = self._compiled(self.parts[part])
            try:
                self.run()
                found.append(f"line {node.lineno}, column {node.col_offset}: {kept} -> {node.value}")
            except (AssertionError, ArithmeticError, LookupError, ValueError, np.linalg.LinAlgError):
                pass
            node.value, self.codes[part] = kept, code
        return found

    @staticmethod
    def _compiled(part: ast.Module) -> Any:
        return compile(part, "<script>", "exec")


class Silenced(ast.NodeTransformer):
    """Leaves the printing out: most of a run's time, and no part of its arithmetic."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        is_told = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in NOTHING_TO_COMPUTE
        return ast.copy_location(ast.Pass(), node) if is_told else node


def changed(value: float) -> float:
    """By 1 %, by .01 where it is zero, counts by one."""
    if isinstance(value, int):
        return value + 1
    return value * 1.01 if value else 0.01


MODELS = {
    "ratings": rb.ExplicitALS(2, n_iterations=1),
    "ratings without regularization": rb.ExplicitALS(4, n_iterations=1, biases=False, regularization=0),
    "non-negative": rb.ExplicitALS(2, n_iterations=1, non_negative=True),
    "ratings by cg": rb.ExplicitALS(3, n_iterations=1, solver="cg", n_cg_steps=2),
    "ials": rb.ImplicitALS(3, n_iterations=1, solver="exact"),
    "ials with alpha": rb.ImplicitALS(2, n_iterations=1, alpha=2.0, solver="exact", weight_exponents=(0.0, 0.2)),
    "ials by cg": rb.ImplicitALS(3, n_iterations=1, solver="cg"),
    "ials accelerated": rb.ImplicitALS(2, n_iterations=3, acceleration="nesterov"),
    "hu by cg": rb.ImplicitALS(3, n_iterations=1, loss="hu", solver="cg", n_cg_steps=2),
    "hu non-negative": rb.ImplicitALS(2, n_iterations=1, loss="hu", non_negative=True),
    "majorize": rb.LogisticMF(2, n_iterations=1),
    "gradient": rb.LogisticMF(2, n_iterations=1, solver="gradient", n_negatives=0, regularization=0.1),
    "adagrad": rb.LogisticMF(2, n_iterations=2, solver="adagrad", n_negatives=1, alpha=0.5, frequency_exponent=0.5),
}
EXAMPLES: dict[str, Callable[[], rb.Trace]] = {
    "explicit": lambda: rb.examples.explicit_2x2(regularization=0.1, n_iterations=1),
    "explicit, perfect": lambda: rb.examples.explicit_2x2(n_iterations=1),
    "logistic": lambda: rb.examples.implicit_2x2(n_iterations=1),
    "hu": lambda: rb.examples.implicit_2x2("hu", n_iterations=1),
    "ials": lambda: rb.examples.implicit_2x2("ials", n_iterations=1),
    "new user, explicit": lambda: rb.examples.new_user_2x2("explicit"),
    "new user, hu": lambda: rb.examples.new_user_2x2("hu", count=3.0),
    "new user, ials": lambda: rb.examples.new_user_2x2("ials"),
    "new user, logistic": lambda: rb.examples.new_user_2x2("logistic"),
}
N_SAMPLED = 7  # of each block


@pytest.fixture(scope="module")
def data() -> rb.Interactions:
    rng = np.random.default_rng(5)
    users, items = np.nonzero(rng.random((6, 5)) < 0.6)
    return rb.Interactions.from_arrays(users, items, ratings=rng.integers(1, 6, len(users)).astype(float))


def traced(model: Any, data: rb.Interactions, **watch: Any) -> rb.Trace:
    trace = rb.Trace(**watch)
    model.fit(data, trace=trace)
    return trace


def sample(script: Mutable) -> Any:
    """Some numbers of each block, the same every time."""
    rng = np.random.default_rng(0)
    given = [place for place, (part, _) in enumerate(script.numbers) if part == 1]
    recorded = [place for place, (part, _) in enumerate(script.numbers) if part == 3]
    return [int(place) for block in (given, recorded) for place in rng.choice(block, min(N_SAMPLED, len(block)), False)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_number_of_a_worked_example_can_change_unnoticed(name: str) -> None:
    script = Mutable(EXAMPLES[name]().to_python())
    script.run()
    assert len(script.numbers) > 25
    assert script.survivors(range(len(script.numbers))) == []


@pytest.mark.filterwarnings("ignore:.*singular:ridgeback.errors.RidgebackWarning")
@pytest.mark.parametrize("name", MODELS)
class TestEveryModel:
    def test_a_fit_in_float64_is_replayed_from_its_start(self, name: str, data: rb.Interactions) -> None:
        source = traced(by_hand(MODELS[name].clone()), data).to_python()
        if name != "ratings without regularization":
            assert "It walks from where the factors begin to the end" in source
        script = Mutable(source)
        script.run()
        assert script.survivors(sample(script)) == []

    def test_a_fit_in_float32_is_replayed_step_by_step(self, name: str, data: rb.Interactions) -> None:
        script = Mutable(traced(MODELS[name].clone(), data).to_python())
        script.run()
        assert script.survivors(sample(script)) == []

    def test_watched_rows(self, name: str, data: rb.Interactions) -> None:
        source = traced(MODELS[name].clone(), data, watch_users=[1, 2], watch_items=[3]).to_python()
        assert "Not computed: all other rows" in source
        script = Mutable(source)
        script.run()
        assert script.survivors(sample(script)) == []

    def test_a_new_user(self, name: str, data: rb.Interactions) -> None:
        folded = MODELS[name].clone().fit(data).fold_in([1, 3], ratings=[2.0, 5.0])
        script = Mutable(folded.trace().to_python())
        script.run()
        assert script.survivors(range(len(script.numbers))) == []


def test_fits_that_go_other_ways(data: rb.Interactions) -> None:
    train, held_out = rb.split.random(data, 0.3)
    stopped, patient, warm, empty, weighted = (rb.Trace() for _ in range(5))
    rb.ImplicitALS(3, n_iterations=5).fit(
        data, trace=stopped, callbacks=[lambda model, record: record["iteration"] == 2]
    )
    rb.ImplicitALS(3, n_iterations=9).fit(train, validation=held_out, patience=1, trace=patient)
    assert "best iteration" in patient.steps[-2]["note"]
    model = rb.ExplicitALS(2, n_iterations=1).fit(data, trace=empty)
    rb.ExplicitALS(2, n_iterations=1, init=model).fit(data, trace=warm)
    twice = rb.Interactions.from_arrays([0, 0, 1, 2], [0, 1, 1, 0], ratings=[4, 2, 5, 3], weights=[0.5, 2, 1, 3])
    by_hand(rb.ExplicitALS(2, n_iterations=1)).fit(twice, trace=weighted)
    assert "pair_weights = np.array" in weighted.to_python()
    for trace in (stopped, patient, warm, empty, weighted):
        script = Mutable(trace.to_python())
        script.run()
        assert script.survivors(sample(script)) == []


def test_factors_that_came_down_to_rounding_are_replayed_too() -> None:
    ratings = np.outer([1, 2, 3, 4.0], [1, 0.5, 2])
    users, items = np.indices(ratings.shape)
    perfect = rb.Interactions.from_arrays(users.ravel(), items.ravel(), ratings=ratings.ravel())
    for model in (rb.ExplicitALS(3, n_iterations=2, regularization=0, biases=False), rb.ImplicitALS(5, n_iterations=2)):
        trace = rb.Trace()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RidgebackWarning)
            by_hand(model).fit(perfect, trace=trace)
        script = Mutable(trace.to_python())
        script.run()
        assert script.survivors(sample(script)) == []


def run_alone(path: Path) -> subprocess.CompletedProcess[str]:
    """Run a script where only NumPy can be imported."""
    numpy_at = str(Path(np.__file__).resolve().parents[1])
    blocked = f"import sys; sys.path.append({numpy_at!r}); sys.modules['ridgeback'] = None; "
    runner = f"{blocked}import runpy; runpy.run_path({str(path)!r}, run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", runner], capture_output=True, encoding="utf-8", timeout=120
    )


def test_a_script_runs_on_its_own_and_tells_what_it_does(tmp_path: Path) -> None:
    path = tmp_path / "replay.py"
    text = rb.examples.explicit_2x2(regularization=0.1, n_iterations=2).to_python(path)
    assert path.read_text(encoding="utf-8") == text
    imported = [node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert {alias.name for node in imported for alias in node.names} == {"sys", "numpy"}
    result = run_alone(path)
    assert result.returncode == 0, result.stderr
    assert "loss 18.000297 = 8.87412999 listed pairs + 9.12616704 regularization" in result.stdout
    assert "recorded numbers were computed here, and agree." in result.stdout
    path.write_text(text.replace("regularization = 0.1\n", "regularization = 0.101\n"), encoding="utf-8")
    result = run_alone(path)
    assert result.returncode == 1
    assert "AssertionError: user_ridges" in result.stderr


def test_only_what_the_model_uses_is_written(data: rb.Interactions) -> None:
    plain = traced(rb.ExplicitALS(2, n_iterations=1, biases=False, frequency_exponent=0), data).to_python()
    assert not {"bias", "step_size", "n_cg_steps", "unobserved_weight", "alpha", "elapsed"} & set(plain.split())
    assert "offsets" not in plain
    assert max(map(len, plain.splitlines())) <= 120
    assert "mean" not in plain.split("# END OF GIVEN")[0].split("# GIVEN")[1]
    preferences = traced(rb.ImplicitALS(2, n_iterations=1), data).to_python()
    assert "preferences = np.array" in preferences
    assert "alpha" not in preferences
    counted = traced(rb.ImplicitALS(2, n_iterations=1, alpha=3.0), data).to_python()
    assert "counts = np.array" in counted
    assert "alpha = 3.0" in counted
    unregularized = traced(rb.ExplicitALS(2, n_iterations=1, biases=False, regularization=0), data).to_python()
    assert "frequency_exponent" not in unregularized


NAMES = [
    "it's",
    'say "hi"',
    '"""',
    "two\nlines",
    "back\\slash",
    "naïve – 日本",
    "x" * 300,
    "# GIVEN:",
    "\x1b[31mred",
    "{0}%s",
]


def test_names_cannot_break_a_script(tmp_path: Path) -> None:
    users = np.repeat(NAMES, 2)
    items = np.tile(["a'''b", "tab\there"], len(NAMES))
    data = rb.Interactions.from_arrays(users, items, ratings=np.arange(20) % 5 + 1.0)
    trace = traced(rb.ExplicitALS(2, n_iterations=1), data)
    trace.header["title"] = '"""\nraise SystemExit(3)\n"""'
    trace.header["model"] = '"""\nraise SystemExit(4)\n"""'
    source = trace.to_python(tmp_path / "replay.py")
    assert max(map(len, source.splitlines())) < 400
    assert "\x1b" not in source
    tree = ast.parse(source)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "SystemExit"]
    result = run_alone(tmp_path / "replay.py")
    assert result.returncode == 0, result.stderr
    assert "\x1b" not in result.stdout
    watched = traced(rb.ExplicitALS(2, n_iterations=1), data, watch_users=NAMES[:3], watch_items=["tab\there"])
    Mutable(watched.to_python()).run()


def test_names_that_look_alike_stay_apart() -> None:
    long = "y" * 100
    data = rb.Interactions.from_arrays([long + "1", long + "2", long + "3"], ["a", "a", "b"])
    source = traced(rb.ImplicitALS(1, n_iterations=1), data).to_python()
    assert f'"{"y" * 57}... (3)"' in source
    Mutable(source).run()


def test_a_trace_from_json_gives_the_same_script(data: rb.Interactions) -> None:
    for name in ("ratings", "ials by cg", "adagrad"):
        for watch in ({}, {"watch_users": [1]}):
            trace = traced(MODELS[name].clone(), data, **watch)
            assert rb.Trace.from_json(trace.to_json()).to_python() == trace.to_python()


def test_a_record_that_was_changed_is_found_before_the_script_is_written(data: rb.Interactions) -> None:
    trace = rb.Trace.from_json(traced(MODELS["ratings"].clone(), data).to_json())
    trace.steps[1]["rows"][0]["A"][0, 0] *= 1.01
    with pytest.raises(TraceMismatchError, match="would not reproduce this trace: A: computed"):
        trace.to_python()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda trace: trace.header.pop("pairs"), "KeyError"),
        (lambda trace: trace.steps[1].pop("rows"), "KeyError"),
        (lambda trace: trace.steps[1].update(loss="__import__('os')"), "could not convert"),
        (lambda trace: trace.header["parameters"].update(regularization="exit()"), "could not convert"),
        (lambda trace: trace.steps[1]["rows"][0].update(A=np.zeros(3)), "would not reproduce|shape"),
    ],
)
def test_a_broken_record_is_refused(change: Callable[[rb.Trace], Any], message: str, data: rb.Interactions) -> None:
    trace = rb.Trace.from_json(traced(MODELS["ratings"].clone(), data).to_json())
    change(trace)
    with pytest.raises((DataError, TraceMismatchError), match=message):
        trace.to_python()


def test_nothing_recorded_and_too_much_recorded(data: rb.Interactions) -> None:
    with pytest.raises(ParameterError, match="recorded nothing yet"):
        rb.Trace().to_python()
    trace = copy.copy(traced(MODELS["ratings"].clone(), data))
    trace.steps = []
    with pytest.raises(ParameterError, match="no steps"):
        trace.to_python()
    rng = np.random.default_rng(1)
    users, items = np.nonzero(rng.random((90, 90)) < 0.1)
    large = traced(rb.ImplicitALS(32, n_iterations=4), rb.Interactions.from_arrays(users, items))
    with pytest.raises(ParameterError, match=r"about [\d,]+ numbers \(\d+ MB of Python\).*up to 500,000.*watch_users"):
        large.to_python()
