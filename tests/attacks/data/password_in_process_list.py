"""Another user of this machine reads the store's password in the process list while a store is copied."""

from pathlib import Path

from support.attack import Refused, Target, run

PASSWORD = "geheim-4711"


def attack(target: Target) -> str:
    """Pass the address in an environment variable, or as an argument if the command doesn't accept one."""
    address = f"mongodb://ann:{PASSWORD}@127.0.0.1:1/botchat?serverSelectionTimeoutMS=100"
    target.session("Hello")
    target.environment["TARGET"] = address
    if PASSWORD in (arguments := arguments_in_process_list(target, "env:TARGET")):
        return f"/proc/PID/cmdline has {arguments}"
    if not (target.home / "env:TARGET").exists():
        raise Refused("the command reads the address from the environment, and its arguments hold no password")
    arguments = arguments_in_process_list(target, address)
    if PASSWORD not in arguments:
        raise RuntimeError(f"The list of processes has no password, although it is an argument: {arguments}")
    return f"/proc/PID/cmdline has {address}"


def arguments_in_process_list(target: Target, into: str) -> str:
    """Return the arguments of the command, as the process list shows them while it runs."""
    process = target.start("store", "copy", target.store, into)
    arguments = ""
    while into not in arguments and process.poll() is None:  # the process may still be starting
        arguments = Path(f"/proc/{process.pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ")
    process.communicate()
    return arguments


run(attack)
