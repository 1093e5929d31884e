"""Where an OpenAI-compatible server is, and the key it wants."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from binder.errors import ConfigurationError

HOSTED = "https://api.openai.com/v1"
NO_KEY = "no-key-needed"
"""Sent where nobody set a key: most servers of one's own want none, and the protocol has no way to send nothing."""

REAL_KEY = 8
"""How many characters a key has at least that is worth hiding in what a server says of a request."""
LONG_KEY = 20
"""And without a digit how many, to be told from a word such as ``lm-studio`` wherever it stands."""
TELLING = 12
"""How many of a key's first characters tell it, where the rest was cut."""

_LOGIN = re.compile(r"(?:(?<=//)|^).*@")  # a name and password before an address's host, whatever they hold
_OF_A_KEY = r"[\w.+/:=~%*\\-]"
_ESCAPE = r"(?:\\{1,4})"  # JSON inside JSON doubles its backslashes
_BEFORE = r"(?:(?<!\w)|(?<=\\[bfnrt])|(?<=\\u[\da-fA-F]{4})|(?<=%[\da-fA-F]{2}))"
"""Where a whole word may begin: also behind what JSON or an address spells another character with."""
_SPOKEN_OF = r"((?:\b|_)(?:bearer|authorization|key|token)\b(?:\W{1,4}(?:provided|bearer|is))?[^\w(]{1,4})"


