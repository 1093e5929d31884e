"""Ask questions of tables: programs with language-model calls bound into SQL, run over DuckDB.

Example:
    >>> import binder
    >>> from binder.lm import Scripted
    >>> import pandas
    >>> peaks = binder.Table.from_pandas(pandas.DataFrame({"name": ["K2", "Elbrus"], "country": ["Pakistan", "Russia"]}))
    >>> engine = binder.Binder(lm=Scripted(lambda request: "SELECT COUNT(*) FROM w"))
    >>> engine.ask("how many peaks are there?", peaks).values
    (2,)
"""

from binder.siblings import check_siblings

check_siblings()

from binder import lm  # noqa: E402
from binder.answer import Answer  # noqa: E402
from binder.database import Limits  # noqa: E402
from binder.draft import Drafting  # noqa: E402
from binder.engine import Binder  # noqa: E402
from binder.errors import (  # noqa: E402
    BinderError,
    ConfigurationError,
    LMError,
    LMReplyError,
    LMUnavailable,
    ProgramError,
    RunError,
    TableError,
)
from binder.explain import Explanation  # noqa: E402
from binder.table import Table  # noqa: E402
from binder.trace import Trace  # noqa: E402
from binder.vote import Candidate, Method, Vote  # noqa: E402
from grammars.program import Program  # noqa: E402

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Binder",
    "BinderError",
    "Candidate",
    "ConfigurationError",
    "Drafting",
    "Explanation",
    "LMError",
    "LMReplyError",
    "LMUnavailable",
    "Limits",
    "Method",
    "Program",
    "ProgramError",
    "RunError",
    "Table",
    "TableError",
    "Trace",
    "Vote",
    "lm",
]
