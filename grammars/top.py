"""top: ``SELECT TOP 3 name FROM w``, as SQL Server has it, is ``SELECT name FROM w LIMIT 3``."""

from __future__ import annotations

from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

_KEPT = (TokenType.SEMICOLON, TokenType.LIMIT, TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT)


def limit_for_top(tokens: list[Token]) -> tuple[list[Token], tuple[str, ...]]:
    """The tokens of a program with each TOP as a LIMIT at the end of its SELECT, and what was mended.

    A TOP that such a LIMIT would not equal is left where it is: one in a UNION, or beside another LIMIT.
    """
    mends: tuple[str, ...] = ()
    for position in range(len(tokens) - 1, -1, -1):
        count = _top(tokens, position)
        end = _end(tokens, position) if count else None
        if not count or end is None:
            continue
        number = next(token for token in count if token.token_type is TokenType.NUMBER)
        limit = Token(TokenType.LIMIT, "LIMIT", number.line, number.col, number.start, number.end, [])
        after = position + len(count)
        tokens = [*tokens[:position], *tokens[after:end], limit, number, *tokens[end:]]
        mends = (f"TOP {number.text} read as LIMIT {number.text}", *mends)
    return tokens, mends


def _top(tokens: list[Token], position: int) -> list[Token]:
    """The tokens ``TOP 3`` or ``TOP (3)`` that stand at a position after SELECT, or none."""
    before = tokens[position - 1].token_type if position else None
    if tokens[position].text.upper() != "TOP" or before not in (TokenType.SELECT, TokenType.DISTINCT, TokenType.ALL):
        return []
    kinds = tuple(token.token_type for token in tokens[position + 1 : position + 4])
    if kinds[:1] == (TokenType.NUMBER,):
        return tokens[position : position + 2]
    in_parentheses = kinds == (TokenType.L_PAREN, TokenType.NUMBER, TokenType.R_PAREN)
    following = tokens[position + 4].token_type if len(tokens) > position + 4 else TokenType.FROM
    is_column = following in (TokenType.FROM, TokenType.COMMA, TokenType.ALIAS)
    return tokens[position : position + 4] if in_parentheses and not is_column else []


def _end(tokens: list[Token], position: int) -> int | None:
    """Where the SELECT around a position ends, or None where a LIMIT may not stand."""
    depth = 0
    for end in range(position, len(tokens)):
        kind = tokens[end].token_type
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        if depth < 0:
            return end
        if depth == 0 and kind in _KEPT:
            return end if kind is TokenType.SEMICOLON else None
    return len(tokens)