@dataclass(frozen=True)
class Endpoint:
    """A server's address and key.

    Attributes:
        url: The address, as requests use it, without a name and password.
        key: The key; never shown.
        login: The name and password that the address held, which take the key's place; never shown.
    """

    url: str
    key: str = field(repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, base_url: str | None = None, api_key: str | None = None) -> Endpoint:
        """The endpoint given, else the one that ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY`` say.

        Example:
            >>> Endpoint.of("http://localhost:11434/v1", "secret").address
            'http://localhost:11434/v1'

        Raises:
            ConfigurationError: The address is none, the key can't be sent, or OpenAI's own server is asked without one.
        """
        if not isinstance(base_url, str | None):
            raise ConfigurationError(f"base_url is {base_url!r:.80}; give a text, such as http://localhost:11434/v1")
        if not isinstance(api_key, str | None):
            raise ConfigurationError("api_key is no text; give the key as one")
        url = (base_url or os.environ.get("OPENAI_BASE_URL") or HOSTED).strip().rstrip("/")
        key = (api_key or os.environ.get("OPENAI_API_KEY") or "").strip()
        if not _is_web_address(url):
            raise ConfigurationError(
                f"{_LOGIN.sub('', url)!r} is no server's address. Give one such as http://localhost:11434/v1 in "
                "OPENAI_BASE_URL or base_url=. In a password there, / is written as %2F, # as %23 and ? as %3F"
            )
        if urlsplit(url).query or urlsplit(url).fragment:
            raise ConfigurationError(
                f"the address {_LOGIN.sub('', url)!r} holds more than a path; give it without what begins with ? or #"
            )
        if not key and url == HOSTED:
            raise ConfigurationError(
                "there is no key for OpenAI's server. Set OPENAI_API_KEY, or name a server of your own in "
                "OPENAI_BASE_URL"
            )
        if not (key.isascii() and key.isprintable()):
            raise ConfigurationError(
                "the API key holds a character that no key has (a line break, or a typographic sign). Copy it again "
                "into OPENAI_API_KEY"
            )
        parts = urlsplit(url)
        login = (unquote(parts.username or ""), unquote(parts.password or "")) if "@" in parts.netloc else None
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return cls(bare, key or NO_KEY, login)

    @classmethod
    def all_of(
        cls, base_url: str | Sequence[str] | None = None, api_key: str | Sequence[str] | None = None
    ) -> tuple[Endpoint, ...]:
        """Several endpoints: each key at one server, one key at each server, or as many keys as servers in their order.

        Example:
            >>> [one.key for one in Endpoint.all_of("http://localhost:1/v1", ["first", "second"])]
            ['first', 'second']

        Raises:
            ConfigurationError: As ``of`` says, there are other numbers of servers and keys, or one of several is empty.
        """
        urls, keys = _several(base_url), _several(api_key)
        if not urls or not keys or (len(urls) != len(keys) and 1 not in (len(urls), len(keys))):
            raise ConfigurationError(
                f"there are {len(urls)} addresses and {len(keys)} keys; give one of either, or as many of each"
            )
        for name, several in (("addresses", urls), ("keys", keys)):
            if len(several) > 1 and not all(isinstance(one, str) and one.strip() for one in several):
                raise ConfigurationError(f"one of the {name} is empty; give each, or leave it out")
        most = max(len(urls), len(keys))
        pairs = zip(urls * (most // len(urls)), keys * (most // len(keys)), strict=True)
        return tuple(cls.of(url, key) for url, key in pairs)

    def redact(self, text: str) -> str:
        """A text without the key, for errors and logs; nor is there the beginning of one that was cut.

        A key too short to be a real one is also a part of words, so it is taken out only where a key is spoken of.

        Example:
            >>> Endpoint("http://localhost/v1", "sk-12345678").redact("bad key sk-12345678!")
            'bad key [key]!'
            >>> Endpoint("http://localhost/v1", "a").redact("a bad API key: 'a'")
            "a bad API key: '[key]'"
        """
        for secret, instead in self._secrets():
            if len(secret) >= REAL_KEY:
                text = _without_start(secret, instead, re.sub(_spelled(secret), instead, text))
        if len(self.key) >= REAL_KEY:
            return text
        return re.sub(rf"{_SPOKEN_OF}{re.escape(self.key)}(?![\w-])", r"\1[key]", text, flags=re.IGNORECASE)

    def blot(self, text: str) -> str:
        """A reply without the key and the password, as far as they are long enough to be told from words.

        They are taken out whole: what merely begins as they do, or holds them, may be a part of an answer.

        Example:
            >>> endpoint = Endpoint("http://localhost/v1", "12345678")
            >>> endpoint.blot("I was sent 12345678"), endpoint.blot("n = 123456789")
            ('I was sent [key]', 'n = 123456789')
        """
        for secret, instead in self._secrets():
            if _is_no_word(secret):
                text = re.sub(rf"{_BEFORE}{_spelled(secret)}(?!\w)", instead, text)
        return text

    def _secrets(self) -> tuple[tuple[str, str], ...]:
        """What is not to be shown, each with what is shown instead."""
        if self.login is None:
            return ((self.key, "[key]"),)
        sent = base64.b64encode(":".join(self.login).encode()).decode()
        return (self.key, "[key]"), (sent, "[password]"), (self.login[1], "[password]")

    @property
    def address(self) -> str:
        """The address for people."""
        return self.url

    def http(self) -> dict[str, Any]:
        """How an HTTP client speaks to it, as its keyword arguments."""
        # A proxy set for the internet cannot reach this machine's own servers.
        # And what is asked goes to the server that was named, wherever that points.
        return {"trust_env": not self.is_loopback, "follow_redirects": False, "auth": self.login}

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        return urlsplit(self.url).hostname in ("localhost", "127.0.0.1", "::1")


def _without_start(secret: str, instead: str, text: str) -> str:
    """A text without the beginning of a secret, where the rest was cut and it can be told from words.

    Example:
        >>> _without_start("sk-12345678-90", "[key]", "bad key sk-12345678-...")
        'bad key [key]...'
        >>> _without_start("administrator-2024", "[key]", "ask the administrator")
        'ask the administrator'
    """
    start = secret[:TELLING]
    if len(secret) == len(start) or not _is_like_a_key(start):
        return text
    return re.sub(rf"{_spelled(start)}(?:{_OF_A_KEY}*[\w=*-])?", instead, text)


def _is_like_a_key(start: str) -> bool:
    """Whether a text holds a digit, or small and capital letters, as the beginnings of few words do."""
    return any(map(str.isdigit, start)) or (any(map(str.islower, start)) and any(map(str.isupper, start)))


def _spelled(secret: str) -> str:
    r"""A regular expression for all spellings of a secret: as it is, for JSON (also twice), and for an address.

    Example:
        >>> pattern = _spelled("ab/+12")
        >>> [bool(re.fullmatch(pattern, said)) for said in ("ab/+12", r"ab\/\u002b12", "ab%2f%2B12", "ab-+12")]
        [True, True, True, False]
    """
    return "".join(one if one.isascii() and one.isalnum() else _spellings(one) for one in secret)


def _spellings(character: str) -> str:
    """The spellings of a character that is no plain letter or digit."""
    escaped = json.dumps(character)[1:-1].removeprefix("\\")  # such as n for a line's end
    units = character.encode("utf-16-be", "surrogatepass").hex()
    unicode = "".join(rf"{_ESCAPE}u{units[at : at + 4]}" for at in range(0, len(units), 4))
    percent = "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
    return rf"(?:{_ESCAPE}?{re.escape(character)}|{_ESCAPE}{re.escape(escaped)}|(?i:{unicode}|{percent}))"


def _is_no_word(secret: str) -> bool:
    """Whether a secret can be told from what anybody might write."""
    return len(secret) >= LONG_KEY or (len(secret) >= REAL_KEY and any(map(str.isdigit, secret)))


def _several(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else [given]


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def unusable(endpoint: Endpoint, error: Exception) -> str:
    """What to say where an HTTP client cannot even be made."""
    return (
        f"no connection to {endpoint.address} can be set up ({endpoint.redact(str(error))}). Check that address, and "
        "the proxies that HTTP_PROXY, HTTPS_PROXY and ALL_PROXY name"
    )
