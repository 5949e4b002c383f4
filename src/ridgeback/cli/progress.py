"""Progress on a terminal: a reader of what the library hands to its callbacks."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from types import TracebackType
from typing import Any, TypeVar

P = TypeVar("P", bound="Progress")


class Progress:
    """A bar on a terminal; silent where stderr is none.

    Parameters
    ----------
    label : str
        What is being done.
    unit : str
        What is counted.
    total : int, optional
        How much there is to do, where that is known beforehand.
    description : str, default=""
        What is done until the first call of `show`.
    """

    def __init__(self, label: str, unit: str, total: int | None = None, description: str = "") -> None:
        self._label = label
        self._total = total
        self._unit = unit
        self._description = description
        self._bar: Any = None

    def __enter__(self: P) -> P:
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            self._bar, self._task = self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, done: int, total: int, description: str = "") -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, description=description)

    def _start(self) -> tuple[Any, Any]:
        from rich.console import Console
        from rich.progress import BarColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
        from rich.text import Text

        class Clock(TimeElapsedColumn):
            """Seconds since the beginning, after the last step too: what follows it takes time as well."""

            def render(self, task: Task) -> Text:
                return Text(str(timedelta(seconds=int(task.elapsed or 0))), style="progress.elapsed")

        colour: dict[str, Any] = {"color_system": None} if os.environ.get("NO_COLOR") else {}
        bar = Bar(
            TextColumn(self._label),
            BarColumn(bar_width=24),
            TextColumn("{task.completed}/{task.total} " + self._unit),
            TextColumn("{task.description}"),
            Clock(),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr, **colour),
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # what goes into a pipe stays there
        )
        bar.start()
        return bar, bar.add_task(self._description, total=self._total)


class FitProgress(Progress):
    """A bar that moves with every half-step or sweep: a callback of `fit`.

    Parameters
    ----------
    n_steps : int
        Half-steps or sweeps the fit will run at most.
    unit : str
    """

    reads_factors = False

    def __init__(self, n_steps: int, unit: str = "half-steps") -> None:
        self._n_steps = n_steps
        super().__init__("fit", unit, n_steps)
        self._n_done = 0

    def __call__(self, model: Any, record: dict[str, Any]) -> None:
        """Show one record; returns nothing, so that the fit goes on."""
        self._n_done += record["side"] != "start"
        self.show(self._n_done, self._n_steps, describe_step(record))


def describe_step(record: dict[str, Any]) -> str:
    """'iteration 3 users  loss 123.4', with the error or the validation value where there is one."""
    words = [f"iteration {record['iteration']} {record['side']}"]
    for name in ("loss", "rmse", "cross_entropy", "validation"):
        value = record.get(name)
        if isinstance(value, float):
            words.append(f"{name.replace('_', ' ')} {value:.6g}")
    return "  ".join(words)
