"""Asks a data set's questions, some at once, with nothing but the cache to go on from when it is killed."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from binder.draft import Drafting
from binder.engine import Binder
from binder.lm import OpenAI
from evaluation import wikitq
from evaluation.example import Example
from tests.support.kills import CONCURRENCY


async def ask_all(data: Path, url: str, samples: int) -> list[dict[str, object]]:
    """The answers, by example."""
    places = asyncio.Semaphore(CONCURRENCY)
    drafting = Drafting(samples=samples, seed=1)  # so that the server can tell which sample it is asked for
    with Binder(OpenAI("stub", base_url=url, concurrency=CONCURRENCY), drafting=drafting) as engine:

        async def ask(example: Example) -> dict[str, object]:
            async with places:
                answer = await engine.aask(example.question, wikitq.table(example))
            return {"id": example.id, "answer": answer.values}

        return list(await asyncio.gather(*map(ask, wikitq.examples(data, "dev"))))


if __name__ == "__main__":
    data, out, url, samples = sys.argv[1:]
    answers = asyncio.run(ask_all(Path(data), url, int(samples)))
    Path(out).mkdir(exist_ok=True)
    (Path(out) / "answers.jsonl").write_text("".join(json.dumps(one) + "\n" for one in answers), encoding="utf-8")
