"""What the database says of a query that failed is said in words of ours, its own behind them."""

from __future__ import annotations

import re

import pandas
import pytest

from binder import Binder, RunError, Table
from binder.lm.scripted import Scripted
from binder.mishaps import detail

PEAKS = pandas.DataFrame({"name": ["K2", "Fuji"], "height": [8611, 3776]})


@pytest.mark.parametrize(
    ("selected", "said"),
    [
        (f"height * {2**63 - 1}", "a number grows beyond 64 bits (multiplication)"),
        (f"{2**63 - 1} + height", "a number grows beyond 64 bits (addition)"),
        ("CHAR(99999999999)", "a number is too large for where it stands"),
        ("LAG(height, 'x') OVER (ORDER BY height)", "the text 'x' is no value of the kind that is wanted there"),
        ("name LIKE 'a' ESCAPE 'xx'", "ESCAPE takes one character"),
        ("SUBSTR(name, 9999999999999)", "a place in a text is too large"),
        ("PRINTF('%s %s', name)", "the pattern has more places than it is given values"),
        ("NTILE(0) OVER (ORDER BY height)", "NTILE takes a number above 0"),
        ("SUM(height) OVER (ORDER BY height ROWS -1 PRECEDING)", "the bound of ROWS PRECEDING cannot be negative"),
        ("height << 70", "a number is shifted by more bits than it has"),
        ("JSON_EXTRACT(name, '$.a')", "a text that is read as JSON is none"),
        ("DATEDIFF('foo', '2020-01-01', '2020-01-01')", "a date has no part called 'foo'"),
    ],
)
def test_a_program_that_fails_is_told_why(selected: str, said: str) -> None:
    with pytest.raises(RunError, match=re.escape(f"failed while running: {said}")) as failed:
        Binder(Scripted(str), cache=False).run(f"SELECT {selected} FROM w", Table.from_pandas(PEAKS))
    assert "Error:" not in str(failed.value)


@pytest.mark.parametrize("kind", ["Binder Error", "Out of Range Error", "Invalid Input Error", "INTERNAL Error"])
def test_the_class_of_an_error_is_left_out(kind: str) -> None:
    assert detail(f"{kind}: it broke\nLINE 1: …") == "it broke"
