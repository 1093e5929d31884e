"""Any OpenAI-compatible server as the language model: a hosted one, Ollama, vLLM, llama.cpp and the like.

A server may refuse parts of a request (``wire.FIELDS``), give one sample where several were asked for, stall, fail
for a moment or answer nonsense. What it refuses is left out and remembered, and so is how many samples it
gives for a request; where there are several keys or servers the next one takes over from one that fails; moments are
waited out within the timeout, and so is a response that is no completion; everything else becomes one clear
``LMError``.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import logging
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from binder.amounts import require_number, require_switch, require_text, require_whole
from binder.errors import ConfigurationError, LMOverflow, LMReplyError, LMUnavailable
from binder.lm import draws, limits, wire
from binder.lm.base import BATCH, Response, Usage
from binder.lm.endpoint import Endpoint, unusable
from binder.lm.turns import Turns

if TYPE_CHECKING:
    import openai

    from binder.lm.base import Request

Exchange = tuple[wire.Reply, Usage]

CONNECT_SECONDS = 5.0
CLOSE_SECONDS = 1.0
"""How long closing waits for requests under way; then they end by themselves, and the connections after them."""
TOLD_OF_SEVERAL = 200
"""The most characters that an error says of each of several keys or servers."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Session:
    """What belongs to one event loop: the connections, and the places in the queue for them."""

    clients: tuple[openai.AsyncOpenAI, ...]
    slots: asyncio.Semaphore
    places: int


_Sessions = dict[asyncio.AbstractEventLoop, _Session]
_closing: set[asyncio.Task[None]] = set()


