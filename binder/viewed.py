"""viewed: what shows itself, as HTML in a notebook and as text in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.text import Text


class Viewed:
    """A kind of thing that ``binder.notebook.html`` and ``binder.console`` have views of."""

    def __rich__(self) -> Text:
        from binder.console import rich_of

        return rich_of(self)

    def _repr_html_(self) -> str:
        from binder.notebook.html import html_of

        return html_of(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """The text that IPython shows in a terminal, and keeps in a notebook beside the HTML."""
        printer.text(str(self.__rich__()))
