"""How many tokens a text is, guessed where no tokenizer is at hand."""

from __future__ import annotations

CHARACTERS_PER_TOKEN = 4


def estimate(text: str) -> int:
    """About how many tokens ``text`` is: one for every four characters, rounded up.

    Example:
        >>> estimate("which peaks are in Asia?")
        6
    """
    return -(-len(text) // CHARACTERS_PER_TOKEN)
