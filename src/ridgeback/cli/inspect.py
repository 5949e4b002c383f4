"""``ridgeback inspect``: what a model file holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ridgeback.cli.command import Command, json_option, option
from ridgeback.cli.fit import show_calibration, show_history
from ridgeback.cli.output import Output, size_text
from ridgeback.cli.paths import input_file

if TYPE_CHECKING:
    from ridgeback.models import Recommender


@click.command("inspect", cls=Command, short_help="Show what a model file holds.")
@click.argument("model", callback=input_file)
@option("--verify", is_flag=True, help="Also read every tensor once: its hash, and that its numbers are finite.")
@option("--factors", is_flag=True, help="Describe every factor instead: the items at its two ends, the users it moves.")
@option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="Items and users shown of a factor.")
@json_option
def command(model: str, verify: bool, factors: bool, top: int, as_json: bool) -> None:
    """Show what a model file holds: its parameters, tensors and training history.

    The file is mapped, not read: a large model answers at once. Structure and the header's hash are always checked.
    With --factors the factors alone are shown, counted from 1; --json holds everything, and counts them from 0.
    """
    import ridgeback
    from ridgeback import storage

    out = Output(as_json)
    fitted = ridgeback.load(model, verify=verify)
    tensors, metadata = storage.read(model, verify=False)
    size = Path(model).stat().st_size
    facts = _facts(fitted, metadata)
    parameters = dict(getattr(fitted, "parameters_", fitted.get_params()))
    sizes: list[dict[str, Any]] = [
        {"name": name, "dtype": str(array.dtype), "shape": list(array.shape), "size_bytes": array.nbytes}
        for name, array in tensors.items()
    ]
    described = fitted.describe_factors(n=top) if factors else []
    for factor in described:
        out.say(str(factor))
    if not factors:
        out.pairs({"file": f"{model} ({size_text(size)}{', every tensor verified' if verify else ''})", **facts})
        _show_contents(out, fitted, parameters, sizes)
    payload = {
        "file": model, "size_bytes": size, **{name.replace(" ", "_"): value for name, value in facts.items()},
        "parameters": parameters, "tensors": sizes, "history": getattr(fitted, "history_", []),
        "is_verified": verify, "factors": [factor.to_dict() for factor in described],
        "calibration": None if fitted.calibration_ is None else fitted.calibration_.to_dict(),
    }  # fmt: skip
    next_commands = [["recommend", model, "--user", str(fitted.user_ids_[0])]] if len(fitted.user_ids_) else []
    out.finish(payload, next_commands)


def _show_contents(out: Output, fitted: Recommender, parameters: dict[str, Any], sizes: list[dict[str, Any]]) -> None:
    """Parameters, tensors, the fit's history and the calibration, where there are any."""
    if parameters:
        out.heading("parameters, as the fit used them")
        out.pairs(parameters)
    out.heading("tensors")
    out.table(
        ["name", "dtype", "shape", "size"],
        [[t["name"], t["dtype"], " x ".join(map(str, t["shape"])), size_text(t["size_bytes"])] for t in sizes],
    )
    if getattr(fitted, "history_", None):
        out.heading("history")
        show_history(out, fitted)
    show_calibration(out, fitted)


def _facts(fitted: Recommender, metadata: dict[str, Any]) -> dict[str, Any]:
    """The head of the report."""
    ids = (("users", fitted.user_ids_), ("items", fitted.item_ids_))
    return {
        "model": type(fitted).__name__,
        "written by": metadata.get("written_by"),
        **{name: f"{len(table)} ({'text' if table.is_text else 'int'} ids)" for name, table in ids},
        "factors": int(fitted.item_factors_.shape[1]),
        "titles": fitted.titles_ is not None,
        "interactions": None if fitted._seen is None else fitted._seen.nnz,
        "includes history": fitted._seen is not None,
        "iterations": metadata.get("n_iterations"),
        "stopped by": metadata.get("stopped_by"),
        "data fingerprint": metadata.get("data_fingerprint"),
    }
