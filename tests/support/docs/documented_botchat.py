"""What `botchat` is for the shell blocks of the docs: the command itself, with servers and stores of this machine.

A server that the docs start (`botchat web`, `botchat api`) gets a free port and is stopped once it has printed its URL.
The terminal app has no terminal here: it must say so. Addresses of MongoDB become databases of the test's server, and
OpenAI becomes the test's bot.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from fork_server import ask

COMMAND = [sys.executable, "-m", "botchat"]
SERVERS = {"web", "api"}
PASSWORDS = (["users", "add"], ["users", "passwd"])
"""Commands that ask for a password, which the test types."""
MONGO = re.compile(r"^mongodb(?:\+srv)?://[^/]*/?([\w-]*)[^/]*$")


def main(arguments: list[str]) -> int:
    """Run a command of the docs; return its exit code."""
    os.environ |= {name: local_address(value) for name, value in os.environ.items() if MONGO.match(value)}
    if {"OPENAI_BASE_URL", "OPENAI_API_KEY"} & set(os.environ):
        os.environ["OPENAI_BASE_URL"] = os.environ["DOCS_BOT"]
    arguments = [local_address(word) for word in arguments]
    name = arguments[0] if arguments else "tui"
    if {"--help", "-h"} & set(arguments):
        name = ""
    if name in SERVERS:
        return serve_once(arguments)
    if name == "tui":
        return refuse_without_terminal(arguments)
    if arguments[:2] in PASSWORDS and "--no-password" not in arguments:
        typed = "correct horse battery\n"
        return subprocess.run([*COMMAND, *arguments], input=typed, text=True, check=False).returncode
    return ask(os.environ["DOCS_SERVER"], arguments)


def local_address(word: str) -> str:
    """Return the address of a MongoDB as that of a database on the test's server, and other words as they are."""
    found = MONGO.match(word)
    return f"{os.environ['DOCS_MONGO']}/{os.environ['DOCS_DATABASE']}_{found[1] or 'botchat'}" if found else word


def serve_once(arguments: list[str]) -> int:
    """Start a server on a free port, and stop it when it has printed its URL."""
    if "--port" in arguments:
        place = arguments.index("--port")
        del arguments[place : place + 2]
    with subprocess.Popen([*COMMAND, *arguments, "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
        line = server.stdout.readline()
        sys.stdout.write(line)
        sys.stdout.flush()
        server.send_signal(signal.SIGINT)
        server.stdout.read()
        code = server.wait()
    return code if not line else 0


def refuse_without_terminal(arguments: list[str]) -> int:
    """Run the terminal app, which has no terminal: its options must be right, so that this is its only complaint."""
    with tempfile.TemporaryFile() as output, Path(os.devnull).open() as nothing:
        code = ask(os.environ["DOCS_SERVER"], arguments, (nothing.fileno(), output.fileno(), output.fileno()))
        output.seek(0)
        said = output.read().decode()
    if code and "terminal" in said and "No such option" not in said:
        return 0
    sys.stderr.write(said)
    return code or 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
