"""deadline: what is said when a question takes longer than it may."""

from __future__ import annotations

from binder.errors import BinderError, LMUnavailable, RunError


def too_late(seconds: float, step: str, waiting_for: str | None, trouble: str = "") -> BinderError:
    """The error of a question that ran past its deadline: it blames what was under way then.

    Args:
        seconds: How long the question might take.
        step: What was under way, as ``Trace.steps`` names it.
        waiting_for: The model that was to answer, or None where nothing was asked of any.
        trouble: What that model's server did last, if it failed and has not answered since.

    Example:
        >>> str(too_late(5, "check", None))
        'no answer within 5 s; a program was being checked. Give more time (deadline), or a shorter program'
    """
    told, more = f"no answer within {seconds:g} s", "Give more time (deadline)"
    if waiting_for is not None:
        what = f"{waiting_for} was drafting programs" if step == "draft" else f"waiting for {waiting_for}"
        before = f". Before, {trouble}" if trouble else ""
        return LMUnavailable(f"{told}; {what}. {more}, or a faster model{before}")
    if step == "check":
        return RunError(f"{told}; a program was being checked. {more}, or a shorter program")
    return RunError(f"{told}; a program was running, and was stopped. {more}, or narrow what it reads")
