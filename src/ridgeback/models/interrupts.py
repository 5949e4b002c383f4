"""Ctrl-C during a fit: a flag that the native loops read, so that Python's bookkeeping is never cut in half."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import numpy as np
import numpy.typing as npt


class SecondInterrupt(KeyboardInterrupt):
    """Ctrl-C came again while a fit was ending for the first one."""


@contextmanager
def interruptible() -> Iterator[npt.NDArray[np.uint8]]:
    """Hold ctrl-C back: the first one sets the flag that is yielded, a second one raises SecondInterrupt at once.

    Only in the main thread and while Python's own handler is in place; elsewhere the flag stays zero.
    """
    flag = np.zeros(1, dtype=np.uint8)

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        if flag[0]:
            raise SecondInterrupt
        flag[0] = 1

    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if is_ours:
        signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield flag
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
