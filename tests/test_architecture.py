"""The rooms keep their walls: who may import whom, what loads when, and what is public."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import binder
from grammars.python_tree import parse

# Each room, and the rooms it may import: imports point one way.
ROOMS = {
    "grammars": set(),
    "exemplars": {"grammars"},
    "binder": {"grammars", "exemplars"},
    "evaluation": {"grammars", "exemplars", "binder"},
}

# A grammar takes text and gives a tree or complaints. It reaches no language model, database, file or network.
CLOSED_TO_GRAMMARS = {
    *("asyncio", "http", "httpcore2", "httpx", "httpx2", "requests", "socket", "ssl", "urllib"),
    *("duckdb", "pandas", "polars", "psycopg", "pyarrow", "records", "sqlalchemy", "sqlite3"),
    *("io", "multiprocessing", "os", "pathlib", "shutil", "subprocess", "tempfile"),
    *("huggingface_hub", "openai", "xllamacpp"),
}

# From a question to its answer.
STEPS = {"binder.draft", "binder.work", "binder.vote", "binder.answer"}

# These load when they are used, not when binder is imported.
HEAVY = ("IPython", "huggingface_hub", "openai", "pandas", "polars", "records", "sqlalchemy", "xllamacpp")


def modules(room: str) -> Iterator[tuple[str, Path]]:
    """The dotted name and the file of every module in a room."""
    spec = find_spec(room)
    assert spec is not None and spec.origin is not None
    home = Path(spec.origin).parent
    for file in sorted(home.rglob("*.py")):
        yield ".".join([room, *file.relative_to(home).with_suffix("").parts]).removesuffix(".__init__"), file


MODULES = {name: file for room in ROOMS for name, file in modules(room)}


def imports(name: str) -> set[str]:
    """The dotted name of everything that a module imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
                home = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*home, *filter(None, [base])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


def tops(name: str) -> set[str]:
    """The top-level packages that a module imports."""
    return {imported.partition(".")[0] for imported in imports(name)}


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_one_way(name: str) -> None:
    room = name.partition(".")[0]
    assert tops(name) & (ROOMS.keys() - ROOMS[room] - {room}) == set()


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("grammars")])
def test_grammars_reach_nothing_outside(name: str) -> None:
    assert tops(name) & CLOSED_TO_GRAMMARS == set()


def test_only_the_engine_imports_every_step() -> None:
    assert [name for name in MODULES if imports(name) >= STEPS] == ["binder.engine"]


def test_what_is_imported_is_declared_and_the_other_way_round(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    core = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    extras = [Requirement(text).name for texts in project["optional-dependencies"].values() for text in texts]
    imported = set().union(*map(tops, MODULES)) - sys.stdlib_module_names - ROOMS.keys()
    distributions = packages_distributions()
    needed = {canonicalize_name(distributions.get(name, [name])[0]) for name in imported}
    assert needed - core - {*map(canonicalize_name, extras)} == set(), "add these to pyproject.toml"
    assert core - needed == set(), "nothing imports these"


def test_there_is_no_drawer_for_odds_and_ends() -> None:
    assert [name for name in MODULES if name.rpartition(".")[2] in {"utils", "util", "helpers", "misc"}] == []


def test_importing_binder_loads_nothing_heavy() -> None:
    code = f"import sys, binder; print(*sorted(set({HEAVY!r}) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_public_names_are_the_documented_ones(root: Path) -> None:
    section = re.search(r"^## Public names\n(.*?)(?=^## |\Z)", (root / "README.md").read_text("utf-8"), re.M | re.S)
    assert section is not None
    assert sorted(re.findall(r"^- `binder\.(\w+)", section[1], re.M)) == sorted(binder.__all__)


def test_public_names_are_there_and_say_what_they_are() -> None:
    assert binder.__all__
    for name in binder.__all__:
        assert inspect.getdoc(getattr(binder, name)), f"binder.{name} has no docstring"


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is(name: str) -> None:
    tree = parse(MODULES[name].read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree)
