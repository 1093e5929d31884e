"""A plain function as the language model: for tests, demonstrations, and models reached in a way of one's own."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from typing import TYPE_CHECKING

from binder.amounts import require_whole
from binder.errors import ConfigurationError, LMReplyError
from binder.lm import tokens
from binder.lm.base import BATCH, Completion, Response, Usage

if TYPE_CHECKING:
    from binder.lm.base import Request

Reply = str | Sequence[str]
Script = Callable[["Request"], Reply | Awaitable[Reply]]


class Scripted:
    """A function that answers requests.

    The function gets the ``Request`` and returns one text (the same for every sample) or one text a sample, or an
    awaitable of either. What it raises reaches the caller unchanged. Tokens are estimated.

    A plain function is called in a thread, so that one that takes long holds up nothing else and a deadline ends the
    question on time; the function itself goes on then, and what it returns is dropped. It may be called from up to
    ``concurrency`` threads at once: guard what it changes with a lock, or give ``concurrency=1``. An ``async`` function
    is awaited in the engine's event loop and must not block.

    Example:
        >>> lm = Scripted(lambda request: "SELECT name FROM w")

    Args:
        fn: The function.
        name: What errors, traces and answers call it.
        context: How many tokens a prompt and its reply may hold together.
        concurrency: How many calls of the function may run at once.
        identity: A name for what it says: another function, or another model behind it, needs another. With one its
            replies are cached; without, they are not.
        batch: The most inputs of a map that one request carries.

    Raises:
        ConfigurationError: It is no function, or a number cannot be kept to.
    """

    def __init__(
        self,
        fn: Script,
        *,
        name: str = "scripted",
        context: int = 32_768,
        concurrency: int = 16,
        identity: str | None = None,
        batch: int = BATCH,
    ) -> None:
        if not callable(fn):
            raise ConfigurationError(f"{fn!r:.80} is no function; give one from a request to a text")
        for what, given in (("context", context), ("concurrency", concurrency), ("batch", batch)):
            require_whole(what, given)
        self.fn = fn
        self.identity = identity and f"scripted {identity}, context {context}"
        self.batch = batch
        self.name = name
        self.context = context
        self.concurrency = concurrency

    async def complete(self, request: Request) -> Response:
        """Answer one request with what the function returns.

        Raises:
            LMReplyError: The function returned something else than a text or ``request.n`` texts.
        """
        started = time.perf_counter()
        reply = self.fn(request) if inspect.iscoroutinefunction(self.fn) else await _in_thread(self.fn, request)
        if inspect.isawaitable(reply):
            reply = await reply
        texts = self._texts(reply, request.n)
        usage = Usage(
            requests=1,
            prompt_tokens=tokens.estimate(request.prompt),
            completion_tokens=sum(map(tokens.estimate, texts)),
            seconds=time.perf_counter() - started,
        )
        return Response(tuple(map(Completion, texts)), usage)

    async def aclose(self) -> None:
        """Nothing to release."""

    def _texts(self, reply: object, n: int) -> tuple[str, ...]:
        if isinstance(reply, str):
            return (reply,) * n
        texts = tuple(reply) if isinstance(reply, Sequence) else ()
        if len(texts) != n or not all(isinstance(text, str) for text in texts):
            raise LMReplyError(
                f"{self.name}: the function must return a text or a sequence of {n} texts (one a sample), "
                f"not {reply!r:.200}"
            )
        return texts


def _in_thread(fn: Script, request: Request) -> Awaitable[Reply | Awaitable[Reply]]:
    """A call in a thread of its own: abandoned calls would fill a pool, and its end would wait for them."""
    called: Future[Reply | Awaitable[Reply]] = Future()
    called.set_running_or_notify_cancel()

    def call() -> None:
        try:
            called.set_result(fn(request))
        except (StopIteration, SystemExit, KeyboardInterrupt) as error:  # a future cannot hold, or a loop outlive, one
            called.set_exception(RuntimeError(f"the function raised {error!r}"))
        except BaseException as error:
            called.set_exception(error)

    threading.Thread(target=copy_context().run, args=(call,), name="binder-scripted", daemon=True).start()
    return asyncio.wrap_future(called)
