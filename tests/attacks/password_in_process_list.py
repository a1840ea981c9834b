"""Another user of this machine reads the store's password in the list of processes while a store is copied."""

from pathlib import Path

from target import Refused, Target, run

PASSWORD = "geheim-4711"


def attack(target: Target) -> str:
    """The operator passes the address in a variable; where the command takes no name of one, as an argument."""
    address = f"mongodb://ann:{PASSWORD}@127.0.0.1:1/botchat?serverSelectionTimeoutMS=100"
    target.session("Hello")
    target.environment["TARGET"] = address
    if PASSWORD in (arguments := seen(target, "env:TARGET")):
        return f"/proc/PID/cmdline has {arguments}"
    if not (target.home / "env:TARGET").exists():
        raise Refused("the command reads the address from the environment, and its arguments hold no password")
    arguments = seen(target, address)
    if PASSWORD not in arguments:
        raise RuntimeError(f"The list of processes has no password, although it is an argument: {arguments}")
    return f"/proc/PID/cmdline has {address}"


def seen(target: Target, into: str) -> str:
    """The arguments of the command, as the list of processes shows them while it runs."""
    process = target.start("store", "copy", target.store, into)
    arguments = ""
    while into not in arguments and process.poll() is None:  # the process may still be starting
        arguments = Path(f"/proc/{process.pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ")
    process.communicate()
    return arguments


run(attack)
