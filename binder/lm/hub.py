"""The weights from the model's official repository, through ``huggingface_hub`` where it is installed.

Its own download starts anew after an interruption, so the bytes are read from its session here, from where they ended.
"""

from __future__ import annotations

import importlib.util
import threading
from typing import TYPE_CHECKING

from binder.errors import LMUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from binder.lm.pins import Weights
    from binder.lm.weights import Progress

REACH_SECONDS = 5.0
SILENCE_SECONDS = 30.0
CHUNK = 1 << 20


def fetch(weights: Weights, partial: Path, report: Progress) -> None:
    """Append the bytes that ``partial`` lacks.

    Raises:
        LMUnavailable: The hub's package is missing, the hub is out of reach, or the download broke off.
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        raise LMUnavailable("from the model hub it takes huggingface_hub (`pip install 'binder-tableqa[local]'`)")
    from huggingface_hub import hf_hub_url

    report(0, weights.size, "looking for the model hub")
    url = hf_hub_url(weights.repository, weights.file)
    _require_reach(url)
    try:
        _append(url, weights, partial, report)
    except OSError:
        raise  # The disk's; the connection's are of another kind.
    except Exception as error:  # The package raises its own errors and those of its HTTP client.
        raise LMUnavailable(f"the model hub broke off ({_line(error)})") from error


def _append(url: str, weights: Weights, partial: Path, report: Progress) -> None:
    from huggingface_hub import get_session

    with partial.open("ab") as file:
        if file.tell() >= weights.size:
            return
        headers = {"Range": f"bytes={file.tell()}-", "Accept-Encoding": "identity"}
        with get_session().stream(
            "GET", url, headers=headers, follow_redirects=True, timeout=SILENCE_SECONDS
        ) as response:
            response.raise_for_status()
            if response.status_code != 206:
                file.truncate(0)
            for chunk in response.iter_bytes(CHUNK):
                file.write(chunk)
                report(file.tell(), weights.size, "downloading")


def _require_reach(url: str) -> None:
    """Decide within seconds whether the hub is there, even where names do not resolve or packets are dropped."""
    from huggingface_hub import get_hf_file_metadata

    problems: list[str] = [f"no answer within {REACH_SECONDS:g} s"]

    def look() -> None:
        try:
            get_hf_file_metadata(url, timeout=REACH_SECONDS)
            problems.clear()
        except Exception as error:  # As above.
            problems[:] = [_line(error)]

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(REACH_SECONDS)
    if problems:
        raise LMUnavailable(f"the model hub is out of reach ({problems[0]})")


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
