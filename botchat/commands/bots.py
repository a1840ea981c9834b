"""The commands of `botchat bots`: list, show, test."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from botchat.commands.output.key_values import mask_secrets, print_key_values
from botchat.commands.output.tables import Columns, FormatOption, Row, fields_option, print_rows
from botchat.commands.support.completers import complete_bot
from botchat.commands.support.exit_codes import PARTIAL_FAILURE
from botchat.commands.support.options import print_notice
from botchat.commands.support.suggestions import suggestion
from botchat.core.errors import InvalidInput, UnknownBot
from botchat.core.urls import without_password

if TYPE_CHECKING:
    from botchat.core.chat import ProbeResult
    from botchat.core.models import BotInfo
    from botchat.settings import Settings

_BOTS = Columns(
    names=("id", "model", "base_url", "key", "key_set", "context_window", "default"),
    in_table=("id", "model", "default", "key", "key_set", "base_url", "context_window"),
    flexible="model",
)
_SETTINGS = Columns(names=("name", "value"), in_table=("name", "value"), flexible="value", key="name")
_PROBES = Columns(
    names=("id", "ok", "model", "first_token_ms", "latency_ms", "streamed", "reasoned", "usage", "error"),
    in_table=("id", "ok", "model", "first_token_ms", "latency_ms", "streamed", "reasoned", "usage"),
    flexible="model",
)

_BotArgument = typer.Argument(help="Bot ID.", metavar="BOT", autocompletion=complete_bot)


def list_bots(
    user: Annotated[str | None, typer.Option(help="Only the bots that this user may use.", metavar="NAME")] = None,
    output_format: FormatOption = None,
    fields: Annotated[str | None, fields_option(*_BOTS.names)] = None,
) -> None:
    """List bots.

    key_set shows whether the bot's API key is in the environment.

    Example: botchat bots list
    """
    from botchat.bootstrap import build_turns, default_bot
    from botchat.settings import load_settings

    settings = load_settings()
    bots = build_turns(settings).bots
    chosen = default_bot(settings, bots)
    print_rows(
        (_bot_row(bot.info, chosen) for bot in bots.values() if user is None or bot.info.allows(user)),
        _BOTS,
        output_format,
        fields,
    )


def show(bot: Annotated[str, _BotArgument], output_format: FormatOption = None) -> None:
    """Show a bot's settings, including the defaults.

    Example: botchat bots show demo
    """
    from botchat.settings import load_settings

    print_key_values(_bot_settings(load_settings(), bot), _SETTINGS, output_format)


def probe(
    bot: Annotated[str | None, _BotArgument] = None,
    every: Annotated[bool, typer.Option("--all", help="Test all bots.")] = False,
    output_format: FormatOption = None,
    fields: Annotated[str | None, fields_option(*_PROBES.names)] = None,
) -> None:
    """Test whether a bot replies.

    Sends a short prompt and reports the time to the first token and the total time, in milliseconds. Nothing is saved.

    Example: botchat bots test demo
    """
    from botchat.bootstrap import build_turns, default_bot
    from botchat.core.chat import probe_bots
    from botchat.settings import load_settings

    if every and bot:
        raise InvalidInput("Use BOT or --all, not both.")
    settings = load_settings()
    bots = build_turns(settings).bots
    if bot:
        _check_bot_exists(bot, bots)
    asked = list(bots) if every else [bot or default_bot(settings, bots)]
    trials = probe_bots(bots[bot_id] for bot_id in asked)
    failures = [trial.failure for trial in trials if trial.failure]
    if failures and not every:
        raise failures[0]
    print_rows(map(_probe_row, trials), _PROBES, output_format, fields)
    _report_failures(trials)


def _report_failures(trials: "list[ProbeResult]") -> None:
    from botchat.core.exporting import one_line

    failed = [trial for trial in trials if trial.failure]
    for trial in failed:
        print_notice(f"{trial.bot_id}: {one_line(str(trial.failure))}")
    if failed:
        raise typer.Exit(PARTIAL_FAILURE)


def _check_bot_exists(bot_id: str, bots: Any) -> None:
    if bot_id not in bots:
        raise UnknownBot(f"Unknown bot {bot_id!r}. {suggestion(bot_id, bots)}")


def _bot_row(info: "BotInfo", default: str) -> Row:
    return {
        "id": info.bot_id,
        "model": info.label,
        "base_url": info.base_url and without_password(info.base_url),
        "key": info.key_name,
        "key_set": info.has_key if info.key_name else None,
        "context_window": info.context_window,
        "default": info.bot_id == default,
    }


def _bot_settings(settings: "Settings", bot_id: str) -> Iterator[Row]:
    from dataclasses import asdict

    from botchat.bootstrap import bot_configs, build_turns, default_bot

    bots = build_turns(settings).bots
    _check_bot_exists(bot_id, bots)
    row = dict(_bot_row(bots[bot_id].info, default_bot(settings, bots)))
    config = bot_configs(settings).get(bot_id)
    if config:
        hidden = {"model", "base_url", "api_key_env"}  # their effective values are in the row
        row |= {name: mask_secrets(value) for name, value in asdict(config).items() if name not in hidden}
    for name, value in row.items():
        yield {"name": name, "value": value}


def _probe_row(trial: "ProbeResult") -> Row:
    return {
        "id": trial.bot_id,
        "ok": trial.failure is None,
        "model": trial.model,
        "first_token_ms": trial.first_token_ms,
        "latency_ms": trial.latency_ms,
        "streamed": trial.streamed,
        "reasoned": trial.reasoned,
        "usage": trial.usage,
        "error": str(trial.failure) if trial.failure else None,
    }
