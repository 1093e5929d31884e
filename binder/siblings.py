"""The check that the packages installed beside ``binder`` are the ones that Python finds by their names.

``grammars``, ``exemplars`` and ``evaluation`` are common words. A file of such a name in the working directory comes
before the installed package, and would fail somewhere else with a message about something else.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

SIBLINGS = ("grammars", "exemplars", "evaluation")


def check_siblings(home: Path = Path(__file__).parents[1]) -> None:
    """Makes sure that each sibling package is found in ``home``, the folder that holds ``binder``; imports none.

    Raises:
        ImportError: Another module has the name, or nothing does.
    """
    for name in SIBLINGS:
        place = _place(name)
        if place is None:
            raise ImportError(
                f"binder needs the package {name!r} that is installed with it, and it is missing. "
                "Install again: pip install --force-reinstall --no-deps binder-tableqa",
                name=name,
            )
        if place != (home / name / "__init__.py").resolve():
            raise ImportError(
                f"binder needs the package {name!r} that is installed with it ({home / name}), "
                f"but Python finds another one first: {place}. Rename that one, or run from another folder.",
                name=name,
                path=str(place),
            )


def _place(name: str) -> Path | None:
    """The file, or the folder without an ``__init__.py``, that ``import name`` would load."""
    spec = find_spec(name)
    if spec is None:
        return None
    locations = list(spec.submodule_search_locations or ())
    place = spec.origin or (locations[0] if locations else None)
    return None if place is None else Path(place).resolve()
