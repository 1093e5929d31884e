"""Ask questions of tables: programs with language-model calls bound into SQL or Python, run over DuckDB or pandas.

Example:
    >>> import binder
    >>> from binder.lm import Scripted
    >>> import pandas
    >>> peaks = binder.Table.from_pandas(pandas.DataFrame({"name": ["K2", "Elbrus"], "height": [8611, 5642]}))
    >>> engine = binder.Binder(lm=Scripted(lambda request: "SELECT COUNT(*) FROM w"))
    >>> engine.ask("how many peaks are there?", peaks).values
    (2,)
"""

from binder.siblings import check_siblings

check_siblings()

import logging
from typing import Any

from binder import lm
from binder.answer import Answer
from binder.database import Limits
from binder.draft import Drafting
from binder.engine import Binder
from binder.errors import (
    BinderError,
    ConfigurationError,
    LimitReached,
    LMError,
    LMOverflow,
    LMReplyError,
    LMUnavailable,
    ProgramError,
    RunError,
    TableError,
)
from binder.explain import Explanation
from binder.table import Table
from binder.trace import Trace
from binder.vote import Candidate, Method, Vote
from grammars.program import Program
from grammars.python import PythonProgram


def load_ipython_extension(shell: Any) -> None:
    """What ``%load_ext binder`` does: the ``%%binder`` cell magic, and views of programs."""
    from binder.notebook.magic import load

    load(shell)


__version__ = "0.1.0"

# What is mended, retried or given up is logged; it is for the application to say where to.
logging.getLogger("binder").addHandler(logging.NullHandler())

__all__ = [
    "Answer",
    "Binder",
    "BinderError",
    "Candidate",
    "ConfigurationError",
    "Drafting",
    "Explanation",
    "LMError",
    "LMOverflow",
    "LMReplyError",
    "LMUnavailable",
    "LimitReached",
    "Limits",
    "Method",
    "Program",
    "ProgramError",
    "PythonProgram",
    "RunError",
    "Table",
    "TableError",
    "Trace",
    "Vote",
    "lm",
]
