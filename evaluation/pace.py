"""pace: how fast many requests are sent, beside the bare ``openai`` client sending the same ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from binder.lm.openai import OpenAI
from binder.table import Table
from evaluation.cases import KIND
from evaluation.stub import Server, serve
from evaluation.trial import engine

VALUES = 10_000
IN_FLIGHT = 32
TIMES = 3
_WARM_UP = 64


@dataclass(frozen=True)
class Pace:
    """A map over many distinct values, the best of several runs.

    Attributes:
        requests: How many requests it takes.
        seconds: From the program to the answer.
        bare: The seconds in which the bare client sends the same requests, as many in flight at once.
    """

    requests: int
    seconds: float
    bare: float


def measure(delay: float) -> Pace:
    """Time a map over 10,000 values, 32 requests in flight, against a server with this delay."""
    with serve(delay) as server:
        _ours(server, _WARM_UP)
        asyncio.run(_bare(server, [one.body for one in server.taken()]))
        runs = [_run(server) for _ in range(TIMES)]
    return Pace(runs[0].requests, min(run.seconds for run in runs), min(run.bare for run in runs))


def _run(server: Server) -> Pace:
    """Both, one after the other, so that they meet the machine equally busy."""
    server.taken()
    seconds = _ours(server, VALUES)
    bodies = [one.body for one in server.taken()]
    return Pace(len(bodies), seconds, asyncio.run(_bare(server, bodies)))


def _ours(server: Server, values: int) -> float:
    import pyarrow

    data = pyarrow.table({"t": [f"value {number:05}" for number in range(values)]})
    table = Table.from_arrow(data, name="w")
    with engine(OpenAI("stub", base_url=server.url, concurrency=IN_FLIGHT), cached=False) as asked:
        started = time.perf_counter()
        asked.run(f'SELECT QA("map@{KIND}"; t) FROM w', table)
        return time.perf_counter() - started


async def _bare(server: Server, bodies: Sequence[Mapping[str, Any]]) -> float:
    """The seconds it takes the bare client to send these requests and read the replies."""
    import openai

    slots = asyncio.Semaphore(IN_FLIGHT)
    http = openai.DefaultAsyncHttpxClient(trust_env=False)
    async with openai.AsyncOpenAI(api_key="none", base_url=server.url, max_retries=0, http_client=http) as client:

        async def send(body: Mapping[str, Any]) -> None:
            async with slots:
                await client.chat.completions.create(**body)

        started = time.perf_counter()
        await asyncio.gather(*map(send, bodies))
        return time.perf_counter() - started
