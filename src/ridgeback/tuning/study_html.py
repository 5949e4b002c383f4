"""A search as a page: how the best came about, which parameters mattered, and the settings as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ridgeback.charts.bars import signed_bars
from ridgeback.charts.escaping import escaped
from ridgeback.charts.lines import Panel, Series, line_chart
from ridgeback.charts.page import details, plain_table
from ridgeback.metrics.names import is_higher_better

if TYPE_CHECKING:
    from ridgeback.tuning.study import Tuning

_MOST_POINTS = 24  # on a curve: places of their own on the axis


def body(tuning: Tuning) -> str:
    """Everything below the heading."""
    best = "".join(
        f"<tr><th scope=row>{escaped(name)}</th><td>{escaped(repr(value))}</td></tr>"
        for name, value in tuning.best_params.items()
    )
    words = [line for line in (tuning.difference(), tuning.mattered(), *tuning.notes) if line]
    return "".join(
        [
            f"<p>{escaped(tuning.summary())}</p>",
            *(f"<p>{escaped(line)}</p>" for line in words),
            _course(tuning),
            _importances(tuning),
            f"<h2>The best setting</h2><table><tbody>{best}</tbody></table>",
            details("The best settings as a table", plain_table("The best first", _named(tuning), tuning.cells(50))),
            details("Every setting, in the order in which it was tried", _all(tuning)),
        ]
    )


def _named(tuning: Tuning) -> list[str]:
    return [*tuning.columns()[:-1], "mark"]


def _course(tuning: Tuning) -> str:
    """The best value so far, by number of settings."""
    ended = [(trial.number + 1, trial.value) for trial in tuning.trials if trial.value is not None]
    choose = max if is_higher_better(tuning.metric) else min
    so_far: list[tuple[int, float]] = []
    for number, value in ended:
        best = value if not so_far else choose(value, so_far[-1][1])
        if not so_far or best != so_far[-1][1] or number == ended[-1][0]:
            so_far.append((number, best))
    if len(so_far) < 2:
        return ""
    kept = so_far[-_MOST_POINTS:]
    return line_chart(
        f"Best {tuning.metric} on the validation part by number of settings tried",
        "settings tried",
        [float(number) for number, _ in kept],
        [Panel(tuning.metric, [Series("best so far", [value for _, value in kept])])],
    )


def _importances(tuning: Tuning) -> str:
    if not tuning.importances:
        return ""
    return f"<h2>What mattered</h2>{signed_bars('Share of each parameter', list(tuning.importances.items()))}"


def _all(tuning: Tuning) -> str:
    rows = [
        [
            str(trial.number),
            trial.state,
            "-" if trial.value is None else f"{trial.value:.4f}",
            str(trial.n_iterations),
            f"{trial.elapsed_s:.2f}",
            "-" if trial.forecast_s is None else f"{trial.forecast_s:.2f}",
            ", ".join(f"{name} {value}" for name, value in trial.parameters.items()) or "untuned",
        ]
        for trial in tuning.trials
    ]
    columns = ["trial", "state", tuning.metric, "n_iterations", "seconds", "forecast", "parameters"]
    return plain_table("Settings", columns, rows)
