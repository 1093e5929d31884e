"""limits: a language model that may cost so much and no more.

A limit is checked before each request is sent, and what a request may cost at most is set aside while it is under way,
so that requests sent together cannot pass the limit. How many tokens a prompt has is estimated until the reply says.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from binder.errors import ConfigurationError, LimitReached
from binder.lm.base import LM, Request, Response, Usage, batch_of, identity_of
from binder.lm.budget import Budget, Excess, Price, cost, estimate, excess
from binder.lm.pace import Pace, Sent
from binder.lm.refusal import message
from binder.lm.watch import Watch

__all__ = ["Budget", "Limited", "Price", "permit", "unpaced"]


class Limited:
    """A language model that keeps to a budget. One may stand before another: both limits hold.

    Example:
        >>> from binder.lm import Scripted
        >>> model = Limited(Scripted(lambda request: "yes"), Budget(dollars=5), Price(read=0.40, written=1.60))
        >>> one_question = Limited(model, Budget(requests=20))

    Args:
        lm: The model that does the work, or a limited one.
        budget: What it may cost, from now on.
        price: What its tokens cost; else that of the limited model it stands before.

    Raises:
        ConfigurationError: There is a limit in dollars and no price, or what is given is something else.
    """

    def __init__(self, lm: LM, budget: Budget, price: Price | None = None) -> None:
        for given, kind in ((lm, LM), (budget, Budget), (price or Price(0, 0), Price)):
            if not isinstance(given, kind):
                raise ConfigurationError(f"{given!r:.80} is no {kind.__name__}; give Limited(lm, Budget(…), Price(…))")
        self.wrapped = lm
        self.budget = budget
        self.price: Price | None = price or (lm.price if isinstance(lm, Limited) else None)
        if budget.dollars is not None and self.price is None:
            raise ConfigurationError("a limit in dollars needs the model's price: Price(read=…, written=…)")
        self.name = lm.name
        self.context = lm.context
        self.concurrency = lm.concurrency
        self.batch = batch_of(lm)
        self._spent = Usage()
        self._under_way: list[_Sending] = []
        self._watch = Watch()
        self._pace = Pace(budget)
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def identity(self) -> str | None:
        """The model's own, since a limit changes no reply."""
        return identity_of(self.wrapped)

    @property
    def spent(self) -> Usage:
        """What was spent, as far as replies have come; ``seconds`` are those in which the model was at work."""
        return replace(self._spent, seconds=self._watch.seconds())

    async def complete(self, request: Request) -> Response:
        """Answer one request within the budget.

        Raises:
            LimitReached: It was not sent, or was stopped, since it would have passed a limit.
            LMUnavailable: As the model says.
        """
        sending = await self._admit(request)
        context = _sendings.set((*_sendings.get(), sending))
        if not isinstance(self.wrapped, Limited):
            _hand_over()
        spent = None
        try:
            async with self._within_time(request):
                response = await self.wrapped.complete(request)
            spent = cost(request, response)
            return response
        finally:
            _sendings.reset(context)
            self._settle(sending, spent or sending.lost())

    async def aclose(self) -> None:
        """Release what the model holds."""
        await self.wrapped.aclose()

    async def _admit(self, request: Request) -> _Sending:
        """Set aside what a request may cost; waits while only what others have set aside stands against it."""
        sending = _Sending(self, request, estimate(request))
        while True:
            if self._seconds_left() == 0:
                self._refuse(request, self._out_of_time())
            self._refuse(request, excess(self.budget, self.price, self._spent + sending.reserved))
            if excess(self.budget, self.price, self._reserved() + sending.reserved) is None:
                break
            await self._any_settled()
        self._under_way.append(sending)
        try:
            sending.paced.append(await self._pace.turn(sending.reserved))
        except BaseException:
            self._settle(sending, Usage())
            raise
        return sending

    def _reserved(self) -> Usage:
        """What was spent, and what is set aside for requests under way."""
        return sum((sending.reserved for sending in self._under_way), self._spent)

    def extend(self, sending: _Sending) -> None:
        """Set aside one more request, for a reply that takes more than were foreseen.

        Raises:
            LimitReached: There is none left. It waits for no other request, since that may wait for this one.
        """
        more = Usage(1, sending.reserved.prompt_tokens // sending.reserved.requests)
        self._refuse(sending.request, excess(self.budget, self.price, self._reserved() + more))
        sending.reserved += more

    async def pace(self, sending: _Sending) -> None:
        """Wait for the turn of one more request."""
        sending.paced.append(await self._pace.turn(Usage(1)))

    def _settle(self, sending: _Sending, spent: Usage) -> None:
        """Count what a request did cost in place of what it might have."""
        self._under_way.remove(sending)
        self._spent += replace(spent, seconds=0.0)
        for number, sent in enumerate(sending.paced):
            sent.tokens = spent.tokens if number == 0 else 0
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def _any_settled(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    @contextlib.asynccontextmanager
    async def _within_time(self, request: Request) -> AsyncIterator[None]:
        """At most the seconds that are left."""
        left = self._seconds_left()
        self._watch.start()
        try:
            async with asyncio.timeout(left) as scope:
                yield
        except TimeoutError:
            if not scope.expired():
                raise
            self._refuse(request, self._out_of_time())
        finally:
            self._watch.stop()

    def _seconds_left(self) -> float | None:
        return None if self.budget.seconds is None else max(0.0, self.budget.seconds - self._watch.seconds())

    def _out_of_time(self) -> Excess:
        return Excess("seconds", self.budget.seconds or 0, self._watch.seconds())

    def _refuse(self, request: Request, found: Excess | None) -> None:
        if found is not None:
            spent = self.spent
            raise LimitReached(message(self.name, self.price, request, found, spent), found.limit, spent)


def unpaced(lm: LM) -> LM:
    """The model behind those limits that let no request wait for its turn, such as those of one question alone.

    Example:
        >>> from binder.lm import Scripted
        >>> model = Scripted(lambda request: "yes")
        >>> unpaced(Limited(model, Budget(requests=20))) is model
        True
    """
    while isinstance(lm, Limited) and not lm.budget.paced:
        lm = lm.wrapped
    return lm


@dataclass(eq=False)
class _Sending:
    """A request under way.

    Attributes:
        limited: The model whose budget it is on.
        request: The request.
        reserved: What is set aside for it.
        handed_over: Whether the model that does the work has got it.
        sent: How many requests the model says it has sent for it.
        paced: Its places in the last minute.
    """

    limited: Limited
    request: Request
    reserved: Usage
    handed_over: bool = False
    sent: int = 0
    paced: list[Sent] = field(default_factory=list)

    def lost(self) -> Usage:
        """What it is counted as where no reply came: the server may have read it all the same."""
        sent = max(1, self.sent) if self.handed_over else 0
        return Usage(sent, sent * self.reserved.prompt_tokens // self.reserved.requests)


_sendings: ContextVar[tuple[_Sending, ...]] = ContextVar("_sendings", default=())


def _hand_over() -> None:
    """Note on every budget that the running request has passed them all."""
    for sending in _sendings.get():
        sending.handed_over = True


async def permit() -> None:
    """Ask leave to send one request to a server, on every budget that the running ``complete`` is on.

    A model that may need several requests for one reply calls it before each, so that none goes beyond a limit.

    Raises:
        LimitReached: There is no leave.
    """
    sendings = _sendings.get()
    beyond = [sending for sending in sendings if sending.sent >= sending.reserved.requests]
    for sending in beyond:
        sending.limited.extend(sending)
    for sending in sendings:
        sending.sent += 1
    for sending in beyond:
        await sending.limited.pace(sending)
