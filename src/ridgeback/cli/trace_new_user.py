"""``ridgeback trace FILE --new-user``: someone whom the fit has not seen, from typed items to a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ridgeback.cli.application import Failure
from ridgeback.cli.fit import takes_every_value_as_one
from ridgeback.cli.fold_in import check_values
from ridgeback.cli.items import ItemFinder

if TYPE_CHECKING:
    from ridgeback.cli.output import Output
    from ridgeback.data import Interactions
    from ridgeback.models.factor_model import FactorModel
    from ridgeback.trace import Trace


def is_large(data: Interactions) -> bool:
    """Whether a fit of these data can be traced at watched rows only."""
    from ridgeback.trace.recorder import LARGEST_WHOLE

    return len(data.user_ids) * len(data.item_ids) > LARGEST_WHOLE


class NewUser:
    """What somebody has, as it was typed; refused before the fit where it cannot be folded in.

    Parameters
    ----------
    items : str
        As `ridgeback fold-in --items` takes them: ids or titles, with ``=value`` or without.
    data : Interactions
        That the model is to be fitted on.
    model : FactorModel
        Not fitted yet.

    Raises
    ------
    Failure
        When values are missing, or none of the items is known.
    """

    def __init__(self, items: str, data: Interactions, model: FactorModel) -> None:
        titles = None if data.titles is None else data.titles.for_ids(data.item_ids)
        self.typed = ItemFinder(data.item_ids, titles).find_all(items)
        check_values(self.typed, model.family == "explicit", lambda item: f"item {item}")
        self.unknown = [str(item.id) for item in self.typed if not item.is_known]
        if len(self.unknown) == len(self.typed):
            raise Failure(f"--new-user: none of these items is in the data: {', '.join(self.unknown)}.")

    def trace(self, out: Output, model: FactorModel) -> Trace:
        """How the fitted model solves for this user; `out` is told what makes no difference."""
        ratings = [item.rating for item in self.typed]
        if any(rating is not None for rating in ratings) and takes_every_value_as_one(model):
            out.say("note: this model takes every item as a yes; the new user's values make no difference to it")
        if self.unknown:
            out.say(f"not in the data, left out: {', '.join(self.unknown)}")
        return model.fold_in([item.id for item in self.typed], ratings=None if None in ratings else ratings).trace()
