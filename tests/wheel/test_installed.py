"""Runs only where the tests are a copy beside no checkout: the packages must be the installed wheel's."""

from __future__ import annotations

import importlib
import os
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

import pytest

PACKAGES = ("binder", "grammars", "exemplars", "evaluation")

pytestmark = pytest.mark.skipif("BINDER_TEST_WHEEL" not in os.environ, reason="BINDER_TEST_WHEEL is not set: no wheel")


@pytest.mark.parametrize("name", PACKAGES)
def test_package_comes_from_the_wheel(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).is_relative_to(sysconfig.get_path("purelib"))


def test_the_tests_are_a_copy(root: Path) -> None:
    assert not any((root / name).exists() for name in PACKAGES)


def test_wheel_installs_the_four_packages_and_nothing_else() -> None:
    files = distribution("binder-tableqa").files or []
    tops = {file.parts[0] for file in files}
    installed = {top for top in tops if top != ".." and not top.endswith(".dist-info")}
    assert installed == set(PACKAGES)
