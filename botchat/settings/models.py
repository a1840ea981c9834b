"""The settings and their tables in the config file, as validated data."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from botchat.core.bots import BotConfig
from botchat.core.errors import ConfigError, InvalidInput
from botchat.core.models.import_limits import ImportLimits, UploadLimits
from botchat.core.retention import Action
from botchat.core.storage import AUDIT_RETENTION
from botchat.durations import DURATION_PATTERN, format_duration, parse_duration

_LOCALHOST = (ip_network("127.0.0.1"), ip_network("::1"))


def _duration(value: Any) -> timedelta:
    try:
        time = parse_duration(value if isinstance(value, str) else repr(value))
    except InvalidInput as error:
        raise ValueError(str(error)) from error
    if not time:
        raise ValueError("it must be longer than zero")
    return time


_Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(format_duration, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["90d", "12h", "2w", "1y"]}),
]
_A_CENTURY = timedelta(days=36_500)


class RetentionRule(BaseModel):
    """A rule in the config file, `[[retention]]`: what happens to sessions after a time without a write.

    Attributes:
        older_than: time since the last message: a number and m, h, d, w or y.
        action: `delete` permanently, or `archive`.
        bot: only sessions of this bot; `agent` for sessions that agents write.
        user: only sessions of this user.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    older_than: _Duration
    action: Action
    bot: str | None = None
    user: str | None = None


class TuiSettings(BaseModel):
    """The table `[tui]` of the config file: the theme and the keys of the terminal client.

    Attributes:
        theme: `dark`, `light`, or the name of a Textual theme.
        keys: custom keys by action; docs/use/terminal.md lists the actions.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    theme: Annotated[str, Field(min_length=1)] = "dark"
    keys: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)


class ApiSettings(BaseModel):
    """The table `[api]` of the config file: the limits and permissions of `botchat api`.

    Attributes:
        requests_per_minute: per user.
        requests_per_minute_by_address: per IP address, for all users together.
        replies_at_once: per user, in one process.
        body_bytes: maximum size of a request body.
        message_characters: maximum length of a message.
        proxies: networks of trusted proxies, whose `X-Forwarded-For` is used; `[web]` has its own.
        admins_read: admins may read other users' sessions; each read is logged and stored as an audit event.
        audit_retention: how long an audit event is kept.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests_per_minute: Annotated[int, Field(gt=0)] = 300
    requests_per_minute_by_address: Annotated[int, Field(gt=0)] = 600
    replies_at_once: Annotated[int, Field(gt=0)] = 8
    body_bytes: Annotated[int, Field(gt=0)] = 2_000_000
    message_characters: Annotated[int, Field(gt=0)] = 200_000
    proxies: tuple[IPvAnyNetwork, ...] = _LOCALHOST
    admins_read: bool = False
    audit_retention: Annotated[_Duration, Field(le=_A_CENTURY)] = AUDIT_RETENTION


class LimitSettings(BaseModel):
    """The table `[limits]` of the config file: limits of both servers for unknown clients.

    Attributes:
        wrong_passwords: per minute, for one user from one IP address, or from a device that the user has signed in
            from before.
        wrong_passwords_by_address: per minute and IP address, for all users together.
        wrong_passwords_by_user: per minute and user, from all devices together that the user never signed in from.
        connections_by_address: open connections per IP address; those of a trusted proxy are not counted.
        header_seconds: time limit for the head of a request.
        body_seconds: time limit for the body of a request, plus one second per 500 bytes of it.
        send_seconds: time limit for a client that reads nothing of a response.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    wrong_passwords: Annotated[int, Field(gt=0)] = 10
    wrong_passwords_by_address: Annotated[int, Field(gt=0)] = 30
    wrong_passwords_by_user: Annotated[int, Field(gt=0)] = 100
    connections_by_address: Annotated[int, Field(gt=0)] = 256
    header_seconds: Annotated[float, Field(gt=0)] = 10
    body_seconds: Annotated[float, Field(gt=0)] = 20
    send_seconds: Annotated[float, Field(gt=0)] = 60


class OidcSettings(BaseModel):
    """The table `[web.oidc]` of the config file: single sign-on. The client secret is in the environment.

    Attributes:
        provider: URL of the provider's configuration, which ends in /.well-known/openid-configuration.
        client_id: ID of this botchat at the provider.
        address: public URL of the page; the provider redirects users to /oauth2callback below it.
        claim: the claim with the username; an email counts only if the provider has verified it.
        new_users: whether users without an account can sign in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Annotated[str, Field(pattern="^https?://")]
    client_id: Annotated[str, Field(min_length=1)]
    address: Annotated[str, Field(pattern="^https?://")]
    claim: Annotated[str, Field(min_length=1)] = "email"
    new_users: bool = False


