"""The narrator for a terminal: labelled matrices, formulas and losses of a trace, as coloured or as plain text."""

from ridgeback.trace.terminal.story import show

__all__ = ["show"]
