"""What is shipped: the lock and the ranges agree, data files are listed, and namesakes of the packages are noticed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import binder

PACKAGES = ("binder", "grammars", "exemplars", "evaluation")


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, object]:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def lock(root: Path) -> str:
    return (root / "requirements.lock").read_text("utf-8")


def entries(lock: str) -> list[str]:
    """Each requirement of the lock with its hashes, on one line."""
    lines = lock.replace("\\\n", " ").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def requirements(project: dict) -> list[Requirement]:
    """Everything that pyproject.toml asks for: the package, its extras, its development tools, its build."""
    extras = project["project"]["optional-dependencies"].values()
    groups = project["dependency-groups"].values()
    lists = [project["project"]["dependencies"], project["build-system"]["requires"], *extras, *groups]
    return [Requirement(text) for texts in lists for text in texts]


def test_every_locked_package_has_one_version_and_hashes(lock: str) -> None:
    for entry in entries(lock):
        assert re.match(r"[a-z0-9.-]+==[^\s;]+ .*--hash=sha256:[0-9a-f]{64}", entry), entry


def test_lock_names_no_place(lock: str) -> None:
    assert re.findall(r"https?://|file:|--(?:extra-)?index-url|--find-links| @ ", lock) == []


def test_lock_is_within_the_ranges(lock: str, project: dict) -> None:
    locked = dict(entry.split()[0].split("==") for entry in entries(lock))
    assert locked
    outside = [
        str(wanted)
        for wanted in requirements(project)
        if not wanted.specifier.contains(locked.get(canonicalize_name(wanted.name), "0"))
    ]
    assert outside == [], "run `make lock`"


def test_installed_packages_are_the_locked_ones(lock: str, project: dict) -> None:
    locked = dict(entry.split()[0].split("==") for entry in entries(lock))
    core = [canonicalize_name(Requirement(text).name) for text in project["project"]["dependencies"]]
    assert {name: version(name) for name in core} == {name: locked[name] for name in core}


def test_version_is_the_same_everywhere(root: Path, project: dict) -> None:
    headings = re.findall(r"^## (\S+)", (root / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert headings[0] == project["project"]["version"] == version("binder-tableqa") == binder.__version__


def test_every_data_file_is_listed_as_package_data(project: dict) -> None:
    listed = project["tool"]["setuptools"]["package-data"]
    for name in PACKAGES:
        home = Path(sys.modules[name].__file__ if name in sys.modules else __import__(name).__file__).parent
        data = {file for file in home.rglob("*") if file.is_file() and file.suffix not in {".py", ".pyc"}}
        shipped = {file for pattern in listed[name] for file in home.glob(pattern)}
        assert data - shipped == set()


def test_console_script_is_installed() -> None:
    (script,) = entry_points(group="console_scripts", name="binder")
    assert script.value == "binder.cli:main"
    assert callable(script.load())


def run_python(code: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs code as a script in that folder would."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", ["grammars", "exemplars", "evaluation"])
@pytest.mark.parametrize("form", ["{}.py", "{}/__init__.py"])
def test_a_namesake_gets_one_clear_message(name: str, form: str, tmp_path: Path) -> None:
    namesake = tmp_path / form.format(name)
    namesake.parent.mkdir(exist_ok=True)
    namesake.write_text("raise SystemExit('imported')")
    done = run_python("import binder", tmp_path)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: binder needs the package {name!r}")
    assert str(namesake) in last
    assert "Rename" in last


@pytest.mark.parametrize("name", ["grammars", "exemplars", "evaluation"])
def test_a_folder_of_data_works_or_gets_the_same_message(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    done = run_python("import binder", tmp_path)
    # An installed wheel comes before a folder without code; an editable install comes after it.
    message = f"ImportError: binder needs the package {name!r}"
    assert done.returncode == 0 or done.stderr.splitlines()[-1].startswith(message)


def test_other_files_beside_the_script_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "notes.py").write_text("")
    assert run_python("import binder", tmp_path).returncode == 0
