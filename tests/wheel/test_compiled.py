"""Runs only where sqlglot's compiled build must be in use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlglot.parser


@pytest.mark.skipif("BINDER_TEST_COMPILED" not in os.environ, reason="BINDER_TEST_COMPILED is not set")
def test_sqlglot_is_the_compiled_build() -> None:
    assert Path(sqlglot.parser.__file__).suffix in {".so", ".pyd"}
