"""Binder-SQL text to a sqlglot tree: tokenize, rewrite the tokens, parse.

The tokens are sqlglot's own (its SQLite dialect), rewritten before its stock parser sees them, so this works with and
without sqlglot's compiled build. Three things are rewritten: an LM call's name and question, ``;`` inside parentheses
(a comma), and double quotes, which mean a name where the schema or the query has it and a literal elsewhere, as in
SQLite (``names`` looks again at literals that stand where only a name makes sense).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from sqlglot import Dialect, ErrorLevel, exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

from grammars import dates
from grammars.arguments import complete_arguments
from grammars.asked import USAGE, Asked, read_question
from grammars.calls import ANS, MAP
from grammars.errors import Complaint, Span
from grammars.habits import in_sqlite
from grammars.schema import Schema
from grammars.size import too_many_words
from grammars.syntax import unclosed, unparsed
from grammars.top import limit_for_top

_CALL_NAMES = {"qa": None, "qa_map": MAP, "qa_ans": ANS}
_TEXT = (TokenType.STRING, TokenType.IDENTIFIER)
_STATEMENTS = (
    exp.Command,
    exp.DDL,
    exp.DML,
    exp.Drop,
    exp.Alter,
    exp.Attach,
    exp.Detach,
    exp.Copy,
    exp.Pragma,
    exp.Set,
    exp.Use,
)
_BEFORE_NAME = (TokenType.DOT, TokenType.ALIAS, TokenType.FROM, TokenType.JOIN)
_CLAUSES = (
    TokenType.SELECT,
    TokenType.FROM,
    TokenType.ON,
    TokenType.WHERE,
    TokenType.GROUP_BY,
    TokenType.HAVING,
    TokenType.ORDER_BY,
    TokenType.LIMIT,
)
_BEFORE_PATTERN = (TokenType.LIKE, TokenType.ILIKE, TokenType.GLOB)


class Unparsable(Exception):
    """The text is no program.

    Attributes:
        complaint: Why.
        statement: True when it is SQL, but another statement than one query: nothing that mending should change.
    """

    def __init__(self, complaint: Complaint, statement: bool = False) -> None:
        super().__init__(complaint.message)
        self.complaint = complaint
        self.statement = statement


class _Quiet(logging.Filter):
    """Drops sqlglot's notes on statements that it keeps as raw text: they are refused here, with a complaint."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Falling back to parsing as a 'Command'" not in record.getMessage()


logging.getLogger("sqlglot").addFilter(_Quiet())
# Where nobody has set up logging, Python would print sqlglot's warnings on standard error.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())


# With three arguments the first is a unit. The parser would take the last for one, and keep no more of it than a name.
_UNIT_FIRST = {"datediff": "__DATE_DIFF", "date_diff": "__DATE_DIFF", "timestampdiff": "__TIMESTAMPDIFF"}


@dataclass(frozen=True)
class Parsed:
    """The tree of a query, and what was mended to read it."""

    tree: exp.Expr
    mends: tuple[str, ...] = ()


def parse(text: str, schema: Schema) -> Parsed:
    """The tree of one Binder-SQL query.

    A bare LM call, or arithmetic between subqueries, becomes the query that selects it.

    Raises:
        Unparsable: The text is not one query.

    Example:
        >>> from grammars.calls import print_program
        >>> print_program(parse('QA("ans@who won?"; (SELECT name FROM w))', Schema(())).tree)
        'SELECT QA("ans@who won?"; (SELECT name FROM w))'
    """
    dialect = Dialect.get_or_raise("sqlite")
    try:
        tokens = dialect.tokenize(text)
    except TokenError:
        raise Unparsable(unclosed(text)) from None
    if too_long := too_many_words(len(tokens)):
        raise Unparsable(too_long)
    tokens, limited = limit_for_top(in_sqlite(tokens))
    asked = _asked(tokens)
    tokens = _rewrite(tokens, text, schema, asked)
    if tokens and not _starts_query(tokens):
        tokens = [_token(TokenType.SELECT, "SELECT", tokens[0]), *tokens]
    try:
        statements = dialect.parser(error_level=ErrorLevel.IMMEDIATE).parse(tokens, text)
    except ParseError as error:
        raise Unparsable(unparsed(text, error)) from None
    except TokenError:  # sqlglot reads a type's name anew, as a text of its own
        told = Complaint("sql", "the name of a type cannot be read", "write one such as INTEGER or TEXT")
        raise Unparsable(told) from None
    except RecursionError:
        raise Unparsable(Complaint("sql", "the program is nested too deeply", "write a shorter program")) from None
    tree, completed = complete_arguments(_only_query(statements, tokens[0] if tokens else None), schema)
    return Parsed(tree, (*limited, *(each.mend for each in asked.values() if each.mend), *completed))


