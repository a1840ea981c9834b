"""The exit codes, their meanings, and the exit code of each error. No other module defines them."""

from botchat.core.errors import (
    AccountNotFound,
    BotchatError,
    BotError,
    ConfigError,
    InvalidInput,
    MessageNotFound,
    NotAllowed,
    NotSignedIn,
    SessionNotFound,
    StoreError,
    TokenNotFound,
    UserNotFound,
)

SUCCESS, FAILED, USAGE_ERROR, PARTIAL_FAILURE = 0, 1, 2, 7
INTERRUPTED, BROKEN_PIPE, TERMINATED = 130, 141, 143

_CODES: dict[type[BotchatError], int] = {
    InvalidInput: USAGE_ERROR,
    ConfigError: USAGE_ERROR,
    SessionNotFound: 3,
    MessageNotFound: 3,
    UserNotFound: 3,
    AccountNotFound: 3,
    TokenNotFound: 3,
    NotSignedIn: 4,
    NotAllowed: 4,
    StoreError: 5,
    BotError: 6,
    BotchatError: FAILED,
}

MEANINGS: dict[int, str] = {
    SUCCESS: "It is done.",
    FAILED: "It failed, or you said no.",
    USAGE_ERROR: "The command or the configuration is not right; nothing was done.",
    3: "There is no such session, message, user or token.",
    4: "That is not allowed.",
    5: "The store, or the server before it, can't be reached, read or written.",
    6: "The bot failed; what came of its reply is kept.",
    PARTIAL_FAILURE: "Some of many failed, the others are done.",
    INTERRUPTED: "You pressed Ctrl+C; what came is kept.",
    BROKEN_PIPE: "Whoever read the output has gone, as in `botchat … | head`.",
    TERMINATED: "It was asked to end (SIGTERM); what came is kept.",
}


def exit_code(error: BotchatError) -> int:
    """Return the exit code of an error; `botchat help exit-codes` lists them."""
    return next(_CODES[kind] for kind in type(error).__mro__ if kind in _CODES)