class OpenAI:
    """A model on an OpenAI-compatible server.

    Example:
        >>> lm = OpenAI("qwen2.5-coder:7b", base_url="http://localhost:11434/v1")

    Args:
        model: The model's name on the server.
        base_url: The server's address, usually ending in ``/v1``; else ``OPENAI_BASE_URL``, else OpenAI's own. Several
            servers of the same model take over from each other, and replies are cached as those of the first.
        api_key: The server's key; else ``OPENAI_API_KEY``. Only OpenAI's own server always needs one. Several keys take
            over from each other; with several servers, there is one key for all or one for each.
        context: How many tokens a prompt and its reply may hold together.
        concurrency: How many requests are sent at once.
        timeout: Seconds for one request to the server, with all its retries.
        stall: Seconds after which one try is given up and sent again; half of the timeout, unless given. It must be
            longer than the server's slowest reply.
        max_retries: How often a request is sent again after a moment's failure.
        api: Chat completions, or text completions for a base model.
        logprobs: Whether to ask for log-probabilities.
        samples: The most samples that one request asks the server for; all of them, unless given. A server that gives
            fewer is asked for fewer, and after a while for more again.
        batch: The most inputs of a map that one request carries; with 1, no cell is seen beside another.

    Raises:
        ConfigurationError: The address is none, there is no key for OpenAI's own server, or an option cannot work.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | Sequence[str] | None = None,
        api_key: str | Sequence[str] | None = None,
        context: int = 32_768,
        concurrency: int = 8,
        timeout: float = 120.0,
        stall: float | None = None,
        max_retries: int = 4,
        api: wire.Api = "chat",
        logprobs: bool = True,
        samples: int | None = None,
        batch: int = BATCH,
    ) -> None:
        require_text("model", model, "qwen2.5-coder:7b")
        require_whole("context", context)
        require_whole("concurrency", concurrency)
        require_whole("batch", batch)
        require_whole("max_retries", max_retries, 0)
        require_number("timeout", timeout, above_zero=True)
        if stall is not None:
            require_number("stall", stall, above_zero=True)
        require_switch("logprobs", logprobs)
        if samples is not None:
            require_whole("samples", samples)
        if api not in wire.PATHS:
            raise ConfigurationError(f"api is {api!r:.80}; give {' or '.join(map(repr, wire.PATHS))}")
        self.model = model
        self.endpoints = Endpoint.all_of(base_url, api_key)
        address = self.endpoints[0].address
        self.name = f"{model} at {address}"
        self.context = context
        self.concurrency = concurrency
        self.timeout = timeout
        self.stall = timeout / 2 if stall is None else stall
        self.max_retries = max_retries
        self.api = api
        self.logprobs = logprobs
        self.batch = batch
        self.identity = f"openai {api} {model} at {address}, context {context}, logprobs {logprobs}"
        self._refused: frozenset[str] = frozenset()
        self._samples = samples
        self._draws = draws.Draws()
        self.trouble = ""
        self._at = 0  # the endpoint that requests go to first: the last one that others passed on to
        self._sessions: _Sessions = {}
        weakref.finalize(self, _give_up, self._sessions).atexit = False

    @property
    def samples(self) -> int | None:
        """The most samples that one request asks for, by what the server gave and what it was allowed; None for all."""
        return min(filter(None, (self._samples, self._draws.most)), default=None)

    async def complete(self, request: Request) -> Response:
        """Answer one request, with as many samples as the server gives for it.

        Raises:
            LMUnavailable: The server could not be reached, refused, ran past the timeout, or sent no completion.
            LMOverflow: The request is longer than the model's context.
            LMReplyError: The completion holds no text.
        """
        started = time.perf_counter()
        n = min(request.n, self.samples or request.n)
        reply, usage = await self._exchange(request, n)
        self._draws = draws.after(self._draws, n, len(reply.completions))
        if reply.early:
            _log.info("%s ended before the end of what it wrote: %s", self.name, self._redact(", ".join(reply.early)))
        return Response(reply.completions[:n], replace(usage, seconds=time.perf_counter() - started))

    async def aclose(self) -> None:
        """Close the connections that each event loop has, once no request is under way; a later one opens new ones."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        _give_up(self._sessions)
        if session is not None:
            await asyncio.wait({_close(asyncio.get_running_loop(), session)}, timeout=CLOSE_SECONDS)

    async def _exchange(self, request: Request, n: int) -> Exchange:
        """One reply, within the timeout once its turn has come; errors get this model's name."""
        session = self._connect()
        async with session.slots:
            await limits.permit()
            turns = Turns.of(len(self.endpoints), self._at, self.max_retries)
            try:
                async with asyncio.timeout(self.timeout) as scope:
                    reply, requests = await self._send(session, request, n, turns, scope)
            except TimeoutError:
                told = f"{self._where(turns.at)} did not answer within {self.timeout:g} s"
                before = f". Before, {self._told(turns)}" if turns.failed else ""
                raise LMUnavailable(f"{told}. Give it longer with timeout=, or ask less{before}") from None
        return reply, Usage(requests, reply.prompt_tokens, reply.completion_tokens)

    async def _send(
        self, session: _Session, request: Request, n: int, turns: Turns, scope: asyncio.Timeout
    ) -> tuple[wire.Reply, int]:
        """Ask until there is a reply: without what the server refuses, and again after a moment's failure."""
        import openai

        from binder.lm import failures

        without, status = self._refused, None
        loop = asyncio.get_running_loop()
        for requests in itertools.count(1):
            options = wire.options(request, self.api, n=n, logprobs=self.logprobs, without=without)
            if requests > 1:
                await _permitted(scope)
            try:
                body = await self._post(session.clients[turns.at], request, options)
                reply = self._without_secrets(wire.read(body, request))
            except LMReplyError as error:
                raise LMReplyError(self._redact(f"{self._where(turns.at)}: {error}")) from None
            except (openai.APIError, LMUnavailable) as error:
                failed_at, failure = turns.at, failures.judge(error, self.model, turns.tries[turns.at] + 1)
                if failure.overflow:
                    raise LMOverflow(self._redact(f"{self._where(failed_at)}: {failure.told}")) from None
                if (field := failures.refused(error, options)) is not None:
                    without |= {field}
                    _log.info("%s refuses %s; it is left out from now on", self._where(failed_at), field)
                    continue
                status = failure.status or status
                wait = turns.pass_on(failure.told, failure.wait, loop.time())
                if wait is None or not failure.elsewhere or loop.time() + wait > (scope.when() or 0.0):
                    raise LMUnavailable(self._told(turns), status) from None
                self._at = turns.at
                self._note_retry(failed_at, turns, wait, failure.told)
                await asyncio.sleep(wait)
            else:
                self.trouble = ""
                self._refused |= without
                return reply, requests
        raise AssertionError("unreachable")

    def _note_retry(self, failed_at: int, turns: Turns, wait: float, explained: str) -> None:
        said, where = self._redact(explained), self._where(failed_at)
        self.trouble = f"{where}: {said}"
        if turns.at != failed_at:
            told = "%s: %s. Key or server %d takes over from %d in %.1f s"
            _log.warning(told, where, said, turns.at + 1, failed_at + 1, wait)
        else:
            told = "%s: %s. Asked again in %.1f s (%d of %d)"
            _log.warning(told, where, said, wait, turns.tries[turns.at], self.max_retries)

    def _where(self, at: int) -> str:
        """What an endpoint is called in messages."""
        if len(self.endpoints) == 1:
            return self.name
        address = self.endpoints[at].address
        shared = sum(one.address == address for one in self.endpoints) > 1
        return f"{self.model} at {address}{f' with key {at + 1}' if shared else ''}"

    def _told(self, turns: Turns) -> str:
        """What each key or server did that failed."""
        width = None if len(turns.failed) == 1 else TOLD_OF_SEVERAL
        told = (f"{self._where(at)}: {_cut(self._redact(said), width)}" for at, said in turns.failed.items())
        return "; ".join(told)

    def _without_secrets(self, reply: wire.Reply) -> wire.Reply:
        """A reply whose texts hold no key; they go into answers and into the cache."""
        texts = (functools.reduce(lambda told, one: one.blot(told), self.endpoints, c.text) for c in reply.completions)
        completions = (replace(one, text=text) for one, text in zip(reply.completions, texts, strict=True))
        return replace(reply, completions=tuple(completions))

    def _redact(self, text: str) -> str:
        return functools.reduce(lambda told, one: one.redact(told), self.endpoints, text)

    async def _post(self, client: openai.AsyncOpenAI, request: Request, options: dict[str, Any]) -> str:
        """The body of the server's response, as it is."""
        # The client's own method for each path walks through every message to check its type, which takes longer than
        # sending it does.
        body = {"model": self.model, **wire.prompt(request, self.api), **options}
        return await client.post(
            wire.PATHS[self.api], cast_to=str, body=body, options={"security": {"bearer_auth": True}}
        )

    def _connect(self) -> _Session:
        """The running loop's session; connections cannot move from one loop to another."""
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None:
            for ended in [other for other in list(self._sessions) if other.is_closed()]:
                self._sessions.pop(ended, None)
            clients = tuple(map(self._client, self.endpoints))
            session = self._sessions[loop] = _Session(clients, asyncio.Semaphore(self.concurrency), self.concurrency)
        return session

    def _client(self, endpoint: Endpoint) -> openai.AsyncOpenAI:
        import openai

        try:
            http = openai.DefaultAsyncHttpxClient(**endpoint.http())
            timeout = openai.Timeout(self.stall, connect=CONNECT_SECONDS)
            return openai.AsyncOpenAI(
                api_key=endpoint.key, base_url=endpoint.url, timeout=timeout, max_retries=0, http_client=http
            )
        except Exception as error:  # an HTTP client has many ways to say what is wrong with an address or a proxy
            raise ConfigurationError(unusable(endpoint, error)) from None


async def _permitted(scope: asyncio.Timeout) -> None:
    """Wait for a request's turn; what a budget a minute takes of that is not the server's time."""
    loop, due = asyncio.get_running_loop(), scope.when()
    if due is None:
        return await limits.permit()
    left = due - loop.time()
    scope.reschedule(None)
    await limits.permit()
    scope.reschedule(loop.time() + left)


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else text[:width] + "…"


def _give_up(sessions: _Sessions) -> None:
    """Close sessions from whatever thread this is called in, each on its own loop while that runs."""
    with contextlib.suppress(KeyError):  # there are no more
        while True:
            loop, session = sessions.popitem()
            with contextlib.suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(_close, loop, session)


async def _close_when_idle(session: _Session) -> None:
    for _ in range(session.places):
        await session.slots.acquire()
    for client in session.clients:
        await client.close()


def _close(loop: asyncio.AbstractEventLoop, session: _Session) -> asyncio.Task[None]:
    task = loop.create_task(_close_when_idle(session))
    _closing.add(task)  # a loop alone does not keep its tasks
    task.add_done_callback(_closing.discard)
    return task
