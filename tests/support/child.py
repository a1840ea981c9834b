"""Runs a part of a test in a child process."""

import os
import traceback


def in_a_child(work) -> int:
    """Do something that changes the process in a process of its own; return its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        work()
    except BaseException:  # noqa: BLE001  (whatever it is, the child must not go on as a second pytest)
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
