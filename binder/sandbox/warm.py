"""warm: the process that has everything loaded and forks a child for each program.

It never sees a program. Over its one connection it gets another connection for each program, whose far end the engine
holds, and hands it to a new child. It keeps a copy: when the engine closes its end, the child is ended; when the child
has ended, the copy tells how.
"""

from __future__ import annotations

import contextlib
import datetime
import gc
import json
import os
import select
import signal
import socket
import sys
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from binder.sandbox import child, frames, policy

_KEPT = 3  # the child's connection, after the three standard ones, which lead nowhere
_JOB = 4096


def main(fd: int, confined: bool) -> None:
    """Serve until the engine is gone."""
    control = socket.socket(fileno=fd)
    namespace = _namespace()
    mapped = policy.mapped()
    calls = None
    try:
        if confined:
            calls = policy.system_calls()
            policy.keep_from_files()
    except policy.Unconfined as error:
        control.sendall(frames.packed({"unconfined": str(error)}))
        return
    control.sendall(frames.packed({"ready": True}))
    gc.collect()
    gc.freeze()
    _Warm(control, namespace, calls, mapped).serve()


class _Warm:
    """The children that run, and the connection new ones come over."""

    def __init__(self, control: socket.socket, namespace: dict[str, Any], calls: Any, mapped: int) -> None:
        self._control = control
        self._namespace = namespace
        self._calls = calls
        self._mapped = mapped
        self._children: dict[int, tuple[int, socket.socket]] = {}  # by the child's pidfd: its pid and the copy
        self._poll = select.poll()

    def serve(self) -> None:
        """Fork, end and bury children until the engine is gone."""
        self._poll.register(self._control, select.POLLIN)
        while True:
            fd, _ = self._poll.poll()[0]  # one at a time: handling it may close what the next is about
            if fd in self._children:
                self._bury(fd)
            elif fd != self._control.fileno():
                self._kill(fd)
            else:
                job, fds, *_ = socket.recv_fds(self._control, _JOB, 1)
                if not job:
                    self._end()
                self._fork(json.loads(job), socket.socket(fileno=fds[0]))

    def _fork(self, job: dict[str, Any], connection: socket.socket) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            with connection:
                connection.sendall(frames.packed({"ended": f"no process can be made: {error}"}))
            return
        if not pid:
            self._become(job, connection)
        pidfd = os.pidfd_open(pid)
        self._children[pidfd] = pid, connection
        self._poll.register(pidfd, select.POLLIN)
        self._poll.register(connection, 0)  # its end is reported whether asked for or not

    def _become(self, job: dict[str, Any], connection: socket.socket) -> None:
        """In the child: let go of everything, be confined, run the program, and end."""
        try:
            policy.end_with_parent()
            kept = socket.socket(fileno=os.dup2(connection.fileno(), _KEPT))
            os.closerange(_KEPT + 1, os.sysconf("SC_OPEN_MAX"))
            policy.limit_resources(job["seconds"], self._mapped + job["memory"])
            if self._calls is not None:
                self._calls.load()
            child.serve(kept, self._namespace)
            os._exit(0)
        finally:
            os._exit(1)  # not to go on as the warm process, nor to run what a program left to be run at exit

    def _kill(self, fd: int) -> None:
        """End the child whose engine's end is closed."""
        self._poll.unregister(fd)
        for pid, connection in self._children.values():
            if connection.fileno() == fd:
                os.kill(pid, signal.SIGKILL)

    def _bury(self, pidfd: int) -> None:
        """Tell how a child ended."""
        pid, connection = self._children.pop(pidfd)
        _, status = os.waitpid(pid, 0)
        self._poll.unregister(pidfd)
        with contextlib.suppress(KeyError):
            self._poll.unregister(connection)
        os.close(pidfd)
        with connection, contextlib.suppress(OSError):
            connection.send(frames.packed({"ended": os.waitstatus_to_exitcode(status)}), socket.MSG_DONTWAIT)

    def _end(self) -> None:
        """End with every child."""
        for pid, _ in self._children.values():
            os.kill(pid, signal.SIGKILL)
        sys.exit()


_zones: list[ZoneInfo] = []  # held, so that asking for one by its name finds it


def _load_what_comes_later(frame: Any) -> None:
    """Have everything loaded that is else read from files at its first use: no program can read one."""
    frame.to_dict("records")
    frame.to_string()
    repr(frame.groupby("a").describe())
    frame["b"].dt.strftime("%d %B %Y")
    datetime.datetime.strptime("1 May 2024", "%d %B %Y")
    for name in sorted(available_timezones()):
        with contextlib.suppress(ValueError, OSError):
            _zones.append(ZoneInfo(name))


def _namespace() -> dict[str, Any]:
    """What programs find defined."""
    import collections
    import functools
    import itertools
    import math
    import re
    import statistics

    import numpy as np
    import pandas as pd
    import pyarrow

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    _load_what_comes_later(pd.DataFrame({"a": ["x", "y"], "b": pd.to_datetime(["2024-01-01", "2024-05-06"])}))
    named = {module.__name__: module for module in (collections, datetime, functools, itertools, math, re, statistics)}
    return {"__name__": child.FILE, "pd": pd, "np": np, **named}
