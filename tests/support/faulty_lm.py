"""A language model behind HTTP whose answers are a plain function of what it is asked, and that fails as told.

Each request meets a fault with a given chance: one of the server's (it refuses, drops the line, falls silent), or one
of the reply's (empty, cut, in prose, with the wrong keys). What a healthy one would say never depends on chance, so
that an answer got in spite of faults can be compared with the answer of a healthy server. Where any text will do, a
text of another kind or in another language cannot be told from an answer, so a fault there is a list or a sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

STALL = 60.0
RIVERS = ("Rhine", "Volga", "Mekong", "Niger", "Amazon", "Danube", "Indus", "Tigris", "Yukon", "Loire")
FRENCH = {"yes": "oui", "no": "non"}
REFUSAL = "I'm sorry, but I can't help with that."


@dataclass(frozen=True)
class Asked:
    """What a request asks: for a program, for values by number, or for one value."""

    question: str
    purpose: str
    inputs: tuple[str, ...]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Asked:
        texts = [message["content"] for message in body["messages"]]
        question = re.findall(r"^Question: (.*)$", "\n".join(texts), re.MULTILINE)[-1]
        if texts[0].startswith("You write"):
            return cls(question, "draft", ())
        if "several numbered inputs" in texts[0]:
            return cls(question, "map", tuple(re.findall(r"^\d+: (.*)$", texts[-1], re.MULTILINE)))
        return cls(question, "ans", (texts[-1],))


def number(*texts: str) -> int:
    """A number that these texts stand for."""
    return int.from_bytes(hashlib.md5("|".join(texts).encode()).digest()[:4])


def truth(question: str, given: str) -> Any:
    """What is so of an input."""
    drawn = number(question, given)
    if question.startswith("is "):
        return ("yes", "no")[drawn % 2]
    return 1 + drawn % 3000 if question.startswith(("how many", "in which year")) else RIVERS[drawn % len(RIVERS)]


@dataclass(frozen=True)
class Said:
    """A reply: its text, how the server says it ended, and a refusal beside it."""

    text: str | None
    finish: str = "stop"
    refusal: str | None = None


def healthy(asked: Asked, programs: Mapping[str, str]) -> Said:
    """What a healthy server says."""
    if asked.purpose == "draft":
        return Said(programs[asked.question])
    values = [truth(asked.question, given) for given in asked.inputs]
    return Said(_map(values) if asked.purpose == "map" else json.dumps({"answer": values[0]}))


def _map(values: Sequence[Any], first: int = 1) -> str:
    return json.dumps({str(n): value for n, value in enumerate(values, first)})


def _values(asked: Asked) -> list[Any]:
    return [truth(asked.question, given) for given in asked.inputs]


def _each(asked: Asked, change: Callable[[Any], Any]) -> Said:
    values = [change(value) for value in _values(asked)]
    return Said(_map(values) if asked.purpose == "map" else json.dumps({"answer": values[0]}))


def _cut(asked: Asked, said: Said) -> Said:
    """All but its end, and the server does not say so."""
    text = json.dumps(json.loads(said.text or ""), indent=1)
    return Said(text[: len(text) - 5])


def _wrong_keys(asked: Asked, said: Said) -> Said:
    values = _values(asked)
    return Said(_map(values, first=0) if asked.purpose == "map" else json.dumps({"value": values[0]}))


def _missing_keys(asked: Asked, said: Said) -> Said:
    return Said(_map(_values(asked)[:-1]) if asked.purpose == "map" else "{}")


def _doubled_keys(asked: Asked, said: Said) -> Said:
    key = "1" if asked.purpose == "map" else "answer"
    other = "no" if _values(asked)[0] == "yes" else 4 if isinstance(_values(asked)[0], int) else "yes"
    return Said(f'{(said.text or "")[:-1]}, "{key}": {json.dumps(other)}}}')


def _wrong_kind(asked: Asked, said: Said) -> Said:
    return _each(asked, lambda value: ["a", "b"] if value in RIVERS else "many" if isinstance(value, int) else 17)


def _french(asked: Asked, said: Said) -> Said:
    values = [] if asked.purpose == "draft" else _values(asked)
    if values and all(value in FRENCH for value in values):
        return _each(asked, FRENCH.__getitem__)
    return Said("Désolé, je ne peux pas répondre à cette question.")


def _wrapped(asked: Asked, said: Said) -> Said:
    return Said(f"Sure! Here is what you asked for:\n```\n{said.text}\n```\nI hope that 1 of them helps.")


def _each_refused(asked: Asked, said: Said) -> Said:
    return _each(asked, lambda value: REFUSAL)


def _numbered_refusals(asked: Asked, said: Said) -> Said:
    return Said("\n".join(f"{n}. {REFUSAL}" for n, _ in enumerate(asked.inputs, 1)))


def _echo(asked: Asked, said: Said) -> Said:
    return Said("\n".join(f"{n}: {given}" for n, given in enumerate(asked.inputs, 1)))


REPLY_FAULTS: Mapping[str, Callable[[Asked, Said], Said]] = {
    "empty": lambda asked, said: Said(""),
    "truncated": lambda asked, said: Said((said.text or "")[: len(said.text or "") // 2], "length"),
    "cut unsaid": _cut,
    "filtered": lambda asked, said: Said((said.text or "")[: len(said.text or "") // 2], "content_filter"),
    "refused": lambda asked, said: Said(f"No, {REFUSAL}"),
    "refused shortly": lambda asked, said: Said("Sorry, no."),
    "each refused": _each_refused,
    "numbered refusals": _numbered_refusals,
    "error text": lambda asked, said: Said("Error: rate limit of 1 request reached"),
    "echo": _echo,
    "refusal field": lambda asked, said: Said(None, refusal=REFUSAL),
    "prose": lambda asked, said: Said("Yes, the answer is one of the 2 that the Rhine has"),
    "extra prose": _wrapped,
    "other language": _french,
    "wrong keys": _wrong_keys,
    "missing keys": _missing_keys,
    "doubled keys": _doubled_keys,
    "wrong kind": _wrong_kind,
}
OF_VALUES_ALONE = frozenset(
    (
        "cut unsaid",
        "each refused",
        "numbered refusals",
        "echo",
        "wrong keys",
        "missing keys",
        "doubled keys",
        "wrong kind",
    )
)
"""Drafts do not meet these: a program without its end may be another program, and nothing tells."""
SERVER_FAULTS = (
    *("429", "429 after 0.2 s", "500", "502", "503", "dropped", "stalled", "half a body", "half a body unsaid"),
    *("not JSON", "no choices"),
)
KINDS = (*SERVER_FAULTS, *REPLY_FAULTS)


@dataclass
class FaultyLM:
    """A running server.

    Attributes:
        programs: The program that answers each question.
        kinds: The faults that may strike.
        share: The share of requests that one of them strikes.
        seconds: How long a healthy reply takes.
    """

    programs: Mapping[str, str]
    kinds: Sequence[str] = KINDS
    share: float = 0.0
    seconds: float = 0.0
    url: str = ""
    requests: int = 0
    injected: Counter[str] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._exchange(reader, writer):
                pass
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
        self.requests += 1
        asked = Asked.of(body)
        fault = self._fault(asked)
        await asyncio.sleep(STALL if fault == "stalled" else self.seconds)
        return await self._answer(writer, asked, fault, body.get("n", 1))

    def _fault(self, asked: Asked) -> str | None:
        fault = self.chance.choice(self.kinds) if self.chance.random() < self.share else None
        if fault is None or (asked.purpose == "draft" and fault in OF_VALUES_ALONE):
            return None
        self.injected[fault] += 1
        return fault

    async def _answer(self, writer: asyncio.StreamWriter, asked: Asked, fault: str | None, n: int) -> bool:
        """Send what is said; whether the connection goes on."""
        said = healthy(asked, self.programs)
        if fault in REPLY_FAULTS:
            said = REPLY_FAULTS[fault](asked, said)
        message = {"role": "assistant", "content": said.text, "refusal": said.refusal}
        choices = [{"index": i, "message": message, "finish_reason": said.finish} for i in range(n)]
        text = json.dumps({"object": "chat.completion", "choices": choices})
        status, headers, whole = 200, "", True
        match fault:
            case "dropped" | "stalled":
                return False
            case "429" | "500" | "502" | "503":
                status, text = int(fault), json.dumps({"error": {"message": f"a fault: {fault}"}})
            case "429 after 0.2 s":
                status, headers, text = 429, "Retry-After: 0.2\r\n", json.dumps({"error": {"message": "too fast"}})
            case "half a body":
                whole = False
            case "half a body unsaid":
                text = text[: len(text) // 2]
            case "not JSON":
                text = "<html><body>Bad gateway</body></html>"
            case "no choices":
                text = json.dumps({"object": "chat.completion", "choices": []})
        data = text.encode()
        writer.write(f"HTTP/1.1 {status} X\r\n{headers}Content-Length: {len(data)}\r\n\r\n".encode("latin-1"))
        writer.write(data if whole else data[: len(data) // 2])
        await writer.drain()
        return whole


@contextlib.contextmanager
def run(server: FaultyLM) -> Iterator[FaultyLM]:
    """Run a server on an event loop of its own until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(server.connected, "127.0.0.1", 0, backlog=1000)

    async def stop() -> None:
        listening.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    listening = asyncio.run_coroutine_threadsafe(start(), loop).result()
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
