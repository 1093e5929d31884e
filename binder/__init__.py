"""Ask questions of tables: programs with language-model calls bound into SQL, run over DuckDB."""

from binder.siblings import check_siblings

check_siblings()

__version__ = "0.1.0"

__all__: list[str] = []
