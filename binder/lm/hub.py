"""The weights from the model's official repository, through ``huggingface_hub`` where it is installed."""

from __future__ import annotations

import importlib.util
import io
import shutil
import threading
from typing import TYPE_CHECKING, Any

from binder.errors import LMUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from binder.lm.pins import Weights
    from binder.lm.weights import Progress

REACH_SECONDS = 5.0


def fetch(weights: Weights, partial: Path, report: Progress) -> None:
    """Download the file beside ``partial`` and give it that name; an interrupted download goes on.

    Raises:
        LMUnavailable: The hub's package is missing, the hub is out of reach, or the download failed.
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        raise LMUnavailable("from the model hub it takes huggingface_hub (`pip install 'binder-tableqa[local]'`)")
    report(0, weights.size, "looking for the model hub")
    _require_reach(weights)
    import huggingface_hub

    place = partial.with_suffix(".hub")
    try:
        path = huggingface_hub.hf_hub_download(
            weights.repository, weights.file, local_dir=place, tqdm_class=_bar(weights.size, report)
        )
    except Exception as error:  # The package raises its own errors and those of its HTTP client.
        raise LMUnavailable(f"the model hub broke off ({_line(error)})") from error
    shutil.move(path, partial)
    shutil.rmtree(place, ignore_errors=True)


def _require_reach(weights: Weights) -> None:
    """Decide within seconds whether the hub is there, even where names do not resolve or packets are dropped."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    problems: list[str] = ["no answer"]

    def look() -> None:
        try:
            get_hf_file_metadata(hf_hub_url(weights.repository, weights.file), timeout=REACH_SECONDS)
            problems.clear()
        except Exception as error:  # As above.
            problems[:] = [_line(error)]

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(REACH_SECONDS)
    if problems:
        raise LMUnavailable(f"the model hub is out of reach ({problems[0]})")


def _bar(total: int, report: Progress) -> type[Any]:
    """A progress bar that reports instead of printing."""
    from tqdm.auto import tqdm  # type: ignore[import-untyped]

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **(options | {"file": io.StringIO(), "disable": False}))

        def display(self, *_: Any, **__: Any) -> None:
            report(int(self.n), total, "downloading")

    return Bar


def _line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
