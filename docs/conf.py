"""How Sphinx builds these pages: the guides from Markdown, the reference from the docstrings. ``make docs`` does it."""

from __future__ import annotations

from typing import Any

import binder

project = "binder-tableqa"
author = "the authors of binder-tableqa"
copyright = author
version = release = binder.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
nitpicky = True
# Other projects' names; their documentation is elsewhere, and nothing is fetched to build this one.
_ELSEWHERE = ("ast", "collections", "contextlib", "datetime", "os", "pandas", "pathlib", "polars", "pyarrow", "sqlglot")
nitpick_ignore_regex = [("py:.*", rf"({'|'.join(_ELSEWHERE)})\..*")]

html_theme = "furo"
html_title = f"binder-tableqa {version}"
html_copy_source = False
html_show_sourcelink = False

myst_heading_anchors = 3
smartquotes = False

autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True


def readable_defaults(app: Any, what: str, name: str, obj: Any, options: Any, signature: str, returns: str) -> Any:
    """A dataclass's signature, with ``...`` for a default that is made anew each time; ``<factory>`` is no Python."""
    return (signature or "").replace("<factory>", "...") or signature, returns


def setup(app: Any) -> None:
    """What Sphinx calls."""
    app.connect("autodoc-process-signature", readable_defaults)
