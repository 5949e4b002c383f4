"""Progress of a fit on standard error: one reader of the records."""

from __future__ import annotations

from typing import Any


class ProgressReader:
    """A progress bar with the loss, advanced by each half-step or sweep; use it as a context."""

    def __init__(self, model_name: str, n_steps: int, unit: str = "half-steps") -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:g}/{task.total:g} " + unit),
            TextColumn("loss {task.fields[loss]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task(model_name, total=n_steps, loss="-")

    def __enter__(self) -> ProgressReader:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()  # leaves the terminal as it was, however the fit ended

    def __call__(self, record: dict[str, Any]) -> None:
        """Advance by one step."""
        is_start = record["side"] == "start"
        self._progress.update(self._task, advance=0 if is_start else 1, loss=f"{record['loss']:.6g}")
