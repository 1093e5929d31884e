"""How a command line says what went wrong: on which stream, in how many lines, with which exit status."""

from __future__ import annotations

import json

import pytest
import typer

from binder.errors import BinderError, LMUnavailable, ProgramError, RunError
from binder.failing import failing
from grammars.errors import Complaint

HOW_ON = "the same command again goes on"


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (RunError("it broke:\n  here\x1b[2J"), 1, "tool: it broke: here\\x1b[2J\n"),
        (LMUnavailable("gone"), 1, f"tool: gone\ntool: {HOW_ON}\n"),
        (ProgramError("DROP", (Complaint("x", "no\nquery", "SELECT"),)), 1, "tool: no\nquery\n  hint: SELECT\n"),
        (typer.BadParameter("it is odd.\n", param_hint="--odd"), 2, "Invalid value for --odd: it is odd"),
        (KeyboardInterrupt(), 130, f"tool: interrupted; {HOW_ON}\n"),
    ],
)
def test_a_failure_is_said_on_standard_error_or_as_json(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as left, failing("tool", how_on=HOW_ON):
        raise error
    shown = capsys.readouterr()
    assert (left.value.exit_code, shown.out) == (status, "")
    assert said in shown.err
    with pytest.raises(typer.Exit) as left, failing("tool", as_json=True, how_on=HOW_ON):
        raise error
    shown = capsys.readouterr()
    assert (left.value.exit_code, shown.err) == (status, "")
    assert json.loads(shown.out).keys() >= {"error", "message"}
    assert not isinstance(error, BinderError) or json.loads(shown.out)["message"] == str(error)


def test_what_is_no_mistake_of_the_user_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), failing("tool"):
        raise ZeroDivisionError
