"""Opening a model for a question: the file, the titles to show, the ids as the user typed them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ridgeback.cli.application import Failure
from ridgeback.cli.data_options import read_title_options
from ridgeback.cli.items import ItemFinder

if TYPE_CHECKING:
    from ridgeback.data import Titles
    from ridgeback.data.text import Text
    from ridgeback.models import Recommender


class OpenModel:
    """A fitted model with the titles to show and the name to call it by.

    Parameters
    ----------
    model : Recommender
    path : str
        The model file, named again in the commands to run next.
    titles : Titles, optional
        Shown instead of the model's own.
    """

    def __init__(self, model: Recommender, path: str, titles: Titles | None = None) -> None:
        if titles is not None:
            model.titles_ = titles.for_ids(model.item_ids_)
        self.model = model
        self.path = path
        self.titles: Text | None = model.titles_
        self.finder = ItemFinder(model.item_ids_, self.titles)

    @property
    def needs_ratings(self) -> bool:
        """Whether a new user's items need values."""
        return self.model.family in ("explicit", "bayesian")

    @property
    def can_explain(self) -> bool:
        """Whether the model takes a score apart."""
        return self.can_fold_in and self.model.family != "bayesian"

    @property
    def can_fold_in(self) -> bool:
        """Whether the model has factors to fold in with."""
        return self.model.family not in ("popularity", "bias")

    def check_as(self, as_: str) -> None:
        """Refuse probabilities of a model that has none, naming the options that give it some."""
        if as_ == "probability" and self.model.link == "preference" and self.model.calibration_ is None:
            raise Failure(
                f"{self.path} has scores that are no probabilities; use --as percentile, or fit it again with "
                "--calibrate isotonic --validation-fraction 0.1, or with --model logistic."
            )

    def as_words(self, as_: str) -> str | None:
        """What the figures of ``--as`` are, where their name does not say it."""
        return f"probability: the chance {self.model._chance_of()}" if as_ == "probability" else None

    def user(self, text: str) -> int | str:
        """The id of a typed user; unknown ones raise, naming the closest."""
        ids = self.model.user_ids_
        user = ids.parse(text)
        ids.row(user, "user")
        return user

    def title(self, item: int | str) -> str | None:
        """The title to show for an item; None where there is none."""
        if self.titles is None:
            return None
        row = int(self.model.item_ids_.rows([item])[0])
        return (self.titles[row] or None) if row >= 0 else None

    def name(self, item: int | str) -> str:
        """An item as prose names it: its title and id, or the id alone."""
        title = self.title(item)
        return f"item {item}" if title is None else f"{title} ({item})"

    def item_table(self, items: list[Any], **columns: list[Any]) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows of a table that opens with item and title (where there are titles)."""
        names = ["item", *(["title"] if self.titles is not None else []), *columns]
        rows = []
        for position, item in enumerate(items):
            title = [self.title(item)] if self.titles is not None else []
            rows.append([str(item), *title, *(values[position] for values in columns.values())])
        return names, rows


def open_model(path: str, options: Mapping[str, Any]) -> OpenModel:
    """Load a model file, and the titles' file that `title_options` name."""
    import ridgeback

    titles = read_title_options(options)
    return OpenModel(ridgeback.load(path), path, titles)
