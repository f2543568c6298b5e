"""The lock of speedysvc, as a shmrpc.Lock."""

from __future__ import annotations

from typing import Any, Self

from .._lock import (
    CONNECT_OR_CREATE,
    CONNECT_TO_EXISTING,
    CREATE_NEW_EXCLUSIVE,
    CREATE_NEW_OVERWRITE,
    Lock,
    NoSuchSemaphore,
    SemaphoreDestroyed,
    SemaphoreExists,
)

__all__ = ["CONNECT_OR_CREATE", "CONNECT_TO_EXISTING", "CREATE_NEW_EXCLUSIVE",
           "CREATE_NEW_OVERWRITE", "HybridLock", "NoSuchSemaphoreException",
           "SemaphoreDestroyedException", "SemaphoreExistsException"]

# The name in speedysvc's code; its documentation says NoSuchSemaphore.
NoSuchSemaphoreException = NoSuchSemaphore
SemaphoreDestroyedException = SemaphoreDestroyed
SemaphoreExistsException = SemaphoreExists


class HybridLock(Lock):
    """HybridLock(name, mode, initial_value, permissions): a semaphore, so any
    thread of any process may unlock it. It works with `with`, and timeouts may
    be fractions of a second. It is in the user's own folder, or with
    all_users=True in the folder for all users."""

    def __new__(cls, sem_loc: str | bytes, mode: int, initial_value: int = 1,
                permissions: int = 0o666, **options: Any) -> Self:
        name = sem_loc.decode() if isinstance(sem_loc, bytes) else sem_loc
        options.setdefault("semaphore", True)
        return super().__new__(cls, name.lstrip("/"), mode, initial_value,
                               permissions, **options)

    def lock(self, timeout: float | None = None, spin: int = 1) -> None:
        """Acquires the lock; raises TimeoutError after `timeout` seconds (None
        or -1: never)."""
        del spin  # a shmrpc.Lock spins while that pays off
        super().lock(timeout)
