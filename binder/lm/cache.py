"""cache: what language models said, kept from one run to the next.

It is on by default, in one file in the library's cache folder. ``BINDER_CACHE`` names another folder, or ``off``. What
is kept, and what decides whether it is found again, is in ``binder.lm.keys``; models without an ``identity`` are not
cached. It never holds a bad reply, because only texts that were read as the kind wanted are given to it: that is its
callers' part.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from binder.amounts import require_whole
from binder.errors import ConfigurationError
from binder.lm import flight, limits, weights
from binder.lm.base import LM, Completion, Request, identity_of
from binder.lm.keys import CallKey, draft_keys, value_keys

if TYPE_CHECKING:
    from binder.lm.rows import Info
    from binder.lm.store import Store
    from exemplars.exemplar import Cells

FILE = "replies-1.sqlite"
MOST_BYTES = 1_000_000_000


class Cache:
    """Values and drafts by what was asked. Making one opens nothing; any number of them may use one file.

    Example:
        >>> from binder.lm import Scripted
        >>> from grammars.reply import Expected
        >>> cache = Cache(Path("replies.sqlite"))  # doctest: +SKIP
        >>> lm = Scripted(lambda request: "", identity="nothing")
        >>> call = CallKey.of(lm, "map", "is it in Asia?", ["country"], Expected(), "1")
        >>> cache.keep(call, {("Nepal",): "yes"})  # doctest: +SKIP
        >>> cache.values(call, [("Nepal",), ("Peru",)])  # doctest: +SKIP
        {('Nepal',): 'yes'}

    Args:
        path: The file; else the one that ``file`` names when it is first used.
        most_bytes: The most room it should take; what was kept first goes first. With 0 nothing is kept,
            and every caller asks for itself.

    Raises:
        ConfigurationError: They are something else.
    """

    def __init__(self, path: str | Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        if not isinstance(path, str | Path | None):
            raise ConfigurationError(f"{path!r:.80} is no path of a cache; give a text or a pathlib.Path")
        require_whole("most_bytes", most_bytes, 0)
        self._path = Path(path).expanduser() if isinstance(path, str) else path
        self._most_bytes = most_bytes
        self._opened: Store | None = None

    def keeps(self, lm: LM) -> bool:
        """Whether a model's replies are kept here: all of them, as far as is known, since the file was opened."""
        return identity_of(lm) is not None and (store := self._store()) is not None and store.keeps_all

    def values(self, call: CallKey, inputs: Sequence[Cells]) -> dict[Cells, str | None]:
        """What the model said of those inputs that it was asked about before, word for word; None where it said that
        it does not know."""
        store = self._store() if call.lasting and inputs else None
        if store is None:
            return {}
        keys = value_keys(call, inputs)
        found = store.get(keys)
        return {cells: found[key].text for cells, key in zip(inputs, keys, strict=True) if key in found}

    def keep(self, call: CallKey, said: Mapping[Cells, str | None]) -> None:
        """Keep what the model said of inputs. Give it only what was read as the kind that the call wants.

        Inside ``share``'s ``ask``, those who wait for these inputs get them at once.
        """
        flight.land(call, said)
        store = self._store() if call.lasting and said else None
        if store is not None:
            from binder.lm.rows import Kept

            store.put({key: Kept(text) for key, text in zip(value_keys(call, said), said.values(), strict=True)})

    async def share(self, call: CallKey, inputs: Sequence[Cells], ask: flight.Ask) -> dict[Cells, str | None]:
        """What the model says of inputs, found here or else asked; an input that is being asked already is waited for.

        What ``ask`` returns is kept, so it must be read as the kind that the call wants; ``ask`` may also ``keep``
        replies as they come, so that they outlive its failure. It works without a file, and for models that are not
        cached. All callers must be on one event loop; the look-up takes milliseconds for thousands of inputs.

        Args:
            call: The call.
            inputs: What it is about.
            ask: Gets the inputs that are neither known nor being asked, and returns what was said of each. What it
                raises reaches its own caller; others who waited for its inputs then ask themselves.

        Returns:
            What was said, by input; inputs without a reply that can be read are missing.
        """

        if not self._most_bytes:
            return dict(await ask(inputs))

        async def asking(missing: Sequence[Cells]) -> Mapping[Cells, str | None]:
            known = self.values(call, missing)
            flight.land(call, known)
            left = [cells for cells in missing if cells not in known]
            said = await ask(left) if left else {}
            self.keep(call, flight.not_landed(call, said))
            return known | dict(said)

        return await flight.share(call, list(dict.fromkeys(inputs)), asking)

    def turn(self, lm: LM, request: Request) -> AbstractAsyncContextManager[object]:
        """Entered while a request's samples are drawn: whoever wants the same of the same model waits, and then finds
        them here. Whoever has another budget a minute does not wait for this one's."""
        identity = identity_of(lm)
        if identity is None or not self.keeps(lm):
            return nullcontext()
        return flight.turn(limits.unpaced(lm), draft_keys(identity, request, 1)[0])

    def drafts(self, lm: LM, request: Request) -> dict[int, Completion]:
        """The samples that the model wrote for a request before, by number, among the first ``request.n``."""
        identity = identity_of(lm)
        store = self._store() if identity is not None else None
        if store is None or identity is None:
            return {}
        keys = draft_keys(identity, request, request.n)
        found = store.get(keys)
        return {
            number: Completion(found[key].text or "", found[key].logprob)
            for number, key in enumerate(keys)
            if key in found
        }

    def keep_drafts(self, lm: LM, request: Request, samples: Mapping[int, Completion]) -> None:
        """Keep samples by number. Those that were cut short are left out: a longer reply may say more."""
        identity = identity_of(lm)
        store = self._store() if identity is not None and samples else None
        if store is None or identity is None:
            return
        from binder.lm.rows import Kept

        keys = draft_keys(identity, request, max(samples) + 1)
        finished = {number: sample for number, sample in samples.items() if sample.finished}
        store.put({keys[number]: Kept(one.text, one.logprob, draft=True) for number, one in finished.items()})

    def info(self) -> Info:
        """What it holds, and where."""
        from binder.lm.rows import Info

        store = self._store()
        return Info(None) if store is None else store.info()

    def trim(self, most_bytes: int | None = None, older_than: float | None = None) -> bool:
        """Drop the oldest until the file takes at most so many bytes, and what is older than so many seconds; whether
        that could be done."""
        return (store := self._store()) is None or store.trim(most_bytes, older_than)

    def clear(self) -> bool:
        """Drop everything; whether that could be done."""
        return (store := self._store()) is None or store.clear()

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        store, self._opened = self._opened, None
        if store is not None:
            store.close()

    def _store(self) -> Store | None:
        """The file's store, or None where nothing is kept."""
        if self._opened is None and self._most_bytes and (path := self._path or file()) is not None:
            from binder.lm.store import Store

            self._opened = Store(path, self._most_bytes)
        return self._opened


def file() -> Path | None:
    """The file that replies are kept in, or None where ``BINDER_CACHE`` is ``off``."""
    return None if os.environ.get("BINDER_CACHE", "").casefold() == weights.OFF else weights.folder() / FILE
