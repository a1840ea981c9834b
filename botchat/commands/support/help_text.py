"""The wording of usage lines, options and defaults: of `--help`, the command-line reference and the man pages."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from botchat.commands.support.lazy_commands import LazyCommand, LazyCommands
from botchat.commands.support.suggestions import did_you_mean, similar

if TYPE_CHECKING:
    from typer._click.core import Context
    from typer._click.formatting import HelpFormatter

EXAMPLE = "Example: "
"""Starts the last paragraph of a command's help: a command line that works as printed, or with upper-case words."""


def usage(path: str, parameters: list[Any]) -> str:
    """Return the usage line of a command: `botchat ask [OPTIONS] [QUESTION...]`."""
    arguments = [each for each in parameters if each.param_type_name == "argument"]
    names = [argument_name(each) if each.required else f"[{argument_name(each)}]" for each in arguments]
    return " ".join([path, *(["[OPTIONS]"] if len(arguments) < len(parameters) else []), *names])


def term(parameter: Any) -> str:
    """Return a parameter in Markdown: an argument's name, or an option's names with that of its value."""
    if parameter.param_type_name == "argument":
        return f"`{argument_name(parameter)}`"
    value = "" if parameter.is_flag else f" {argument_name(parameter)}"
    names = [*parameter.opts, *parameter.secondary_opts]
    return ", ".join(f"`{option}{value if option.startswith('--') else ''}`" for option in names)


def argument_name(parameter: Any) -> str:
    """Return the upper-case word for a parameter's value; `...` if there can be several."""
    word = str(parameter.metavar or parameter.name).upper().strip("…_")
    return f"{word}..." if parameter.nargs == -1 else word


def meaning(parameter: Any) -> str:
    """Return a parameter's help text with its choices, and with its default or whether it is required."""
    is_required = parameter.required and parameter.param_type_name == "option"
    return f"{explanation(parameter)} {'(required)' if is_required else _default(parameter)}".strip()


def explanation(parameter: Any) -> str:
    """Return a parameter's help text with its choices."""
    text, descriptor = (parameter.help or "").strip(), parameter.type_descriptor
    choices = [str(getattr(choice, "value", choice)) for choice in descriptor.choices] if descriptor.is_choice else []
    is_complete = all(choice in text for choice in choices)
    return text if is_complete else f"{text} One of: {', '.join(choices)}.".strip()


def description(command: Any) -> str:
    """Return a command's help text without its example."""
    return str((command.help or "").partition(EXAMPLE)[0]).strip()


def example(command: Any) -> str:
    """Return the example in a command's help text, or ""."""
    return " ".join((command.help or "").partition(EXAMPLE)[2].split())


def summary(command: Any) -> str:
    """Return the first sentence of a command's help text, without its period."""
    return " ".join(description(command).partition("\n\n")[0].split()).rstrip(".")


