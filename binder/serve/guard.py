"""guard: who may call the server. It is the user's own browser, opened with a secret, and nobody else.

Other programs of the machine have no secret; other pages in the same browser fail by the cookie that is for this
site alone, by the origin that a browser tells, and by the host's name, should one of theirs lead here. What the page
may do itself is narrowed by its content security policy: nothing is loaded from anywhere else.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES = 256 * 1024
"""The longest request that is read."""


class Keys:
    """The secrets of one server.

    Attributes:
        token: What opens the page, in the address that is printed.
        once: The same for the browser that is started, whose command line others may see; it opens the page once.
        cookie: What the browser is given in exchange.
    """

    def __init__(self) -> None:
        self.token, self.once, self.cookie = (secrets.token_urlsafe(32) for _ in range(3))

    def opens(self, token: str) -> bool:
        """Whether a token opens the page."""
        if _same(token, self.once):
            self.once = secrets.token_urlsafe(32)
            return True
        return _same(token, self.token)

    def admits(self, cookie: str) -> bool:
        """Whether a cookie is the one that was given."""
        return _same(cookie, self.cookie)


class Guard:
    """Lets through what may be answered, and says of every reply what a browser may do with it.

    Args:
        app: What is guarded.
        keys: The server's secrets.
        port: The server's port.
        styles: The hashes of the style elements that the page may hold.
    """

    def __init__(self, app: ASGIApp, keys: Keys, port: int, styles: tuple[str, ...] = ()) -> None:
        self.app = app
        self.keys = keys
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.cookie = f"binder-{port}"  # cookies of one host are shared by its ports
        hashes = " ".join(f"'{style}'" for style in styles)
        self.headers = {
            "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'; "
            f"style-src 'self' {hashes}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "Cache-Control": "no-store",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        answer = self._stop(Request(scope)) or self.app
        await answer(scope, receive, send_with_headers)

    def _stop(self, request: Request) -> Response | None:
        """The reply to what is not let through."""
        host = request.headers.get("host", "")
        if host not in self.hosts:
            return _refusal(403, "this server answers to 127.0.0.1 and localhost only")
        token = request.query_params.get("token")
        if request.method == "GET" and request.url.path == "/" and token is not None and self.keys.opens(token):
            return self._welcome()
        if not self.keys.admits(request.cookies.get(self.cookie, "")):
            return _refusal(401, "open the page by the address that `binder serve` printed last; it holds a secret")
        if request.method not in ("GET", "HEAD") and request.headers.get("origin") != f"http://{host}":
            return _refusal(403, "the request comes from another page")
        return None

    def _welcome(self) -> Response:
        """The cookie in exchange for the token, which leaves the address."""
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(self.cookie, self.keys.cookie, httponly=True, samesite="strict", path="/")
        return response


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())


def _refusal(status: int, told: str) -> Response:
    return PlainTextResponse(f"binder serve: {told}\n", status_code=status)
