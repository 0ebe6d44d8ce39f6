"""The vault as kernels use it; checks every answer against the newest log checkpoint this user has seen.

Runs in the kernel; knows the wire and nothing of the vault's inside. Safe to use from several threads.
"""

from .log_memory import LogMemory
from .sign_in import connect, save_login, saved_token, told_by_own_server
from .vault import Client

__all__ = ["Client", "LogMemory", "connect", "save_login", "saved_token", "told_by_own_server"]
