"""Which language model answers when none is named."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import binder.lm
from binder.errors import ConfigurationError
from binder.lm import Local, OpenAI, default, describe
from tests.support.fault_server import Reply, completion, error, serve

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.fault_server import Body

needs_software = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not in this environment"
)


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "BINDER_MODEL", "BINDER_LOCAL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BINDER_CACHE", str(tmp_path))


def works(body: Body) -> Reply:
    return completion("yes")


def test_nothing_set_means_the_embedded_model() -> None:
    lm = default()
    assert isinstance(lm, Local)
    assert lm.name == "qwen2.5-coder-1.5b (embedded)"


@needs_software
def test_weights_that_are_not_there_are_said() -> None:
    choice = describe()
    assert (choice.model, choice.where, choice.embedded, choice.ready) == ("qwen2.5-coder-1.5b", "", True, False)
    assert "binder models pull" in choice.missing


def test_software_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'binder-tableqa[local]'" in describe().missing


@needs_software
def test_a_file_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.gguf").write_bytes(b"GGUF")
    monkeypatch.setenv("BINDER_LOCAL_MODEL", str(tmp_path / "mine.gguf"))
    choice = describe()
    assert (choice.model, choice.why, choice.ready) == ("mine", "BINDER_LOCAL_MODEL is set", True)
    assert default().name == "mine (embedded)"


def test_a_file_of_ones_own_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINDER_LOCAL_MODEL", "/nowhere/mine.gguf")
    assert "/nowhere/mine.gguf, which is no file" in describe().missing
    with pytest.raises(ConfigurationError, match="which is no file"):
        default()


def test_a_key_alone_means_the_hosted_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    choice = describe()
    assert (choice.model, choice.where, choice.why) == (
        "gpt-4.1-mini",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY is set",
    )
    assert "sk-secret" not in repr(choice)


def test_a_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    monkeypatch.setenv("BINDER_MODEL", "mine")
    lm = default()
    assert isinstance(lm, OpenAI)
    assert lm.name == "mine at http://localhost:1/v1"


def test_a_model_without_a_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINDER_MODEL", "mine")
    with pytest.raises(ConfigurationError, match=r"BINDER_MODEL names 'mine', but no server.*OPENAI_BASE_URL"):
        default()


def test_the_only_model_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(works, models=["alone"]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert describe().model == "alone"


@pytest.mark.parametrize(("models", "listed"), [([], "0 models .none."), (["a", "b"], "2 models .a, b.")])
def test_a_server_of_several_models_or_none(models: list[str], listed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(works, models=models) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with pytest.raises(ConfigurationError, match=rf"{server.url} has {listed}.*BINDER_MODEL"):
            default()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1 did not say which models it has.*BINDER_MODEL"),
        ("localhost", "'localhost' is no server's address"),
    ],
)
def test_a_server_that_cannot_be_asked(url: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    assert not describe().ready
    with pytest.raises(ConfigurationError, match=message):
        default()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (error(401, "bad key sk-secret-key"), "refused the key .bad key .key.*Set OPENAI_API_KEY"),
        (error(404, "no such path"), "no such path. Check OPENAI_BASE_URL.*BINDER_MODEL"),
    ],
)
def test_a_server_that_refuses_to_list(reply: Reply, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(works, listing=reply) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-key")
        with pytest.raises(ConfigurationError, match=said) as caught:
            default()
    assert "sk-secret-key" not in str(caught.value) and "{" not in str(caught.value)


def test_a_server_that_lists_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(works, listing=Reply("<html>Hello</html>")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with pytest.raises(ConfigurationError, match="did not say which models it has"):
            default()


@pytest.mark.parametrize("name", binder.lm.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(binder.lm, name).__name__ == name
    assert name in dir(binder.lm)


def test_another_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        binder.lm.Nonsense  # noqa: B018


def test_importing_loads_no_client() -> None:
    program = (
        "import sys, binder.lm.choose, binder.lm.local, binder.lm.scripted\n"
        "print([name for name in ('openai', 'xllamacpp', 'huggingface_hub') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr
