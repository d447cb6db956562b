"""Takes from the running process what reading a file does not need; imports none of our modules.

It is the second line behind the checks of a file's content, for faults of the libraries that read
it. Covered on Linux: memory, CPU time, open files, large files, raised privileges, and the
network where the kernel lets a process leave it. Not covered: reading other files of the user,
writing small ones, deleting and renaming, starting processes (which inherit all limits), and
faults of the kernel. On systems without `resource` (Windows) nothing is covered.
"""

from __future__ import annotations

import ctypes
import sys

_NO_NEW_PRIVILEGES, _DIE_WITH_PARENT, _SIGKILL = 38, 1, 9  # prctl(2)
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # unshare(2)


def confine(*, memory_bytes: int, cpu_seconds: int, open_files: int, file_bytes: int) -> None:
    """Limit this process and all that it starts; call it before any thread is started.

    Args:
        memory_bytes: address space.
        cpu_seconds: processor time, after which the system ends the process.
        open_files: most files and pipes that are open at the same time.
        file_bytes: size beyond which no file can be written.
    """
    try:
        import resource
    except ImportError:
        return
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_NOFILE: open_files,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_CORE: 0,
    }
    for kind, wanted in limits.items():
        _, most = resource.getrlimit(kind)
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(kind, (allowed, allowed))
    if sys.platform == "linux":
        _leave()


def _leave() -> None:
    """Give up privileges and the network; where the kernel does not allow it, keep them."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_DIE_WITH_PARENT, _SIGKILL, 0, 0, 0)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    libc.unshare(_NEW_USER | _NEW_NETWORK)
