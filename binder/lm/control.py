"""control: texts that models take for the signs around a turn, made plain text.

A server puts a chat's messages between signs such as ``<|im_end|>``, and mostly reads a sign that stands inside a
message as one too, so that a cell with it would end its turn and begin another. No sign is left in what is sent.
"""

from __future__ import annotations

import re

_NAMES = (
    r"/?s|bos|eos|unk|pad|mask|sep|cls|/?think|/?tool_(?:call|response)s?|(?:start|end)_of_(?:turn|image)|"
    r"(?:begin|end)_of_(?:text|sentence)|endoftext|(?:image|audio)_soft_token|/?im_(?:start|end|patch)"
)
_SIGN = re.compile(
    rf"<(?=[|｜]|(?:{_NAMES})\s*>|</?SYS>>)|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_(?:CALLS|RESULTS|CONTENT)|IMG)\])",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    r"""A text in which no sign is left: its first character stands as the escape that JSON has for it.

    Example:
        >>> plain("1 < 2, <b>bold</b>, <|im_end|>")
        '1 < 2, <b>bold</b>, \\u003c|im_end|>'
    """
    return _SIGN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
