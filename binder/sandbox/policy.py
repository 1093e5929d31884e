"""policy: what the kernel keeps from a program: files, network, other processes, and more than its share.

Three walls, each enough for most attacks: Landlock leaves nothing to read but the interpreter; a seccomp filter leaves
the system calls that computing needs, none that makes a socket, a process, a file or a link to another process; and
resource limits end what takes too much. All of them last until the process ends and none can be taken back.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# What computing in Python needs once everything is loaded. A program is handed one open connection; with these it can
# use that one, read what Landlock leaves readable, and end.
# fmt: off
_ALLOWED = (
    # memory
    "brk", "mmap", "munmap", "mprotect", "mremap", "madvise",
    # the connection, and the interpreter's files
    "read", "readv", "pread64", "write", "writev", "recvfrom", "sendto", "lseek", "close", "poll", "ppoll", "select",
    "pselect6", "fstat", "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink",
    "readlinkat", "getdents64", "getcwd", "fadvise64",
    # time
    "clock_gettime", "clock_getres", "gettimeofday", "time", "nanosleep", "clock_nanosleep", "times", "getrusage",
    # the process itself
    "futex", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "set_robust_list", "rseq",
    "restart_syscall", "sched_yield", "sched_getaffinity", "getcpu", "getpid", "getppid", "gettid", "getuid", "geteuid",
    "getgid", "getegid", "uname", "sysinfo", "getrandom", "exit", "exit_group",
)
# fmt: on
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | getattr(os, "O_TMPFILE", 0)
_ASK_TERMINAL = 0x5401  # TCGETS: whether a file is a terminal
_CLOSE_ON_EXEC = (1, 2)  # F_GETFD, F_SETFD
_PACKAGES = ("numpy", "pandas", "pyarrow", "dateutil", "tzdata", "six")
_PR_SET_PDEATHSIG = 1
_FILES = 32


class Unconfined(Exception):
    """This machine cannot keep a program in; the message says what is missing."""


def keep_from_files() -> None:
    """Leave this process, and those it forks, nothing of the file system but the interpreter's own files to read.

    Raises:
        Unconfined: The kernel has no Landlock.
    """
    from py_landlock import AccessFs, Landlock, LandlockError

    try:
        Landlock(strict=False).add_path_rule(*_readable(), access=AccessFs.READ_FILE | AccessFs.READ_DIR).apply()
    except LandlockError as error:
        raise Unconfined(f"this kernel offers no Landlock ({error}); it takes Linux 5.13 or newer") from None


def _readable() -> list[Path]:
    """The folders that modules are loaded from while a program runs."""
    folders = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")} | {Path("/usr/share/zoneinfo")}
    for name in _PACKAGES:
        spec = find_spec(name)
        if spec is not None and spec.origin:
            origin = Path(spec.origin)
            folders |= {origin.parent} if spec.submodule_search_locations else {origin}
            folders.add(origin.parent.parent / f"{name}.libs")
    return sorted(folder for folder in folders if folder.exists())


def system_calls() -> Any:
    """The filter for a program's system calls, to be loaded in its process; what it leaves out fails with EPERM.

    Raises:
        Unconfined: There is no seccomp here.
    """
    try:
        import pyseccomp as seccomp
    except (ImportError, RuntimeError) as error:
        raise Unconfined(f"seccomp cannot be used: {error}; install libseccomp 2.5 or newer") from None
    kept = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    for name in _ALLOWED:
        _allow(kept, name)
    reading = seccomp.Arg
    for name, at in (("openat", 2), ("open", 1)):
        _allow(kept, name, reading(at, seccomp.MASKED_EQ, _WRITING & ~os.O_DIRECTORY, 0))
    _allow(kept, "ioctl", reading(1, seccomp.EQ, _ASK_TERMINAL))
    for command in _CLOSE_ON_EXEC:
        _allow(kept, "fcntl", reading(1, seccomp.EQ, command))
    _allow(kept, "prlimit64", reading(2, seccomp.EQ, 0))  # asking for a limit, not setting one
    return kept


def _allow(kept: Any, name: str, *arguments: Any) -> None:
    """Allow a system call, where this machine has it."""
    import pyseccomp as seccomp

    try:
        kept.add_rule(seccomp.ALLOW, name, *arguments)
    except (OSError, ValueError):
        if name == "mmap":
            raise


def mapped() -> int:
    """The bytes of address space that this process has; to be asked while /proc can still be read."""
    if sys.platform != "linux":
        return 0
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def limit_resources(seconds: float, memory: int) -> None:
    """Bound what this process may take.

    Args:
        seconds: Of processor time, from now on.
        memory: Of address space in all, in bytes.
    """
    most = int(resource.getrusage(resource.RUSAGE_SELF).ru_utime + seconds) + 2
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: most,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _FILES,
    }
    for kind, limit in limits.items():
        resource.setrlimit(kind, (limit, limit))


def end_with_parent() -> None:
    """End this process when the one that forked it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
