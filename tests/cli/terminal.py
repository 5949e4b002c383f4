"""Run a program whose stdin, stdout and stderr are a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Sequence


def on_a_terminal(command: Sequence[str], n_columns: int = 80, **environment: str) -> tuple[int, str]:
    """Exit code, and all that the program wrote, with plain line ends."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        command, stdout=child, stderr=child, stdin=child,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": str(n_columns), **environment},
    )  # fmt: skip
    os.close(child)
    written = b""
    while True:
        try:
            block = os.read(parent, 4096)
        except OSError:  # the other end was closed
            break
        if not block:
            break
        written += block
    os.close(parent)
    return process.wait(), written.decode().replace("\r\n", "\n")
