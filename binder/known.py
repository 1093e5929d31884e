"""A program that was checked before and asks nothing, run without the event loop.

Its query goes to one thread while the caller waits, or is run in the caller's own where it is ``brief``. The way over
the loop, to a thread of its own and back twice, takes longer than many queries over a loaded table do.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from binder.execute import Result, final_of
from binder.jobs import at_once, wait_for

if TYPE_CHECKING:
    from binder.database import Limits, Pool
    from binder.table import Table
    from grammars.program import Program

Steps = dict[str, float]


def run_known(
    text: str, tables: tuple[Table, ...], pool: Pool, limits: Limits, seconds: float | None
) -> tuple[Program, Result, Steps] | None:
    """What a program in SQL gives, if it is known over tables that are loaded, and asks nothing.

    Args:
        text: The program.
        tables: Its tables.
        pool: Where their database may be.
        limits: What finding the rows of the result may use.
        seconds: How long it may take; None for no limit.

    Returns:
        The checked program, its result, and the seconds of each step, or None where more is to be done for it.

    Raises:
        RunError: It failed, or ran past a limit.
    """
    started = time.perf_counter()
    if not pool.holds(tables):
        return None
    with pool.session(tables) as session:
        loaded = time.perf_counter()
        known = session.checked.get(text)
        if known is None or known[1].asks:
            return None
        program, plan = known
        checked = time.perf_counter()
        run = at_once if plan.brief else wait_for
        result = run(session, lambda: final_of(plan, tables, session, {}, limits), seconds)
        ended = time.perf_counter()
    return program, result, {"load": loaded - started, "check": checked - loaded, "run": ended - checked}
