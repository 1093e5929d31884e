"""The process that serves the embedded model. ``local.py`` runs it as a script; it imports nothing of ours.

It reads its settings from standard input as one line of JSON, and writes one line to standard output: ``{"url": …}``
once the model is loaded, ``{"error": …}`` when it cannot be. It ends when its standard input does, and when its parent
is gone: whatever happens to the parent, no process is left behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any


def main() -> None:
    """Serve until the parent ends."""
    settings = json.loads(sys.stdin.readline())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # An interrupt is meant for the parent, which may go on.
    _be_ended_with_input()
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        server = _server(settings)
    except RuntimeError as error:
        _say(error=str(error))
        return
    _wait_until_loaded(server.listening_address)
    _say(url=server.listening_address)
    # The input's end can be held off by a process that the parent forked, so the parent itself is watched too.
    while os.getppid() == settings["parent"]:
        time.sleep(1)
    os._exit(0)


def _server(settings: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.model_alias = {settings["name"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["key"]]
    params.n_ctx = settings["context"]
    params.n_parallel = settings["slots"]
    params.kv_unified = True
    # Without repacked copies of the weights: 600 MB less, and on AVX2 prompts are read a quarter faster, which counts
    # for more here than several samples at once being written a fifth slower.
    params.no_extra_bufts = True
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads"]
    params.offline = True
    params.ui = False
    params.verbosity = 1
    return xllamacpp.Server(params)


def _wait_until_loaded(url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            opener.open(f"{url}/health", timeout=5).close()
            return
        except urllib.error.HTTPError:
            time.sleep(0.05)


def _be_ended_with_input() -> None:
    """Have the system end this process when its input does: no thread of ours runs while the model loads.

    Nothing is written to the input after the settings, so the signal that tells of news there tells of its end; it ends
    a process that does not handle it. Systems without it for pipes leave it to the thread.
    """
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import fcntl

        fcntl.fcntl(sys.stdin, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(sys.stdin, fcntl.F_SETFL, fcntl.fcntl(sys.stdin, fcntl.F_GETFL) | os.O_ASYNC)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def _say(**line: str) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