class HelpfulCommand(TyperCommand):
    """A command whose `--help` has no names of Python types, and ends with the example."""

    def format_usage(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        formatter.write(f"Usage: {usage(ctx.command_path, _shown(self))}\n")

    def format_help_text(self, ctx: "Context", formatter: "HelpFormatter") -> None:  # noqa: ARG002  (of the base class)
        _write_paragraphs(description(self), formatter)

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        _write_parameters(self.get_params(ctx), formatter)

    def format_epilog(self, ctx: "Context", formatter: "HelpFormatter") -> None:  # noqa: ARG002  (of the base class)
        if line := example(self):
            with formatter.section("Example"):
                formatter.write(f"  {line}\n")


class HelpfulGroup(TyperGroup):
    """A group of commands whose `--help` lists each with its whole first sentence.

    Attributes:
        lazy: the commands that are loaded when they are used, by name.
        text_below: returns the text at the end of `--help`.
    """

    lazy: ClassVar[dict[str, LazyCommand]] = {}
    text_below: ClassVar[Callable[[], str] | None] = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands: Any = LazyCommands(type(self).lazy, dict(self.commands))

    def format_usage(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        command = "[COMMAND]" if self.invoke_without_command else "COMMAND"
        formatter.write(f"Usage: {usage(ctx.command_path, _shown(self))} {command}\n")

    def resolve_command(self, ctx: "Context", args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except typer.TyperException as error:
            names = [name for name, each in self.commands.items() if not each.hidden]
            options = [name for each in self.get_params(ctx) for name in each.opts]
            found = [name for name in options if name == f"--{args[0]}"] or similar(args[0], names)
            error.message = " ".join(filter(None, [error.message, did_you_mean(found)]))
            raise

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        known = [(name, self.commands.summary(name)) for name in self.commands]
        commands = [(name, text if text is not None else summary(self.commands[name])) for name, text in known]
        with formatter.section("Commands"):
            formatter.write_dl(commands)
        _write_parameters(self.get_params(ctx), formatter)

    def format_epilog(self, ctx: "Context", formatter: "HelpFormatter") -> None:  # noqa: ARG002  (of the base class)
        if text_below := type(self).text_below:
            formatter.write(f"\n{text_below()}")


class CommandGroup(typer.Typer):
    """A Typer application with plain-text help in the words of this module."""

    def __init__(self, help_: str, *, runs_alone: bool = False, text_below: Callable[[], str] | None = None) -> None:
        self._help, self._lazy = help_, dict[str, LazyCommand]()
        below = None if text_below is None else staticmethod(text_below)
        super().__init__(
            cls=type("LazyGroup", (HelpfulGroup,), {"lazy": self._lazy, "text_below": below}),
            rich_markup_mode=None,  # plain text: Rich takes longer to load than everything else, and draws boxes
            add_completion=False,  # `botchat completion` does it, without options in every --help
            suggest_commands=False,  # HelpfulGroup does it
            no_args_is_help=not runs_alone,
            invoke_without_command=runs_alone,
            pretty_exceptions_enable=False,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
            help=help_,
        )

    def add(self, name: str, function: str, summary: str) -> None:
        """Add a command that is imported when it is used: a function of `botchat.commands`, as MODULE:NAME."""
        self._lazy[name] = LazyCommand(target=function, summary=summary, cls=HelpfulCommand)

    def add_group(self, name: str, group: "CommandGroup") -> None:
        """Add a group of commands, which is built when it is used."""
        self._lazy[name] = LazyCommand(target=group, summary=group._help.rstrip("."))  # noqa: SLF001  (of the same class)

    def command(self, *args: Any, **options: Any) -> Any:
        """Return a decorator that adds a command; Typer's, with another class of command."""
        return super().command(*args, cls=HelpfulCommand, **options)


def _shown(command: Any) -> list[Any]:
    return [parameter for parameter in command.params if not parameter.hidden]


def _default(parameter: Any) -> str:
    default = parameter.show_default if isinstance(parameter.show_default, str) else parameter.default
    hidden = parameter.show_default is False or callable(default) or default in (None, False, "", [], ())
    return "" if hidden else f"(default: {getattr(default, 'value', default)})"


def _write_parameters(parameters: list[Any], formatter: "HelpFormatter") -> None:
    for title, kind in (("Arguments", "argument"), ("Options", "option")):
        rows = [_row(each) for each in parameters if each.param_type_name == kind and not each.hidden]
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _row(parameter: Any) -> tuple[str, str]:
    """Return a line of `--help`: the short name first, the name of the value once at the end."""
    if parameter.param_type_name == "argument":
        return argument_name(parameter), meaning(parameter)
    names = ", ".join(sorted(parameter.opts, key=lambda option: option.startswith("--")))
    return (names if parameter.is_flag else f"{names} {argument_name(parameter)}"), meaning(parameter)


def _write_paragraphs(text: str, formatter: "HelpFormatter") -> None:
    if text:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(text)


def leaf_commands(command: Any, path: str = "botchat") -> Iterator[tuple[str, Any]]:
    """Yield every command that isn't a group, with its path, in the order of `--help`."""
    for name, each in command.commands.items():
        if each.hidden:
            continue
        if hasattr(each, "commands"):
            yield from leaf_commands(each, f"{path} {name}")
        else:
            yield f"{path} {name}", each
