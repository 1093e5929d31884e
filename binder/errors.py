"""The errors a caller may meet, one tree:

    BinderError
    ├── ConfigurationError   the caller's settings cannot work (no LM found, an option out of range)
    ├── TableError           a source cannot be read as a table
    ├── ProgramError         a program was refused before anything was spent
    ├── RunError             a checked program failed while running, or ran past a limit of the database
    ├── LimitReached         a limit on what the language model may cost; nothing was sent beyond it
    └── LMError              the language model
        ├── LMUnavailable    it could not be reached, refused the request, or ran past the deadline
        │   └── LMOverflow   the request is longer than its context
        └── LMReplyError     it replied, and the reply could not be used

Every message says what was wrong, where, what was kept, and what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from binder.viewed import Viewed
from grammars.errors import Complaint

if TYPE_CHECKING:
    from binder.lm.base import Usage


class BinderError(Exception):
    """The root of everything this library raises on purpose.

    Attributes:
        kept: How many programs and values the language model had given by then that need not be asked for again.
    """

    kept = 0

    def __str__(self) -> str:
        told = super().__str__()
        replies = "1 reply by then is" if self.kept == 1 else f"{self.kept:,} replies by then are"
        kept = f". Its {replies} kept; ask again to go on from there"
        return told + kept if self.kept else told


class ConfigurationError(BinderError):
    """A setting cannot work as given."""


class TableError(BinderError):
    """A file, database or object could not be read as a table."""


class ProgramError(Viewed, BinderError):
    """A program was refused; ``complaints`` holds every reason at once.

    Attributes:
        text: The program as it was given.
        complaints: What is wrong with it, in the order of the text.
    """

    def __init__(self, text: str, complaints: tuple[Complaint, ...]) -> None:
        self.text = text
        self.complaints = complaints
        super().__init__("\n".join(complaint.render(text) for complaint in complaints))


class RunError(BinderError):
    """A checked program failed while running."""


class LimitReached(BinderError):
    """The language model may cost no more; ``kept`` says how much of what it had answered need not be asked again.

    Attributes:
        limit: The limit's name in ``binder.lm.Budget``.
        spent: What had been spent.
    """

    def __init__(self, message: str, limit: str, spent: Usage) -> None:
        self.limit = limit
        self.spent = spent
        super().__init__(message)


class LMError(BinderError):
    """The language model failed."""


class LMUnavailable(LMError):
    """The language model could not be reached, refused the request, or did not answer in time.

    It is one too where what came is no completion at all, such as a proxy's page, however often it was asked.

    Attributes:
        status: The HTTP status that a server refused with, or None where there was none: 401 and 403 for a key, 404 for
            a model's name, 429 for too many requests.
    """

    def __init__(self, message: str = "", status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


class LMOverflow(LMUnavailable):
    """A request was longer than the language model's context."""


class LMReplyError(LMError):
    """The language model's reply could not be used."""


def first_of(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error in a group, groups inside it opened.

    Example:
        >>> first_of(ExceptionGroup("two", [ExceptionGroup("one", [LMReplyError("no text")]), LMError("no")]))
        LMReplyError('no text')
    """
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
