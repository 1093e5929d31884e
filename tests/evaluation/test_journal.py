"""Replies are kept, and given again for the same example in the order they came."""

from __future__ import annotations

import asyncio
import json
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from binder.draft import Drafting
from binder.errors import LMReplyError
from binder.lm import Message, Request, Scripted
from binder.sampling import at_once, sample
from evaluation import records
from evaluation.journal import Journal, digest

ASKED = Request((Message("user", "how many?"),), schema={"type": "object"}, inputs=(("a",),))


def counting() -> Scripted:
    """A model that replies with the number of the request."""
    replies = iter(range(100))
    return Scripted(lambda request: str(next(replies)))


def say(journal: Journal, about: str, request: Request = ASKED) -> str:
    with journal.about(about):
        return asyncio.run(journal.complete(request)).completions[0].text


def test_replies_are_given_again_in_order_and_by_example(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(counting(), path) as journal:
        assert [say(journal, "x"), say(journal, "x"), say(journal, "y")] == ["0", "1", "2"]
    with Journal(counting(), path) as journal:
        assert [say(journal, "y"), say(journal, "x"), say(journal, "x")] == ["2", "0", "1"]
        assert say(journal, "x") == "0"  # a third asking is new, and the new model counts from the start


def test_what_was_spent_is_told_again(tmp_path: Path) -> None:
    path, spent = tmp_path / "journal.jsonl", []
    for _ in range(2):
        with Journal(counting(), path) as journal, journal.about("x"):
            spent.append(asyncio.run(journal.complete(ASKED)).usage)
    assert spent[0] == spent[1]
    assert spent[0].requests == 1


@pytest.mark.parametrize("change", [{"temperature": 0.4}, {"seed": 1}, {"messages": ()}, {"schema": None}])
def test_another_request_is_another_reply(change: dict[str, object]) -> None:
    assert digest(replace(ASKED, **change)) != digest(ASKED)  # type: ignore[arg-type]
    assert digest(replace(ASKED)) == digest(ASKED)


def test_samples_that_came_one_by_one_are_not_asked_again_together(tmp_path: Path) -> None:
    path, asked = tmp_path / "journal.jsonl", []
    model = Scripted(lambda request: asked.append((request.n, request.seed)) or ["a", "b", "c"][: request.n])
    with Journal(model, path) as journal:
        say(journal, "x", replace(ASKED, seed=5))
    with Journal(model, path) as journal, journal.about("x"):
        said, _ = asyncio.run(sample(journal, replace(ASKED, seed=5, n=3), None))
    assert [one.text for one in said] == ["a", "a", "b"]
    assert asked == [(1, 5), (2, 6)]


def drawing(most: int) -> tuple[Scripted, list[int | None]]:
    """A model that gives so many samples at once, each named by its seed; and the seeds that it was asked for."""
    asked: list[int | None] = []

    def draw(request: Request) -> list[str]:
        seeds = [request.seed + nth for nth in range(request.n)] if request.seed is not None else [None] * request.n
        asked.extend(seeds)
        return [f"{seed} of {len(asked)}" for seed in seeds]

    model = Scripted(draw)
    model.samples = most  # type: ignore[attr-defined]
    return model, asked


@pytest.mark.parametrize("seed", [None, 7])
@pytest.mark.parametrize(("before", "now"), [(1, 3), (3, 1), (2, 3), (3, 2), (10, 1), (1, 10), (3, 10)])
def test_what_was_drawn_is_not_drawn_again_however_many_come_at_once(
    tmp_path: Path, seed: int | None, before: int, now: int
) -> None:
    path, request = tmp_path / "journal.jsonl", replace(ASKED, seed=seed, n=10)
    runs = []
    for most in (before, now):
        model, asked = drawing(most)
        with Journal(model, path) as journal, journal.about("x"):
            said, usage = asyncio.run(sample(journal, request, None))
        runs.append(({one.text for one in said}, usage.requests, usage.tokens, len(said)))
        assert len(asked) == (10 if most == before and len(runs) == 1 else 0)
    assert runs[0] == runs[1]


def test_what_was_no_reply_is_not_paid_for_again(tmp_path: Path) -> None:
    asked: list[Request] = []

    def silent(request: Request) -> str:
        asked.append(request)
        raise LMReplyError("the reply holds no text")

    for _ in range(2):
        with (
            Journal(Scripted(silent), tmp_path / "journal.jsonl") as journal,
            pytest.raises(LMReplyError, match="no text"),
        ):
            say(journal, "a")
    assert len(asked) == 1


def test_it_draws_as_many_at_once_as_the_model_does(tmp_path: Path) -> None:
    model, _ = drawing(2)
    model.drafts = 4  # type: ignore[attr-defined]
    with Journal(model, tmp_path / "journal.jsonl") as journal:
        assert (at_once(journal), Drafting().samples_for(journal)) == (2, 4)
    with Journal(counting(), tmp_path / "journal.jsonl") as journal:
        assert (at_once(journal), Drafting().samples_for(journal)) == (None, Drafting().samples_for(counting()))


@pytest.mark.parametrize(
    "damaged",
    [
        {"about": "x"},
        {"about": "x", "request": "r", "completions": 5, "usage": {}},
        {"about": "x", "request": "r", "completions": [{"words": "a"}], "usage": {}},
        {"about": "x", "request": "r", "completions": [{"text": "a"}], "usage": {"dollars": 1}},
        {"about": "x", "request": "r", "completions": [{"text": "a"}, {"text": "b"}], "usage": {}, "seed": "s"},
    ],
)
def test_a_line_that_is_no_reply_is_named_and_asked_again(tmp_path: Path, damaged: object) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(counting(), path) as journal:
        say(journal, "x")
    path.write_text(json.dumps(damaged) + "\n" + path.read_text())
    with pytest.warns(UserWarning, match=r"journal.jsonl, line 1, is damaged and left out"):
        journal = Journal(Scripted(lambda request: "new"), path)
    with journal:
        assert [say(journal, "x"), say(journal, "x")] == ["0", "new"]


def test_what_a_full_disk_took_of_a_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "some.jsonl"
    with records.Appender(path) as file:
        file.add({"id": "a"})
        whole = file._file
        room = [3]

        class Full:
            seek, truncate, close = whole.seek, whole.truncate, whole.close

            def write(self, line: bytes) -> int:
                if not room:
                    raise OSError(28, "No space left on device")
                return whole.write(line[: room.pop()]) or 0

        monkeypatch.setattr(file, "_file", Full())
        with pytest.raises(OSError, match="No space"):
            file.add({"id": "b"})
        monkeypatch.setattr(file, "_file", whole)
        file.add({"id": "c"})
    assert path.read_text() == '{"id": "a"}\n{"id": "c"}\n'


def test_a_torn_line_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_bytes(b'{"id": "b", "text": "\xc3\xa9"}\n{"id": "a"}\n{"id": "c')
    assert [record["id"] for record in records.read(path)] == ["b", "a"]
    with records.Appender(path) as file:
        file.add({"id": "c", "text": "\udce9\u2028"})
    assert [record["id"] for record in records.read(path)] == ["b", "a", "c"]
    records.write_sorted(path)
    assert records.read(path) == [{"id": "a"}, {"id": "b", "text": "é"}, {"id": "c", "text": "\udce9\u2028"}]


@pytest.mark.parametrize("damaged", ['{"id"', '{"id": "c{"id": "d"}', "5", "[]", "", '{"text": "x"}'])
def test_damage_elsewhere_is_named_and_left_out(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text(f'{{"id": "b"}}\n{damaged}\n{{"id": "a"}}\n')
    with pytest.warns(UserWarning, match="some.jsonl, line 2, is damaged and left out; a run does again") as warned:
        assert [record["id"] for record in records.read(path)] == ["b", "a"]
    assert len(warned) == 1
    with pytest.warns(UserWarning, match="line 2"):
        records.write_sorted(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert records.read(path) == [{"id": "a"}, {"id": "b"}]
