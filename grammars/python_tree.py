"""python_tree: Python's own parser, asked again when it stumbles over itself.

Before 3.11.8 and 3.12.1 Python counts how deep it is in a tree in one place for all threads, so that two trees that are
built at the same time may fail, with ``SystemError`` or as if they were nested too deeply. A traceback that is written
elsewhere builds trees too, so no lock of ours would keep them apart.
"""

from __future__ import annotations

import ast
from typing import Literal, overload

_ATTEMPTS = 100
_TOO_DEEP = 3  # a text that is nested too deeply fails each time


@overload
def parse(text: str, mode: Literal["exec"] = "exec") -> ast.Module: ...
@overload
def parse(text: str, mode: Literal["eval"]) -> ast.Expression: ...
def parse(text: str, mode: str = "exec") -> ast.AST:
    """The tree of a module's text, or of an expression's: what ``ast.parse`` gives and raises.

    Example:
        >>> type(parse("1 + 1", "eval").body).__name__
        'BinOp'
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return ast.parse(text, mode=mode)
        except (SystemError, RecursionError) as error:
            if attempt >= (_TOO_DEEP if isinstance(error, RecursionError) else _ATTEMPTS):
                raise
    raise AssertionError("unreachable")
