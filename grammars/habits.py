"""habits: operators and clauses of MySQL and PostgreSQL that the SQLite parser cannot read, as ones that it can.

Each is changed in the token list, one function a habit; what an operator or clause means stays the same, so no mend is
recorded. Functions of other databases are read by name, in ``functions``.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

_QUOTED = (TokenType.STRING, TokenType.IDENTIFIER)
_ENDS_VALUE = (TokenType.NUMBER, TokenType.VAR, TokenType.IDENTIFIER, TokenType.R_PAREN)
_STARTS_VALUE = (TokenType.NUMBER, TokenType.VAR, TokenType.IDENTIFIER, TokenType.L_PAREN)
_FUNCTIONS = {"STD": "STDDEV_POP", "LISTAGG": "STRING_AGG"}

Change = Callable[[list[Token], int], list[Token]]


def in_sqlite(tokens: list[Token]) -> list[Token]:
    """The tokens of a program, other databases' operators and clauses spelled as SQLite's parser knows them."""
    for position in range(len(tokens) - 1, -1, -1):
        if change := CHANGES.get(tokens[position].text.upper()):
            tokens = change(tokens, position)
    return tokens


def _separator(tokens: list[Token], position: int) -> list[Token]:
    """``GROUP_CONCAT(x ORDER BY y SEPARATOR '; ')`` is ``GROUP_CONCAT(x, '; ' ORDER BY y)``; several x are one text."""
    if _kind(tokens, position + 1) not in _QUOTED or _kind(tokens, position + 2) is not TokenType.R_PAREN:
        return tokens
    start, several, order = _opened(tokens, position)
    if not start or tokens[start - 1].text.upper() != "GROUP_CONCAT":
        return tokens
    mark = tokens[position + 1]
    first = start + 1 + (_kind(tokens, start + 1) is TokenType.DISTINCT)
    subject = tokens[first:order]
    if several:
        opening = [_like(tokens[first], TokenType.VAR, "CONCAT"), _like(tokens[first], TokenType.L_PAREN, "(")]
        subject = [*opening, *subject, _like(mark, TokenType.R_PAREN, ")")]
    added = [_like(mark, TokenType.COMMA, ","), _like(mark, TokenType.STRING, mark.text)]
    return [*tokens[:first], *subject, *added, *tokens[order:position], *tokens[position + 2 :]]


def _opened(tokens: list[Token], position: int) -> tuple[int, bool, int]:
    """Where the parenthesis around a position opens (0: nowhere), whether it holds several values, where they end."""
    depth, several, order = 0, False, position
    for at in range(position - 1, -1, -1):
        kind = tokens[at].token_type
        depth += (kind is TokenType.R_PAREN) - (kind is TokenType.L_PAREN)
        if depth < 0:
            return at, several, order
        if depth == 0 and kind is TokenType.ORDER_BY:
            several, order = False, at
        several = several or (depth == 0 and kind is TokenType.COMMA)
    return 0, several, order


def _and(tokens: list[Token], position: int) -> list[Token]:
    """``a && b`` is ``a AND b``."""
    return _replaced(tokens, position, TokenType.AND, "AND") if _kind(tokens, position) is TokenType.DAMP else tokens


def _matches(tokens: list[Token], position: int) -> list[Token]:
    """``x ~ '^A'`` is ``x REGEXP '^A'``; what is before no text is SQLite's own sign."""
    matches = _kind(tokens, position) is TokenType.TILDE and _kind(tokens, position + 1) in _QUOTED
    return _replaced(tokens, position, TokenType.RLIKE, "REGEXP") if matches else tokens


def _remainder(tokens: list[Token], position: int) -> list[Token]:
    """``a MOD b`` is ``a % b``."""
    between = _kind(tokens, position - 1) in _ENDS_VALUE and _kind(tokens, position + 1) in _STARTS_VALUE
    infix = between and _kind(tokens, position) is TokenType.VAR
    return _replaced(tokens, position, TokenType.MOD, "%") if infix else tokens


def _function(tokens: list[Token], position: int) -> list[Token]:
    """``DIV(a, b)`` is a function's name and not the operator; ``STD`` and ``LISTAGG`` have another name here."""
    token = tokens[position]
    if _kind(tokens, position + 1) is not TokenType.L_PAREN:
        return tokens
    if token.token_type is TokenType.DIV:
        is_operator = _kind(tokens, position - 1) in _ENDS_VALUE
        return tokens if is_operator else _replaced(tokens, position, TokenType.VAR, "DIV")
    name = _FUNCTIONS.get(token.text.upper()) if token.token_type is TokenType.VAR else None
    return _replaced(tokens, position, TokenType.VAR, name) if name else tokens


def _no_limit(tokens: list[Token], position: int) -> list[Token]:
    """``LIMIT ALL`` is no limit."""
    unlimited = _kind(tokens, position) is TokenType.LIMIT and _kind(tokens, position + 1) is TokenType.ALL
    return [*tokens[:position], *tokens[position + 2 :]] if unlimited else tokens


def _kind(tokens: list[Token], position: int) -> TokenType | None:
    return tokens[position].token_type if 0 <= position < len(tokens) else None


def _replaced(tokens: list[Token], position: int, kind: TokenType, text: str) -> list[Token]:
    return [*tokens[:position], _like(tokens[position], kind, text), *tokens[position + 1 :]]


def _like(token: Token, kind: TokenType, text: str) -> Token:
    """A token at another's place."""
    return Token(kind, text, token.line, token.col, token.start, token.end, [])


CHANGES: dict[str, Change] = {
    "SEPARATOR": _separator,
    "&&": _and,
    "~": _matches,
    "MOD": _remainder,
    "DIV": _function,
    "STD": _function,
    "LISTAGG": _function,
    "LIMIT": _no_limit,
}
