"""Sphinx configuration: MyST Markdown, furo, no assets from elsewhere."""

from __future__ import annotations

import ridgeback

project = "Ridgeback"
author = "The Ridgeback authors"
copyright = "The Ridgeback authors"
version = release = ridgeback.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3

default_role = "py:obj"  # `name` in a docstring links to what it names
suppress_warnings = ["ref.python"]  # "n_users" is an attribute of several classes

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say type, shape and range
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"Ridgeback {release}"
html_copy_source = False
html_show_sphinx = False
