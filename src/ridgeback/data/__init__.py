"""Interactions of users with items: the table, its ids, and the ways in."""

from ridgeback.data.csr import Csr
from ridgeback.data.ids import Ids
from ridgeback.data.interactions import Interactions
from ridgeback.data.readers import read_interactions, read_titles
from ridgeback.data.text import Text
from ridgeback.data.titles import Titles

__all__ = ["Csr", "Ids", "Interactions", "Text", "Titles", "read_interactions", "read_titles"]
