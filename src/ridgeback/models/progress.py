"""Progress of a fit on standard error: one reader of the half-step records."""

from __future__ import annotations

from typing import Any


class ProgressReader:
    """Shows iteration, side and loss; ends with the final user half-step."""

    def __init__(self, model_name: str, n_iterations: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:g}/{task.total:g} half-steps"),
            TextColumn("loss {task.fields[loss]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task(model_name, total=2 * n_iterations + 1, loss="-")
        self._progress.start()

    def __call__(self, record: dict[str, Any]) -> None:
        """Advance by one half-step."""
        is_start, is_final = record["side"] == "start", record["side"] == "final users"
        self._progress.update(self._task, advance=0 if is_start else 1, loss=f"{record['loss']:.6g}")
        if is_final:
            self.close()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()