def _starts_query(tokens: list[Token]) -> bool:
    """Whether the tokens stand as a statement; a bare expression needs a SELECT before it."""
    first = next((token for token in tokens if token.token_type is not TokenType.L_PAREN), tokens[0])
    opened = tokens[0].token_type is TokenType.L_PAREN
    if opened and first.token_type in (TokenType.SELECT, TokenType.WITH):
        return not _has_operator_after(tokens)
    is_function = first.text.lower() in (*_CALL_NAMES, MAP.lower(), ANS.lower())
    return not (is_function or opened)


def _has_operator_after(tokens: list[Token]) -> bool:
    """Whether an operator follows the first parenthesis: ``(SELECT …) - (SELECT …)``."""
    depth = 0
    for position, token in enumerate(tokens):
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if depth == 0:
            rest = tokens[position + 1 :]
            return bool(rest) and rest[0].token_type not in (
                TokenType.UNION,
                TokenType.EXCEPT,
                TokenType.INTERSECT,
                TokenType.ORDER_BY,
                TokenType.LIMIT,
                TokenType.SEMICOLON,
            )
    return False


def _only_query(statements: list[exp.Expr | None], first: Token | None) -> exp.Expr:
    trees = [statement for statement in statements if statement is not None]
    if not trees or first is None:
        raise Unparsable(Complaint("sql", "there is no program", "write one SELECT"))
    if len(trees) > 1:
        raise Unparsable(
            Complaint("sql", f"there are {len(trees)} statements, and a program is one", "keep one SELECT")
        )
    tree = _rows(trees[0])
    if not isinstance(tree, exp.Query) or isinstance(tree, exp.Values):
        statement = isinstance(tree, _STATEMENTS)
        named = f"{first.text.upper()} is not a query" if statement else f"the program begins with {first.text!r}"
        span = None if statement else Span(first.start, first.end + 1)
        raise Unparsable(Complaint("sql", named, "write one SELECT", span), statement)
    for values in tree.find_all(exp.Values):
        if isinstance(values.parent, exp.Subquery) and not isinstance(
            values.parent.parent, (exp.From, exp.Join, exp.In)
        ):
            raise Unparsable(Complaint("sql", "VALUES cannot stand for one value", "write the value", span_of(values)))
    for node in list(tree.find_all(exp.Anonymous)):
        if isinstance(node.this, str) and node.this in _UNIT_FIRST.values():
            dates.name_unit(node)
    return tree


def _rows(tree: exp.Expr) -> exp.Expr:
    """VALUES that stand alone as the query that gives them."""
    if not isinstance(tree, exp.Values) or any(tree.args.get(name) for name in ("order", "limit", "offset")):
        return tree
    return exp.Select(expressions=[exp.Star()], from_=exp.From(this=tree))


def _rewrite(tokens: list[Token], text: str, schema: Schema, asked: dict[int, Asked]) -> list[Token]:
    if tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens = tokens[:-1]
    names = set(_names(tokens, text, schema))
    rewritten: list[Token] = []
    depth = 0
    for position, token in enumerate(tokens):
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if token.token_type is TokenType.SEMICOLON and depth > 0:
            token = _token(TokenType.COMMA, ",", token)
        elif token.text.lower() in _UNIT_FIRST and _takes_three(tokens, position):
            token = _token(TokenType.VAR, _UNIT_FIRST[token.text.lower()], token)
        elif position in asked:
            token = _token(TokenType.VAR, asked[position].name or MAP, token)
        elif position - 2 in asked:
            token = _token(TokenType.STRING, asked[position - 2].question, token)
        elif _double_quoted(token, text) and not _is_name(tokens, position, names):
            token = _token(TokenType.STRING, token.text, token)
        rewritten.append(token)
    return rewritten


