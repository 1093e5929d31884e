"""The documentation builds without a warning, holds every public name, and needs nothing from elsewhere."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import binder

pytest.importorskip("sphinx")
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages. A link inside them that leads nowhere, or a name without an entry, is a warning, and fails."""
    folder = tmp_path_factory.mktemp("site")
    strict = ["--nitpicky", "--fail-on-warning", "--keep-going", "--quiet"]
    command = [sys.executable, "-m", "sphinx", "--builder", "html", *strict, "-d", str(folder / "read"), "docs"]
    done = subprocess.run([*command, str(folder / "html")], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def entries(site: Path) -> set[str]:
    """Every name that has an entry in the reference."""
    from sphinx.util.inventory import InventoryFile

    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    return {name for kind, items in inventory.data.items() if kind.startswith("py:") for name in items}


def public_names() -> set[str]:
    names = {f"binder.{name}" for name in binder.__all__} | {f"binder.lm.{name}" for name in binder.lm.__all__}
    kinds = {name: getattr(binder.lm if ".lm." in name else binder, name.rpartition(".")[2]) for name in names}
    members = {
        f"{name}.{member}"
        for name, kind in kinds.items()
        if inspect.isclass(kind)
        for member, value in vars(kind).items()
        if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property | classmethod))
    }
    # What limited models say to each other; its argument is not public.
    return (names | members) - {"binder.lm.Limited.extend", "binder.lm.Limited.pace"}


def test_every_public_name_has_an_entry(entries: set[str]) -> None:
    assert len(public_names()) > 100
    assert public_names() - entries == set(), "add these to docs/reference"


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    loading = re.compile(
        r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//|"""
        r"""<link\b[^>]*\bhref=["']?(?:https?:)?//|url\(["']?(?:https?:)?//|@import\s+["'](?:https?:)?//"""
    )
    files = [file for kind in ("html", "css", "svg") for file in site.rglob(f"*.{kind}")]
    assert len(files) > 20
    assert [file.name for file in files if loading.search(file.read_text("utf-8"))] == []


def test_pictures_load_nothing_from_elsewhere(root: Path) -> None:
    for picture in (root / "docs" / "images").glob("*.svg"):
        assert not re.search(r"url\(|href=", picture.read_text("utf-8").replace("url(#", "")), picture.name


def test_links_of_the_readme_lead_to_files(root: Path) -> None:
    links = [link.partition("#")[0] for link in LINK.findall((root / "README.md").read_text("utf-8"))]
    here = [link for link in links if link and "://" not in link]
    assert here
    assert [link for link in here if not (root / link).exists()] == []
