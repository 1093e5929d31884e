"""python_told: arguments that pandas takes for the name of something: a method to call, or a type.

``apply("to_csv")`` calls the method of that name, so what ``apply`` and its like are given is a function that can be
seen to be one, or a name from a list; a type is likewise one that can be seen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grammars.python_allowed import AGGREGATES, BUILTINS, DTYPES, SETTABLE, words
from grammars.python_scope import Scope

# Methods that call a method by its name, and how many positional arguments come before the name.
BY_NAME = {"agg": 0, "aggregate": 0, "apply": 0, "transform": 0, "filter": 0, "pivot_table": 3, "crosstab": 5}
_FUNCTION_KEYWORDS = ("func", "aggfunc")
_OPTIONS = words(
    "axis args raw result_type numeric_only skipna by_row min_count ddof include_groups dropna items like regex level"
)
_NAMED = ("agg", "aggregate")
_TYPES = ("str", "int", "float", "bool", "object", "complex", "bytes")
_REFUSED_KEYWORDS = ("engine", "engine_kwargs")
_FUNCTION_HINT = 'write a function or a lambda, or one of the names such as "sum", "mean", "count", "first"'
_TYPE_HINT = 'write one of str, int, float, bool, object, "Int64", "datetime64[ns]", "category"'


def refused_argument(call: ast.Call, scope: Scope) -> tuple[str, str, ast.AST] | None:
    """Why an argument of a call is refused, what to write instead, and where it stands; or None."""
    method = call.func.attr if isinstance(call.func, ast.Attribute) else (scope.path(call.func) or "").split(".")[-1]
    for keyword in call.keywords:
        if keyword.arg in _REFUSED_KEYWORDS:
            return f"`{keyword.arg}=` is not allowed", "leave it out", keyword.value
    for node in _types(call, method):
        if not _is_type(node, scope):
            return f"`{method or 'dtype'}` is given no type that is written out here", _TYPE_HINT, node
    if method in BY_NAME and not _is_told(call, method):
        return f"`{method}` is given arguments that are not written out here", _FUNCTION_HINT, call
    for node in _functions(call, method, scope):
        if not is_function(node, scope):
            written = f"{node.value!r}, which" if isinstance(node, ast.Constant) else "what"
            return f"`{method or 'aggfunc'}` is given {written} is not surely a function", _FUNCTION_HINT, node
    return None


def _is_told(call: ast.Call, method: str) -> bool:
    """Whether the arguments are written out: no ``*arguments``, and no ``**options`` but an aggregation's dict."""
    spread = [keyword.value for keyword in call.keywords if keyword.arg is None]
    named = method in _NAMED and all(isinstance(node, ast.Dict) for node in spread)
    return (named or not spread) and not any(isinstance(node, ast.Starred) for node in call.args)


def _types(call: ast.Call, method: str) -> Iterator[ast.expr]:
    """The arguments that are types."""
    if method == "astype":
        yield from call.args[:1]
    for keyword in call.keywords:
        if keyword.arg == "dtype":
            yield keyword.value


def _is_type(node: ast.expr, scope: Scope) -> bool:
    if isinstance(node, ast.Dict):
        return all(_is_type(value, scope) for value in node.values)
    if isinstance(node, ast.DictComp):
        return _is_type(node.value, scope)
    if isinstance(node, ast.Constant):
        return node.value is None or node.value in DTYPES
    if isinstance(node, ast.Call):
        return (scope.path(node.func) or "").startswith("pandas.")
    if isinstance(node, ast.Name):
        return node.id in _TYPES and node.id not in scope.bound
    return (scope.path(node) or "").startswith(("numpy.", "pandas."))


def _functions(call: ast.Call, method: str, scope: Scope) -> Iterator[ast.expr]:
    """The arguments that pandas calls, or calls a method by."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    for keyword in call.keywords:
        if keyword.arg in _FUNCTION_KEYWORDS:
            yield keyword.value
    if method not in BY_NAME:
        return
    start = BY_NAME[method] + (scope.path(call.func) == "pandas.pivot_table")
    given = call.args[start : start + 1]
    yield from (node for node in given if not (method == "filter" and isinstance(node, ast.List)))
    if method in _NAMED and not given and "func" not in keywords:
        for name, value in (*keywords.items(), *_spread(call)):
            if name not in _OPTIONS:
                yield _aggregate(value, scope)


def _spread(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """What ``**{…}`` gives, each as a keyword."""
    for keyword in call.keywords:
        if isinstance(keyword.value, ast.Dict) and keyword.arg is None:
            yield from (("", value) for value in keyword.value.values)


def _aggregate(node: ast.expr, scope: Scope) -> ast.expr:
    """The function of a named aggregation: ``total=("votes", "sum")``, ``total=pd.NamedAgg("votes", "sum")``."""
    if isinstance(node, ast.Tuple) and len(node.elts) == 2:
        return node.elts[1]
    if isinstance(node, ast.Call) and scope.path(node.func) == "pandas.NamedAgg":
        named = [keyword.value for keyword in node.keywords if keyword.arg == "aggfunc"]
        return next(iter([*named, *node.args[1:2]]), node)
    return node


def is_function(node: ast.expr, scope: Scope) -> bool:
    """Whether a node can be seen to be a function, the name of an allowed one, or a list or dict of these."""
    if isinstance(node, ast.Lambda):
        return True
    if isinstance(node, ast.Constant):
        return node.value in AGGREGATES
    if isinstance(node, ast.List | ast.Tuple):
        return all(is_function(each, scope) for each in node.elts)
    if isinstance(node, ast.Dict):
        return all(is_function(each, scope) for each in node.values)
    if isinstance(node, ast.DictComp):
        return is_function(node.value, scope)
    if isinstance(node, ast.IfExp):
        return is_function(node.body, scope) and is_function(node.orelse, scope)
    if isinstance(node, ast.Name):
        return (
            node.id in scope.functions
            or node.id in scope.members
            or (scope.is_builtin(node.id) and node.id in BUILTINS)
        )
    if isinstance(node, ast.Call):
        return scope.path(node.func) == "functools.partial" and bool(node.args) and is_function(node.args[0], scope)
    return isinstance(node, ast.Attribute) and _is_known_member(node, scope)


def _is_known_member(node: ast.Attribute, scope: Scope) -> bool:
    """``np.mean``, ``str.strip``, ``", ".join``."""
    if node.attr in SETTABLE:
        return False  # what a program can set may be any text
    if isinstance(node.value, ast.Constant):
        return isinstance(node.value.value, str)  # a text's methods are functions, whichever it is
    of_type = isinstance(node.value, ast.Name) and scope.is_builtin(node.value.id)
    return of_type or scope.path(node) is not None
