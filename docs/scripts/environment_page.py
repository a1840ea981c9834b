"""The page about environment variables. A test compares its variables with those that the code reads."""

from markup import code, page, table

_INTRODUCTION = """\
Every environment variable that botchat reads. An option of a command overrides it, and it overrides the
[configuration file](config.md). An empty variable counts as unset. `botchat config show` prints where each value comes
from."""

VARIABLES: dict[str, dict[str, str]] = {
    "Settings": {
        "BOTCHAT_CONFIG": "Path of the [configuration file](config.md).",
        "BOTCHAT_STORE": "Address of the store, as `--store`.",
        "BOTCHAT_USER": "Owner of the sessions, as `--user`. Default: your login name.",
        "BOTCHAT_BOT": "Bot for new sessions, as `--bot`.",
        "BOTCHAT_INPUT_TIMEOUT": "Seconds that `botchat ask QUESTION` waits for the first byte of piped input, then "
        "asks without it. Default: 30. With `-` after the question, it waits until the input ends.",
        "BOTCHAT_HOST": "Address that `botchat web` and `botchat api` listen on, as `--host`. Default: 127.0.0.1.",
        "BOTCHAT_PORT": "Port that they listen on, as `--port`. Default: 8501 or the next free one; for the API, 8600.",
    },
    "Models": {
        "OPENAI_API_KEY": "API key for OpenAI, or for the server at `OPENAI_BASE_URL`. It is never sent to another "
        "`base_url` of the configuration file; a bot there names its own variable in `api_key_env`.",
        "OPENAI_BASE_URL": "URL of an OpenAI-compatible server. Default: OpenAI.",
        "OPENAI_MODEL": "Model, if the configuration file has no bots. Default: `gpt-5-mini` at OpenAI, else the first "
        "model that the server lists.",
        "OPENAI_ORG_ID": "Organization header for OpenAI (read by the openai package).",
        "OPENAI_PROJECT_ID": "Project header for OpenAI (read by the openai package).",
        "OPENAI_CUSTOM_HEADERS": "Additional headers, one `Name: value` per line (read by the openai package).",
    },
    "Secrets of the servers": {
        "BOTCHAT_SERVER_KEY": "API key of `botchat ask --server`.",
        "BOTCHAT_TOKEN": "API token of `botchat tui --server`.",
        "BOTCHAT_SIGNING_KEY": "Key that signs the API's access tokens, at least 32 bytes, the same for all processes. "
        "Without it, sign-in to the API with a password is off; API tokens work.",
        "BOTCHAT_OIDC_SECRET": "Client secret for single sign-on ([`[web.oidc]`](config.md#weboidc)).",
    },
    "Network": {
        "HTTP_PROXY": "Proxy for `http://` servers. Lower-case names work too, here and in the next three rows.",
        "HTTPS_PROXY": "Proxy for `https://` servers.",
        "ALL_PROXY": "Proxy for both: `http://`, `https://` or `socks5://`.",
        "NO_PROXY": "Hosts, domains and networks that are reached without a proxy. Servers on this machine always are.",
        "SSL_CERT_FILE": "File with the certificates of your own certificate authority.",
        "SSL_CERT_DIR": "Directory with such certificates.",
        "REQUEST_METHOD": "If set (in a CGI script), `HTTP_PROXY` is ignored, because a client could have sent it.",
        "FORWARDED_ALLOW_IPS": "Trusted proxies of `botchat api`. It overrides `proxies` in [`[api]`](config.md#api).",
    },
    "Folders and display": {
        "XDG_CONFIG_HOME": "Folder of the configuration folder on Linux. Default: `~/.config`.",
        "XDG_DATA_HOME": "Folder of the data folder on Linux. Default: `~/.local/share`.",
        "VISUAL": "Your editor, for `ctrl+g` in the terminal client. Before `EDITOR`.",
        "EDITOR": "Your editor, if `VISUAL` is unset. Default: `vi`.",
        "SHELL": "Shell that `botchat completion` prints a script for, if you name none.",
        "NO_COLOR": "If set, the output has no color.",
    },
}


def pages() -> dict[str, str]:
    """Return the text of the page by its path below docs/reference/."""
    parts = []
    for heading, variables in VARIABLES.items():
        rows = [(code(name), meaning) for name, meaning in variables.items()]
        parts += [f"## {heading}", table(("Variable", "Meaning"), rows)]
    return {"environment.md": page("Environment variables", _INTRODUCTION, *parts)}
