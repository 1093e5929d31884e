"""What the page's server is asked that the page would not ask, and how it is refused."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pandas
import pytest

from binder import Binder, Table
from binder.lm import Scripted
from binder.serve.guard import BODY_BYTES
from tests.support.serving import Served, served

PEAKS = Table.from_pandas(pandas.DataFrame({"name": ["K2", "Elbrus"], "height": [8611, 5642]}), name="peaks")
SQL = "SELECT name FROM w ORDER BY height DESC LIMIT 1"


@pytest.fixture(scope="module")
def page() -> Iterator[Served]:
    with Binder(lm=Scripted(lambda request: SQL), cache=False) as engine, served(engine, PEAKS) as one:
        yield one


def call(page: Served, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], str]:
    """The status, the headers and the text of a reply; headers in place of the page's own, or none for an empty one."""
    own = {
        "Host": f"127.0.0.1:{page.port}",
        "Cookie": f"binder-{page.port}={page.keys.cookie}",
        "Origin": page.site if body is not None else "",
        **headers,
    }
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    connection.putrequest("GET" if body is None else "POST", path, skip_host=True)
    for name, value in own.items():
        if value:
            connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, {name.lower(): value for name, value in reply.getheaders()}, text


def said(**words: Any) -> bytes:
    return json.dumps(words).encode()


def test_what_a_browser_is_started_with_opens_the_page_once(page: Served) -> None:
    once = page.keys.once
    assert call(page, f"/?token={once}", Cookie="")[0] == 303
    assert call(page, f"/?token={once}", Cookie="")[0] == 401


@pytest.mark.parametrize("cookie", ["", "binder=1", "binder-{port}=", "binder-{port}=é", "binder-{port}={token}"])
@pytest.mark.parametrize("path", ["/", "/asked", "/table/0", "/page.js", "/nowhere", "/?token=", "/?token=x"])
def test_nothing_is_shown_without_the_secret(page: Served, path: str, cookie: str) -> None:
    given = cookie.format(port=page.port, token=page.keys.token).encode().decode("latin-1")
    status, _, text = call(page, path, Cookie=given)
    assert status == 401
    assert "K2" not in text and page.keys.cookie not in text and "`binder serve` printed" in text


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "0.0.0.0:{port}"]
)
def test_a_page_that_rebinds_its_name_is_refused(page: Served, host: str) -> None:
    assert call(page, "/", Host=host.format(port=page.port))[0] in ({400, 403} if not host else {403})
    assert call(page, f"/?token={page.keys.token}", Host=host.format(port=page.port))[0] != 303


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/ask", b""),
        ("/ask", b"[]"),
        ("/ask", b"\xff"),
        ("/ask", b"[" * 100_000),
        ("/ask", said(question=3)),
        ("/ask", said(question="a", more=1)),
        ("/run", said(program=SQL)),
        ("/run", said(program=SQL, after="1")),
        ("/stop", said(number=None)),
        ("/change", said(after=1, step=1, row=0, reply=1)),
    ],
)
def test_what_the_page_never_sends_is_refused(page: Served, path: str, body: bytes) -> None:
    assert call(page, path, body)[0] == 400


@pytest.mark.parametrize(
    ("path", "words", "place", "told"),
    [
        ("/ask", {"question": " \n"}, "question", "the question is empty"),
        ("/run", {"program": "", "after": None}, "program", "the program is empty"),
        ("/run", {"program": SQL, "after": 77}, "program", "there is no answer 77"),
        ("/explain", {"program": "SELECT nothing FROM w"}, "program", "no column 'nothing'"),
        ("/change", {"after": 77, "step": 1, "row": 0, "reply": "x"}, "reply", "there is no answer 77"),
        ("/stop", {"number": 77}, "question", "there is no answer 77"),
    ],
)
def test_a_mistake_is_said_at_its_place(page: Served, path: str, words: dict[str, Any], place: str, told: str) -> None:
    status, _, text = call(page, path, said(**words))
    trouble = json.loads(text)["trouble"]
    assert status == 200 and trouble["place"] == place and told in trouble["message"]


def test_what_is_not_there_is_not_found(page: Served) -> None:
    for path in ("/table/1", "/table/x", "/../page.py", "/static/page.js"):
        assert call(page, path)[0] == 404
    assert "there is no answer 5" in call(page, "/asked/5")[2]
    assert call(page, "/ask")[0] == 405


@pytest.mark.parametrize("origin", ["", "null", "http://evil.example", "http://localhost:1"])
def test_another_page_cannot_have_anything_done(page: Served, origin: str) -> None:
    assert call(page, "/ask", said(question="which?"), Origin=origin)[0] == 403


def test_the_token_is_exchanged_for_a_cookie_that_neither_scripts_nor_other_sites_can_use(page: Served) -> None:
    status, headers, _ = call(page, f"/?token={page.keys.token}", Cookie="")
    assert status == 303 and headers["location"] == "/"
    assert "HttpOnly" in headers["set-cookie"] and "SameSite=strict" in headers["set-cookie"]


def test_the_page_may_load_nothing_from_elsewhere(page: Served) -> None:
    headers = call(page, "/", Origin="http://a.example")[1]
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy
    assert "access-control-allow-origin" not in headers


def test_a_request_that_is_too_long_is_refused(page: Served) -> None:
    assert call(page, "/ask", b"x" * (BODY_BYTES + 1))[0] == 413


def test_text_that_no_encoding_can_hold_spoils_nothing(page: Served) -> None:
    assert call(page, "/ask", b'{"question": "\\ud800?"}')[0] == 200
    assert call(page, "/asked")[0] == 200
