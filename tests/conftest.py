"""What every test may use: the folder of public data, and the embedded language model where its weights are."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Tests keep no replies where the user does, and find none; those of the cache name folders of their own.
os.environ["BINDER_CACHE"] = "off"

ROOT = Path(__file__).parents[1]

# Two shared cores make the time of a single example meaningless; pytest-timeout bounds whole tests.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder that holds ``tests/``, the README and the examples: a checkout, or a copy of these elsewhere."""
    return ROOT


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of public data sets; ``BINDER_DATA`` names another place than ``../shared/data``."""
    folder = Path(os.environ.get("BINDER_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the public data sets are not at {folder}; BINDER_DATA may name their folder")
    return folder


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """A real browser, for one test, since its driver keeps an event loop running in this thread."""
    from tests.support.browser import launched

    with launched() as browser:
        yield browser


def pytest_configure() -> None:
    """Has Ctrl-C mean something again where tests are started in the background, which a shell makes deaf to it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives tests of the embedded language model, which reads 60 tokens a second on two cores, more time.

    ``BINDER_TEST_ORDER`` is a number that puts the tests in an order of its own and has threads take turns 500 times as
    often, so that tests that lean on each other, or on luck, fail.
    """
    for item in items:
        if item.get_closest_marker("local_lm") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(300))
    if order := os.environ.get("BINDER_TEST_ORDER"):
        random.Random(order).shuffle(items)
        sys.setswitchinterval(1e-5)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # so that no test's time runs while it waits
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Lets the tests of the embedded model run one at a time where pytest-xdist runs others beside them.

    A group of tests (``--dist loadgroup``) would do, but pytest-xdist 3.8.0 cannot give pytest 9.2's tests one.
    """
    with _alone() if item.get_closest_marker("local_lm") else nullcontext():
        return (yield)


@contextmanager
def _alone() -> Iterator[None]:
    import fcntl

    with Path(__file__).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips tests of the embedded language model where its weights are missing."""
    if item.get_closest_marker("local_lm") is None:
        return
    from binder.lm import weights

    if weights.find() is None:
        pytest.skip("the embedded language model's weights are missing; `binder models pull` gets them")
