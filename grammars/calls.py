"""LM calls as they stand in a program's tree, and their two spellings.

A call is a plain sqlglot function node, so every sqlglot tool works on a tree that holds calls:
``QA_MAP('question', column, …)`` gives one value for each row, ``QA_ANS('question', input, …)`` one value for a whole
input. People and LMs write them as ``QA("map@question"; column)`` and ``QA("ans@question"; input)``, or as
``qa_map('question', column)`` and ``qa_ans('question', input)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlglot import exp

from grammars.reply import Expected

MAP = "QA_MAP"
ANS = "QA_ANS"


class Spelling(StrEnum):
    """How LM calls are printed."""

    QA = "qa"
    FUNCTION = "function"


@dataclass(frozen=True)
class Call:
    """A reading of one call node.

    Attributes:
        node: The node in its tree.
        question: What the LM is asked.
        arguments: The columns, values or subqueries it is asked about.
    """

    node: exp.Anonymous
    question: str
    arguments: tuple[exp.Expr, ...]

    @property
    def per_row(self) -> bool:
        """True for a map (one value a row), False for an ans (one value for the whole input)."""
        return self.node.name == MAP

    @property
    def expected(self) -> Expected:
        """What it must return, once ``kinds`` has read that from its place."""
        expected: Expected = self.node.meta.get("expected", Expected())
        return expected

    @property
    def written(self) -> tuple[str, ...]:
        """Its arguments as the program writes them, whatever they were translated to since."""
        written: tuple[str, ...] = self.node.meta.get("written", ())
        return written or tuple(argument.sql("sqlite") for argument in self.arguments)

    @property
    def key(self) -> str:
        """The same for calls that ask the same of the same input."""
        return self.node.sql("sqlite")


def make_call(name: str, question: str, arguments: list[exp.Expr]) -> exp.Anonymous:
    """A call node; ``name`` is ``MAP`` or ``ANS``."""
    return exp.Anonymous(this=name, expressions=[exp.Literal.string(question), *arguments])


def is_call(node: object) -> bool:
    """Whether a node is an LM call."""
    return isinstance(node, exp.Anonymous) and node.name in (MAP, ANS)


def read_call(node: exp.Expr) -> Call:
    """The reading of a call node."""
    assert isinstance(node, exp.Anonymous)
    question, *arguments = node.expressions
    return Call(node, question.name, tuple(arguments))


def find_calls(tree: exp.Expr) -> Iterator[Call]:
    """Every call in a tree, nested ones before those that hold them, otherwise in the order of the text."""
    found = [node for node in tree.dfs() if is_call(node)]
    for node in sorted(found, key=lambda node: -_nesting(node)):
        yield read_call(node)


def _nesting(node: exp.Expr) -> int:
    count, parent = 0, node.parent
    while parent is not None:
        count += is_call(parent)
        parent = parent.parent
    return count


def print_program(
    tree: exp.Expr, spelling: Spelling = Spelling.QA, mark: Callable[[exp.Expr, str], str] | None = None
) -> str:
    """A program as text, its calls in the spelling asked for.

    Args:
        tree: The program.
        spelling: How its calls are printed.
        mark: Given a call's node and its text, what is printed instead.

    Example:
        >>> tree = exp.select(make_call(MAP, "in Europe?", [exp.column("country")])).from_("w")
        >>> print_program(tree)
        'SELECT QA("map@in Europe?"; country) FROM w'
        >>> print_program(tree, Spelling.FUNCTION)
        "SELECT qa_map('in Europe?', country) FROM w"
    """
    tree = tree.copy()
    texts: dict[str, str] = {}
    for number, call in enumerate(list(find_calls(tree))):
        name = f"\ue000{number}\ue001"  # private-use characters, so that no text of the program is taken for it
        text = _print_call(read_call(call.node), spelling)  # read again: its inner calls are placeholders now
        for inner, inner_text in texts.items():
            text = text.replace(inner, inner_text)
        text = mark(call.node, text) if mark else text
        texts[name] = text
        placeholder = exp.Var(this=name)
        if call.node is tree:
            tree = placeholder
        else:
            call.node.replace(placeholder)
    text = tree.sql("sqlite")
    for name, call_text in texts.items():
        text = text.replace(name, call_text)
    return text


def _print_call(call: Call, spelling: Spelling) -> str:
    arguments = [argument.sql("sqlite") for argument in call.arguments]
    if spelling is Spelling.FUNCTION:
        question = exp.Literal.string(call.question).sql("sqlite")
        return f"{call.node.name.lower()}({', '.join([question, *arguments])})"
    prefix = "map" if call.per_row else "ans"
    question = call.question.replace('"', '""')
    return "QA(" + "; ".join([f'"{prefix}@{question}"', *arguments]) + ")"
