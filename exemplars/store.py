"""store: read worked examples and prompt templates from folders of files.

A set is a folder (``wikitq``, ``tabfact``: programs; ``map``, ``ans``: LM calls) of TOML files, one an example, taken
in the order of their names. A user's folder has the same layout (``wikitq/…toml``, ``prompts/draft.jinja``): a set
found there is used instead of the packaged one, and so is a template. Files are read once a process.
"""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from exemplars.exemplar import AnsExemplar, Cells, ExampleTable, MapExemplar, Part, ProgramExemplar
from grammars.python_tree import parse
from grammars.reply import Expected, ReplyKind
from grammars.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment

PACKAGED = Path(__file__).parent

T = TypeVar("T")


@cache
def programs(name: str = "wikitq", folder: Path | None = None) -> tuple[ProgramExemplar, ...]:
    """The worked questions of a set.

    Args:
        name: ``wikitq`` (questions), ``tabfact`` (statements to check), or a set in ``folder``.
        folder: A folder of the user's that may hold the set.

    Raises:
        ValueError: No such set, or a file in it that cannot be read as an example; the message names the file.
    """
    return tuple(_read(path, _program) for path in _files(name, folder))


@cache
def maps(folder: Path | None = None) -> tuple[MapExemplar, ...]:
    """The worked map calls; see ``programs``."""
    return tuple(_read(path, _map) for path in _files("map", folder))


@cache
def answers(folder: Path | None = None) -> tuple[AnsExemplar, ...]:
    """The worked ans calls; see ``programs``."""
    return tuple(_read(path, _ans) for path in _files("ans", folder))


@cache
def templates(folder: Path | None = None) -> Environment:
    """The prompt templates: ``map.jinja``, ``ans.jinja``, and for each language ``draft.jinja`` and ``repair.jinja`` or
    ``draft_python.jinja`` and ``repair_python.jinja``.

    Each has a macro ``turn``, and all but those to repair a macro ``system``. A value that a template names and the
    engine does not give is an error, never an empty text.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    places = [PACKAGED / "prompts"] if folder is None else [folder / "prompts", PACKAGED / "prompts"]
    return Environment(loader=FileSystemLoader(places), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def version(purpose: str, folder: Path | None = None) -> str:
    """A hash of the prompt template and the worked examples that calls of a purpose (``map``, ``ans``) are made with.

    Templates that the purpose's own takes parts from count too.

    Example:
        >>> version("map") == version("map"), version("map") == version("ans")
        (True, False)
    """
    digest = blake2b(digest_size=16)
    for text in (*_sources(f"{purpose}.jinja", folder), *(path.read_text("utf-8") for path in _files(purpose, folder))):
        digest.update(f"{len(text)}\n{text}".encode())
    return digest.hexdigest()


def _sources(template: str, folder: Path | None) -> list[str]:
    """The texts of a template and of those it takes parts from."""
    from jinja2.meta import find_referenced_templates

    environment = templates(folder)
    assert environment.loader is not None
    texts: dict[str, str] = {}
    wanted = [template]
    while wanted:
        name = wanted.pop()
        texts[name], *_ = environment.loader.get_source(environment, name)
        found = find_referenced_templates(environment.parse(texts[name]))
        wanted += sorted(other for other in found if other and other not in texts)
    return list(texts.values())


def _files(name: str, folder: Path | None) -> list[Path]:
    for place in (folder, PACKAGED):
        found = sorted((place / name).glob("*.toml")) if place else []
        if found:
            return found
    places = " or ".join(str(place / name) for place in (folder, PACKAGED) if place)
    raise ValueError(f"no exemplar set '{name}': no .toml file in {places}")


def _read(path: Path, build: Callable[[str, dict[str, Any]], T]) -> T:
    try:
        return build(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
    except KeyError as error:
        raise ValueError(f"{path}: an exemplar needs the key {error}") from error
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise ValueError(f"{path}: not an exemplar: {error}") from error


def _program(name: str, data: dict[str, Any]) -> ProgramExemplar:
    return ProgramExemplar(
        id=name,
        question=data["question"],
        tables=tuple(_table(table) for table in data["tables"]),
        program=data["program"].strip(),
        answer=tuple(data["answer"]),
        replies=data.get("replies", {}),
        tags=frozenset(data.get("tags", ())),
        python=_python(data["python"].strip()) if "python" in data else None,
    )


def _python(text: str) -> str:
    """A Python program, if it is one that can be read."""
    try:
        defined = {node.name for node in parse(text).body if isinstance(node, ast.FunctionDef)}
    except SyntaxError as error:
        raise ValueError(f"python, line {error.lineno}: {error.msg}") from None
    if "solve" not in defined:
        raise ValueError("python defines no function 'solve'; begin it with def solve(table):")
    return text


def _table(data: dict[str, Any]) -> ExampleTable:
    header, kinds = tuple(data["header"]), tuple(Kind(kind) for kind in data["kinds"])
    rows = tuple(_cells(row) for row in data["rows"])
    if any(len(cells) != len(header) for cells in (kinds, *rows)):
        raise ValueError(f"table '{data['name']}': kinds and every row need {len(header)} items, one a header")
    return ExampleTable(data["name"], data["title"], header, kinds, rows)


def _map(name: str, data: dict[str, Any]) -> MapExemplar:
    rows = data["rows"]
    return MapExemplar(
        id=name,
        question=data["question"],
        expected=_expected(data),
        columns=tuple(data["columns"]),
        inputs=tuple(_cells(row["input"]) for row in rows),
        replies=tuple(row.get("reply") for row in rows),
        tags=frozenset(data.get("tags", ())),
    )


def _ans(name: str, data: dict[str, Any]) -> AnsExemplar:
    parts = tuple(Part(tuple(part["header"]), tuple(_cells(row) for row in part["rows"])) for part in data["parts"])
    return AnsExemplar(
        id=name,
        question=data["question"],
        expected=_expected(data),
        parts=parts,
        replies=tuple(data["replies"]),
        tags=frozenset(data.get("tags", ())),
    )


def _expected(data: dict[str, Any]) -> Expected:
    labels = tuple(data.get("labels", ()))
    return Expected(
        ReplyKind(data.get("expect", "text")), labels, closed=data.get("closed", False), many=data.get("many", False)
    )


def _cells(row: list[str]) -> Cells:
    return tuple(cell or None for cell in row)
