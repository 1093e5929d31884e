"""app: the addresses that the page's script calls.

What is asked is answered with its number at once; the script then looks how it stands until it has ended.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from binder.errors import BinderError
from binder.headers import readable
from binder.serve import views
from binder.serve.conversation import Conversation, Place
from binder.serve.guard import BODY_BYTES, Guard, Keys

STATIC = Path(__file__).with_name("static")


def application(conversation: Conversation, keys: Keys, port: int, unavailable: str = "") -> Guard:
    """The server's application.

    Args:
        conversation: What is asked, and of which tables.
        keys: The server's secrets.
        port: The port that it is served on.
        unavailable: Why the language model could not answer when the server began, or an empty string.
    """
    addresses = _Addresses(conversation, unavailable)
    routes = [
        Route("/", addresses.page),
        *(Route(f"/{file.name}", _file(file)) for file in sorted(STATIC.iterdir())),
        Route("/table/{number:int}", addresses.table),
        Route("/asked", addresses.asked),
        Route("/asked/{number:int}", addresses.state),
        _post("/ask", conversation.ask, Place.QUESTION, question=str),
        _post("/run", conversation.run, Place.PROGRAM, program=str, after=int | None),
        _post("/change", conversation.change, Place.REPLY, after=int, step=int, row=int, reply=str | None),
        _post("/explain", conversation.explain, Place.PROGRAM, program=str),
        _post("/stop", conversation.stop, Place.QUESTION, number=int),
    ]
    return Guard(Starlette(routes=routes, max_body_size=BODY_BYTES), keys, port, (views.style_hash(),))


class _Addresses:
    """What can be looked at."""

    def __init__(self, conversation: Conversation, unavailable: str) -> None:
        self.conversation = conversation
        self.unavailable = unavailable

    async def page(self, request: Request) -> Response:
        answered = any(one.answer is not None and one.place is Place.QUESTION for one in self.conversation)
        return HTMLResponse(views.page(self.conversation, "" if answered else self.unavailable))

    async def table(self, request: Request) -> Response:
        number = int(request.path_params["number"])
        if number >= len(self.conversation.tables):
            return PlainTextResponse("there is no such table", status_code=404)
        return HTMLResponse(await asyncio.to_thread(views.table, self.conversation.tables[number]))

    async def asked(self, request: Request) -> Response:
        return JSONResponse([views.heading(one) for one in self.conversation])

    async def state(self, request: Request) -> Response:
        try:
            asked = self.conversation[int(request.path_params["number"])]
        except BinderError as error:
            return JSONResponse(views.refusal(error, Place.QUESTION))
        return JSONResponse(await asyncio.to_thread(views.state, asked, self.conversation.engine.progress))


def _post(path: str, work: Callable[..., Any], place: Place, **wanted: Any) -> Route:
    """An address that does what is asked of it, or says what is wrong at the place that it came from.

    Args:
        path: The address.
        work: What it does.
        place: Where in the page the request comes from.
        **wanted: The kinds of the words that it takes.
    """

    async def answer(request: Request) -> Response:
        words = await _words(request)
        if words.keys() != wanted.keys() or not all(isinstance(words[name], kind) for name, kind in wanted.items()):
            return PlainTextResponse("the request is none of this page's; load the page again", status_code=400)
        try:
            done = work(**words)
            return JSONResponse(views.begun(await done if inspect.isawaitable(done) else done))
        except BinderError as error:
            return JSONResponse(views.refusal(error, place))

    return Route(path, answer, methods=["POST"])


async def _words(request: Request) -> dict[str, Any]:
    """What a request says, in text that can be sent back; nothing where it is no JSON object."""
    try:
        said = json.loads(readable(json.dumps(json.loads(await request.body()), ensure_ascii=False)))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _file(path: Path) -> Callable[[Request], Any]:
    async def send(request: Request) -> Response:
        return FileResponse(path)

    return send
