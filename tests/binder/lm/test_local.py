"""The embedded language model: its process, its errors, and what it can do."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from binder.errors import ConfigurationError, LMUnavailable
from binder.lm import weights
from binder.lm.base import LM, Message, Request, Response
from binder.lm.local import SLOTS, Local
from binder.lm.openai import OpenAI

needs_software = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not in this environment"
)

CONTEXT = 1024
SCHEMA = {
    "type": "object",
    "properties": {"1": {"enum": ["yes", "no"]}, "2": {"enum": ["yes", "no"]}},
    "required": ["1", "2"],
    "additionalProperties": False,
}


def request(question: str, **options: Any) -> Request:
    return Request((Message("system", "Answer shortly."), Message("user", question)), **({"max_tokens": 24} | options))


def ask(lm: LM, *requests: Request) -> list[Response]:
    async def all_of_them() -> list[Response]:
        try:
            return [await lm.complete(each) for each in requests]
        finally:
            await lm.aclose()

    return asyncio.run(all_of_them())


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_it_is_an_lm() -> None:
    assert isinstance(Local("model.gguf"), LM)


def test_without_its_software_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'binder-tableqa\[local\]'"):
        ask(Local(), request("?"))


@needs_software
def test_without_weights_the_message_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BINDER_LOCAL_MODEL", raising=False)
    monkeypatch.setenv("BINDER_CACHE", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"binder models pull.*BINDER_LOCAL_MODEL.*OPENAI_BASE_URL"):
        ask(Local(), request("?"))


@needs_software
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, r"model.gguf cannot be read \(.*No such file"),
        (b"hello", "model.gguf is no GGUF file"),
        (b"GGUF and then nonsense", r"model.gguf could not be loaded as a model \(.*\w"),
    ],
)
def test_a_file_that_is_no_model_is_named(data: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ConfigurationError, match=message):
        ask(Local(path), request("?"))


def test_closing_what_never_started_does_nothing() -> None:
    asyncio.run(Local("model.gguf").aclose())


@needs_software
@pytest.mark.local_lm
class TestWithTheModel:
    """One start of the model for each test that needs one."""

    def test_it_chats_samples_and_keeps_to_a_schema(self) -> None:
        lm = Local(context=CONTEXT)
        chat, samples, structured = ask(
            lm,
            request("What is the capital of France?"),
            request("Name a fruit.", n=5, temperature=1.0, seed=1),
            request("Is it in Europe? 1. Norway 2. Kenya. Reply as JSON.", schema=SCHEMA),
        )
        assert "Paris" in chat.completions[0].text
        logprob = chat.completions[0].logprob
        assert logprob is not None and -20 < logprob <= 0
        assert (len(samples.completions), samples.usage.requests) == (SLOTS, 1)
        assert samples.usage.completion_tokens >= 5
        assert json.loads(structured.completions[0].text) == {"1": "yes", "2": "no"}

    def test_a_prompt_that_is_too_long_is_refused_with_its_length(self) -> None:
        with pytest.raises(LMUnavailable, match=r"\(embedded\): .*exceeds the available context size"):
            ask(Local(context=CONTEXT, concurrency=1), request("word " * 2 * CONTEXT))

    def test_a_process_that_died_is_said_and_started_again(self) -> None:
        async def story() -> None:
            lm = Local(context=CONTEXT)
            seen: list[tuple[int, int, str]] = []
            await lm.start(lambda *step: seen.append(step))
            assert [what for _, _, what in seen] == ["loading the model"] * 2
            assert lm._server is not None
            first = lm._server.process
            asking = asyncio.create_task(lm.complete(request("Count from one to a thousand.", max_tokens=500)))
            await asyncio.sleep(1)
            os.kill(first.pid, signal.SIGKILL)
            with pytest.raises(LMUnavailable, match=r"its process ended \(killed"):
                await asking
            assert "4" in (await lm.complete(request("What is 2 + 2?"))).completions[0].text
            second = lm._server.process
            assert second.pid != first.pid
            await lm.aclose()
            assert not alive(second.pid)
            await lm.aclose()

        asyncio.run(story())

    @pytest.mark.parametrize("forked", [False, True], ids=["alone", "with a fork that outlives it"])
    def test_its_process_ends_with_ours_even_when_killed(self, forked: bool) -> None:
        fork = "import os, time\nif os.fork() == 0: time.sleep(20); os._exit(0)\n" if forked else ""
        program = (
            "import asyncio, time\nfrom binder.lm.local import Local\n"
            f"lm = Local(context={CONTEXT})\nasyncio.run(lm.start())\n{fork}"
            "print(lm._server.process.pid, flush=True)\ntime.sleep(60)"
        )
        env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with subprocess.Popen([sys.executable, "-P", "-c", program], env=env, stdout=subprocess.PIPE) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            assert alive(child)
            parent.kill()
        deadline = time.monotonic() + 5
        while alive(child) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not alive(child)

    def test_nobody_else_on_the_machine_may_ask_it(self) -> None:
        async def story() -> None:
            lm = Local(context=CONTEXT)
            await lm.start()
            assert lm._server is not None
            stranger = OpenAI(lm.name, base_url=lm._server.lm.endpoints[0].url, api_key="guess")
            with pytest.raises(LMUnavailable, match="refused the key"):
                await stranger.complete(request("?"))
            await stranger.aclose()
            await lm.aclose()

        assert weights.find() is not None
        asyncio.run(story())
