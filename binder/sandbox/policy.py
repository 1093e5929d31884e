"""policy: what the kernel keeps from a program: files, network, other processes, and more than its share.

Three walls, each enough for most attacks: Landlock leaves no file to read or write; a seccomp filter leaves the system
calls that computing needs, none that names a file or makes a socket, a process or a link to another one; and resource
limits end what takes too much. All of them last until the process ends and none can be taken back. What programs use is
therefore loaded before.
"""

from __future__ import annotations

import ctypes
import errno
import resource
import signal
import sys
from pathlib import Path
from typing import Any

# What computing in Python needs once everything is loaded. A program is handed one open connection; with these it can
# use that one, and end.
# fmt: off
_ALLOWED = (
    # memory
    "brk", "mmap", "munmap", "mprotect", "mremap", "madvise",
    # the connection
    "read", "readv", "write", "writev", "recvfrom", "sendto", "close", "poll", "ppoll", "select", "pselect6", "fstat",
    # time
    "clock_gettime", "clock_getres", "gettimeofday", "time", "nanosleep", "clock_nanosleep", "times", "getrusage",
    # the process itself
    "futex", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "set_robust_list", "rseq",
    "restart_syscall", "sched_yield", "sched_getaffinity", "getcpu", "getpid", "getppid", "gettid", "getuid", "geteuid",
    "getgid", "getegid", "uname", "sysinfo", "getrandom", "exit", "exit_group",
)
# fmt: on
_CLOSE_ON_EXEC = (1, 2)  # F_GETFD, F_SETFD
_PR_SET_PDEATHSIG = 1
_FILES = 32


class Unconfined(Exception):
    """This machine cannot keep a program in; the message says what is missing."""


def keep_from_files() -> None:
    """Leave this process, and those it forks, nothing of the file system.

    Raises:
        Unconfined: The kernel has no Landlock.
    """
    from py_landlock import Landlock, LandlockError

    try:
        Landlock(strict=False).apply()
    except LandlockError as error:
        raise Unconfined(f"this kernel offers no Landlock ({error}); it takes Linux 5.13 or newer") from None


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
    for command in _CLOSE_ON_EXEC:
        _allow(kept, "fcntl", seccomp.Arg(1, seccomp.EQ, command))
    # Asking for a limit of its own, not setting one.
    _allow(kept, "prlimit64", seccomp.Arg(0, seccomp.EQ, 0), seccomp.Arg(2, seccomp.EQ, 0))
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