class WebSettings(BaseModel):
    """The table `[web]` of the config file: how users sign in to the page.

    Attributes:
        sign_in: "none" (all visitors are one user), "password", "header" (set by a proxy) or "oidc" (single sign-on).
        header: the header in which a proxy sends the username.
        oidc: `[web.oidc]`, the provider if `sign_in` is "oidc".
        proxies: networks of trusted proxies, whose username and `X-Forwarded-For` are used.
        imports: `[web.imports]`, limits of uploaded import files.
        shared_links: who can read a shared link: "anyone" who has it, or only "signed-in" users.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sign_in: Literal["none", "password", "header", "oidc"] = "none"
    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] = "X-Forwarded-User"
    proxies: tuple[IPvAnyNetwork, ...] = _LOCALHOST
    oidc: OidcSettings | None = None
    imports: UploadLimits = UploadLimits()
    shared_links: Literal["anyone", "signed-in"] = "anyone"

    @model_validator(mode="after")
    def _is_complete(self) -> "WebSettings":
        if self.sign_in == "oidc" and self.oidc is None:
            raise ValueError("sign_in = 'oidc' needs the table [web.oidc]")
        return self


class Settings(BaseModel):
    """All settings.

    Attributes:
        store: URL or path of the store, `env:NAME` or `file:PATH` (which `load_settings` resolves); by default a file
            in the user's data folder.
        user: owner of the sessions; the default is the login name.
        host: address that `botchat web` and `botchat api` listen on.
        bots: `[bots.NAME]`, the bots.
        groups: `[groups]`, lists of users by name, for `users` of a bot.
        retention: `[[retention]]`, what happens to old sessions.
        tui: `[tui]`, theme and keys of the terminal client.
        api: `[api]`, limits and permissions of `botchat api`.
        web: `[web]`, how users sign in to the page.
        limits: `[limits]`, limits for unknown clients.
        default_bot: the bot of new sessions; by default the first bot of the config file, or else the demo bot.
        port: port that they listen on; by default 8501 or the next free one, and 8600 for the API.
        admins: users who can see the page's statistics about all users; by default the user of a page that only this
            machine can reach: anyone who can open the store there can read all of it anyway.
        imports: `[imports]`, limits of files that the command line imports.
        titles: whether the page and the terminal client ask the bot for a title of a new session.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: Annotated[str, Field(min_length=1)] | None = None
    user: Annotated[str, Field(min_length=1)] = "me"
    default_bot: str | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] | None = None
    admins: tuple[Annotated[str, Field(min_length=1)], ...] | None = None
    titles: bool = True
    bots: dict[str, BotConfig] = Field(default_factory=dict)
    groups: dict[str, tuple[Annotated[str, Field(min_length=1)], ...]] = Field(default_factory=dict)
    retention: tuple[RetentionRule, ...] = ()
    tui: TuiSettings = TuiSettings()
    imports: ImportLimits = ImportLimits()
    api: ApiSettings = ApiSettings()
    web: WebSettings = WebSettings()
    limits: LimitSettings = LimitSettings()

    def users_of(self, bot_id: str) -> tuple[str, ...] | None:
        """Return the users who may use a configured bot, with the members of its groups; None if all may.

        Raises:
            ConfigError: it names an unknown group.
        """
        if (names := self.bots[bot_id].users) is None:
            return None
        for name in names:
            if name.startswith("@") and name[1:] not in self.groups:
                raise ConfigError(f"Bot {bot_id!r} is limited to the group {name}, which is missing in [groups].")
        members = (self.groups[name[1:]] if name.startswith("@") else (name,) for name in names)
        return tuple(dict.fromkeys(user for some in members for user in some))
