"""Turns Typer's usage errors into one line: the problem, a suggestion, and the command whose `--help` explains it."""

import re
from typing import Any

import typer

from botchat.commands.support.help_text import argument_name, explanation
from botchat.commands.support.suggestions import did_you_mean, similar_options

_EXTRA_ARGUMENTS = re.compile(r"Got unexpected extra argument\(?s?\)? \((.*)\)", re.DOTALL)
_PYDANTIC = {
    "Value error, ": "",
    "Input should be a valid integer, unable to parse string as an integer": "not an integer",
    "Input should be": "must be",
}


def usage_message(error: typer.TyperException) -> str:
    """Return the message of a usage error."""
    context = getattr(error, "ctx", None)
    message = _problem(error, context)
    for old, new in _PYDANTIC.items():
        message = message.replace(old, new)
    if not (context and message):
        return message
    end = "" if message.endswith((".", "?")) else "."
    return f"{message}{end} Try '{context.command_path} --help' for help."


def _problem(error: Any, context: Any) -> str:
    if hasattr(error, "possibilities") and context:
        hint = did_you_mean(similar_options(error.option_name, context.command))
        return f"{error.message}. {hint}".rstrip()
    if getattr(error, "param", None) and not error.message:
        return _missing(error.param)
    message = str(error.format_message())
    extra = _EXTRA_ARGUMENTS.fullmatch(message)
    return f"Unexpected argument: {extra[1]}" if extra else message


def _missing(parameter: Any) -> str:
    """Return the message for a missing argument or option, with its help text."""
    name = argument_name(parameter).rstrip(".")
    option = next((f"{each} " for each in parameter.opts if each.startswith("--")), "")
    return f"Missing {parameter.param_type_name} {option}{name}. {explanation(parameter)}"