def _takes_three(tokens: list[Token], position: int) -> bool:
    """Whether what follows a name is three arguments in parentheses."""
    if position + 1 >= len(tokens) or tokens[position + 1].token_type is not TokenType.L_PAREN:
        return False
    depth, commas = 0, 0
    for token in tokens[position + 1 :]:
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if depth == 0:
            return commas == 2
        commas += depth == 1 and token.token_type is TokenType.COMMA
    return False


def _asked(tokens: list[Token]) -> dict[int, Asked]:
    """The question of every LM call, by the position of the call's name.

    Raises:
        Unparsable: A call does not begin with its question, or what it asks for is unknown.
    """
    found: dict[int, Asked] = {}
    for position, (token, after) in enumerate(pairwise(tokens)):
        name = token.text.lower()
        if (
            name not in _CALL_NAMES
            or token.token_type is not TokenType.VAR
            or after.token_type is not TokenType.L_PAREN
        ):
            continue
        question = tokens[position + 2] if len(tokens) > position + 2 else after
        span = Span(question.start, question.end + 1)
        if question.token_type not in _TEXT:
            raise Unparsable(Complaint("sql", "an LM call begins with its question in quotation marks", USAGE, span))
        found[position] = read_question(question.text, _CALL_NAMES[name])
        if found[position].name is None:
            written = question.text.partition("@")[0].strip()
            raise Unparsable(Complaint("sql", f"an LM call asks for map@ or ans@, not {written}@", USAGE, span))
    return found


def _double_quoted(token: Token, text: str) -> bool:
    return token.token_type is TokenType.IDENTIFIER and text[token.start : token.start + 1] == '"'


def _is_name(tokens: list[Token], position: int, names: set[str]) -> bool:
    """Whether a double-quoted text is a name: by its place, or because the schema or the query has it."""
    before = tokens[position - 1].token_type if position else None
    if before in _BEFORE_PATTERN and set(tokens[position].text) & set("%*"):
        return False
    after = tokens[position + 1].token_type if position + 1 < len(tokens) else None
    by_place = before in _BEFORE_NAME or after is TokenType.DOT or _is_listed_table(tokens, position)
    return by_place or fold_name(tokens[position].text) in names


def _is_listed_table(tokens: list[Token], position: int) -> bool:
    """Whether a token is among the tables after FROM: ``FROM w, "other table"``."""
    depth = 0
    for token in reversed(tokens[:position]):
        depth += (token.token_type is TokenType.R_PAREN) - (token.token_type is TokenType.L_PAREN)
        if depth < 0 or (depth == 0 and token.token_type in _CLAUSES):
            return tokens[position - 1].token_type is TokenType.COMMA and token.token_type is TokenType.FROM
    return False


def _names(tokens: list[Token], text: str, schema: Schema) -> Iterator[str]:
    """Every column that the schema has and every name that the query gives, folded."""
    for table in schema:
        yield from (fold_name(column.name) for column in table.columns)
        yield from (fold_name(column.label) for column in table.columns if column.label)
        yield fold_name(table.row_id)
    for before, token in pairwise(tokens):
        if before.token_type is TokenType.ALIAS:
            yield fold_name(token.text)


def fold_name(name: str) -> str:
    """A name without case, spacing and punctuation, for telling whether two are spelled alike."""
    return "".join(character for character in name.casefold() if character.isalnum()) or name.casefold()


def _token(kind: TokenType, text: str, at: Token) -> Token:
    return Token(kind, text, at.line, at.col, at.start, at.end, [])


def span_of(node: exp.Expr) -> Span | None:
    """Where a node stands in the text, or None where sqlglot kept no place."""
    spans = [n.meta for n in node.walk() if "start" in n.meta]
    if not spans:
        return None
    return Span(min(meta["start"] for meta in spans), max(meta["end"] for meta in spans) + 1)
