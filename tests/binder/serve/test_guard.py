"""Who may call the server: the browser that was let in by the token, from the page itself, and nobody else."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pandas
import pytest

from binder import Binder, Table
from binder.lm import Scripted
from binder.serve.guard import BODY_BYTES, Keys
from tests.support.serving import Served, served


@pytest.fixture(scope="module")
def site() -> Iterator[Served]:
    table = Table.from_pandas(pandas.DataFrame({"name": ["K2"]}), name="peaks")
    with Binder(lm=Scripted(lambda request: "SELECT name FROM w"), cache=False) as engine, served(engine, table) as one:
        yield one


def call(
    site: Served, path: str, method: str = "GET", body: str | None = None, **headers: str
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {"Host": f"127.0.0.1:{site.port}"} | given)
    return connection.getresponse()


def cookie(site: Served) -> str:
    let_in = call(site, f"/?token={site.keys.token}")
    assert let_in.status == 303 and let_in.headers["Location"] == "/"
    given = let_in.headers["Set-Cookie"]
    assert "HttpOnly" in given and "SameSite=strict" in given
    return given.split(";")[0]


@pytest.mark.parametrize("path", ["/", "/?token=guess", "/asked", "/table/0", "/page.js"])
def test_nothing_is_told_without_the_secret(site: Served, path: str) -> None:
    assert call(site, path).status == 401


def test_another_host_name_is_refused(site: Served) -> None:
    held = cookie(site)
    assert call(site, "/", Cookie=held).status == 200
    assert call(site, "/", Cookie=held, Host="evil.example").status == 403


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://localhost:1"])
def test_another_page_cannot_have_anything_done(site: Served, origin: str | None) -> None:
    headers = {"Cookie": cookie(site)} | ({"Origin": origin} if origin else {})
    assert call(site, "/ask", "POST", '{"question": "which?"}', **headers).status == 403


def test_the_page_may_load_nothing_from_elsewhere(site: Served) -> None:
    policy = call(site, "/", Cookie=cookie(site)).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy
    assert (
        call(site, "/", Cookie=cookie(site), Origin="http://a.example").headers["Access-Control-Allow-Origin"] is None
    )


def test_a_request_that_is_too_long_is_refused(site: Served) -> None:
    headers = {"Cookie": cookie(site), "Origin": site.site}
    assert call(site, "/ask", "POST", "x" * (BODY_BYTES + 1), **headers).status == 413


@pytest.mark.parametrize("body", ["", "[]", '{"question": 3}', '{"other": "x"}', "{" * 1000, "[" * 100_000])
def test_a_request_that_says_nothing_is_refused(site: Served, body: str) -> None:
    headers = {"Cookie": cookie(site), "Origin": site.site}
    assert call(site, "/ask", "POST", body, **headers).status == 400


def test_the_browser_that_is_started_opens_the_page_once() -> None:
    keys = Keys()
    once = keys.once
    assert keys.opens(once) and not keys.opens(once)
    assert keys.opens(keys.token) and keys.opens(keys.token)


def test_text_that_no_encoding_can_hold_spoils_nothing(site: Served) -> None:
    headers = {"Cookie": cookie(site), "Origin": site.site}
    assert call(site, "/ask", "POST", '{"question": "\\ud800?"}', **headers).status == 200
    assert call(site, "/asked", **headers).status == 200
