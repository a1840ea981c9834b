"""`botchat config`: the origins of settings, the template, and the errors of an invalid file."""

import json
import tomllib
from dataclasses import asdict, fields
from pathlib import Path

import pytest
from support.shell import error_line, findings_by_status

from botchat.core.bots import BotConfig
from botchat.core.models.import_limits import ImportLimits, UploadLimits
from botchat.settings import ApiSettings, LimitSettings, Settings


def test_a_first_file_is_written_once_for_its_owner_alone_and_can_be_used(local_shell):
    missing = local_shell.run("config", "path")
    path = Path(missing.stdout.rstrip("\n"))
    assert (missing.returncode, path.exists(), "config init" in missing.stderr) == (0, False, True)
    assert local_shell.run("config", "init").stdout == f"{path}\n"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert local_shell.run("config", "validate").returncode == 0
    assert tomllib.loads(path.read_text()) == {}
    path.write_text('user = "mine"')
    again = local_shell.run("config", "init")
    assert again.returncode == 1
    assert error_line(again) == f"botchat: {path} already exists. Edit it, or delete it first.\n"
    assert path.read_text() == 'user = "mine"'
    found = local_shell.run("config", "path")
    assert (found.stdout, found.stderr) == (f"{path}\n", "")


def test_the_first_file_explains_every_setting_and_is_right_in_each(local_shell, tmp_path):
    path = tmp_path / "config.toml"
    local_shell.environment["BOTCHAT_CONFIG"] = str(path)
    local_shell.run("config", "init")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line if line.startswith("# ") else line.removeprefix("#") for line in lines))
    written = tomllib.loads(path.read_text())
    assert set(written) == set(Settings.model_fields)
    assert set(written["bots"]["local"]) == {field.name for field in fields(BotConfig)}
    assert local_shell.run("config", "validate").stderr == f"botchat: {path} is valid.\n"


def test_a_first_file_that_can_not_be_written_is_told(local_shell, tmp_path):
    (tmp_path / "file").touch()
    local_shell.environment["BOTCHAT_CONFIG"] = str(tmp_path / "file" / "config.toml")
    done = local_shell.run("config", "init")
    assert done.returncode == 2
    assert "Can't write" in error_line(done)


def test_every_setting_is_shown_with_its_origin_and_without_passwords(local_shell):
    file = local_shell.configure(
        'port = 80\nuser = "of the file"\n'
        '[bots.local]\nbase_url = "http://ann:geheim@127.0.0.1:1/v1?key=geheim"\nparams = {top_p = 1}'
    )
    local_shell.environment["BOTCHAT_STORE"] = "mongodb://ann:geheim@127.0.0.1:1/x?tlsCertificateKeyFilePassword=geheim"
    done = local_shell.run("config", "show", "-F", "json")
    shown = {row["name"]: (row["value"], row["origin"]) for row in json.loads(done.stdout)["items"]}
    bot = {"base_url": "http://ann:***@127.0.0.1:1/v1", "params": {"top_p": 1}}
    assert shown == {
        "store": ("mongodb://ann:***@127.0.0.1:1/x", "BOTCHAT_STORE"),
        "user": ("ann", "BOTCHAT_USER"),
        "default_bot": ("local", "default"),
        "host": ("127.0.0.1", "default"),
        "titles": (True, "default"),
        "tui.theme": ("dark", "default"),
        "tui.keys": ({}, "default"),
        **{f"imports.{name}": (value, "default") for name, value in asdict(ImportLimits()).items()},
        **{f"api.{name}": (value, "default") for name, value in ApiSettings().model_dump(mode="json").items()},
        **{f"limits.{name}": (value, "default") for name, value in LimitSettings()},
        "web.sign_in": ("none", "default"),
        "web.header": ("X-Forwarded-User", "default"),
        "web.proxies": (["127.0.0.1/32", "::1/128"], "default"),
        "web.oidc": (None, "default"),
        "web.shared_links": ("anyone", "default"),
        "web.imports": (asdict(UploadLimits()), "default"),
        "port": (80, str(file)),
        "admins": (None, "default"),
        "bots.local": (bot, str(file)),
        "bots.demo": ({"label": "canned replies, no AI"}, "default"),
    }
    assert "geheim" not in local_shell.run("config", "show").stdout


def test_a_bot_of_the_environment_is_shown_with_its_variable(local_shell):
    local_shell.environment["OPENAI_API_KEY"] = "sk-geheim"
    lines = local_shell.lines("config", "show")
    assert ["bots.openai", "model=gpt-5-mini, images=yes", "OPENAI_API_KEY"] in lines
    assert "geheim" not in str(lines)
    del local_shell.environment["OPENAI_API_KEY"]
    local_shell.environment["OPENAI_BASE_URL"] = "http://127.0.0.1:1/v1"
    assert ["bots.openai", "", "OPENAI_BASE_URL"] in local_shell.lines("config", "show")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[bots.a]\nmodle = 'x'", "unknown key bots.a.modle. Did you mean model?"),
        ("port = 70000", "invalid value 70000 for port"),
        ("[bots.a]\nbase_url = 'localhost'", "must start with http://"),
        ("[bots.a]\napi_key_env = 'sk-geheim'", "not the API key itself"),
        ("[bots.a.params]\nmodel = 'x'", "params of bot 'a'"),
        ("default_bot = 'b'\n[bots.a]\nmodel = 'x'", "Default bot 'b' not found"),
        ("store = 'ftp://x'", "ftp://"),
        ("store = 'mongodb://ann:geheim@h:notaport/x'", "Can't use the store address"),
        ("store = ['mongodb://ann:geheim@h/x']", "invalid value for store"),
        ("user = ", "is not valid TOML"),
    ],
)
def test_the_first_mistake_in_a_file_is_told_whatever_the_environment_says(local_shell, text, said):
    local_shell.environment |= {"BOTCHAT_PORT": "80", "BOTCHAT_BOT": "demo"}
    done = local_shell.run("config", "validate", str(local_shell.configure(text)))
    assert done.returncode == 2
    assert said in error_line(done)
    assert "geheim" not in done.stderr


def test_without_a_file_there_is_nothing_wrong_unless_one_is_named(local_shell, tmp_path):
    assert local_shell.run("config", "validate").returncode == 0
    done = local_shell.run("config", "validate", str(tmp_path / "none.toml"))
    assert done.returncode == 2
    assert "File not found" in error_line(done)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[tui.keys]\npni = "x"', "tui.keys.pni is unknown. Did you mean pin?"),
        ('[tui.keys]\npin = "ctrl+n"', "new and pin both use 'ctrl+n' (chat list)."),
        ('[tui]\ntheme = "drak"', "tui.theme: unknown theme 'drak'"),
    ],
)
def test_what_the_terminal_chat_refuses_is_told_before_it_is_started(local_shell, store, text, said):
    done = local_shell.run("config", "validate", str(local_shell.configure(text)))
    assert (done.returncode, said in error_line(done)) == (2, True)
    checked = local_shell.run("doctor", "-F", "json")
    ((what, advice),) = findings_by_status(checked)["failed"]
    assert (checked.returncode, what) == (1, "`botchat tui` can't start with this configuration.")
    assert said in advice


def test_a_host_that_others_can_reach_is_warned_of(local_shell):
    file = local_shell.configure('host = "0.0.0.0"')
    done = local_shell.run("config", "validate", str(file))
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, f"botchat: {file} is valid.")
    assert "`botchat web` won't start on host 0.0.0.0" in done.stderr
    local_shell.configure('host = "0.0.0.0"\n[web]\nsign_in = "password"')
    assert "won't start" not in local_shell.run("config", "validate").stderr


def test_a_byte_order_mark_is_read_over(local_shell):
    file = local_shell.configure("")
    file.write_bytes(b'\xef\xbb\xbfuser = "bob"\n')
    assert local_shell.run("config", "validate").returncode == 0
    address = file.with_name("address")
    address.write_bytes(b"\xef\xbb\xbf" + local_shell.store.encode() + b"\n")
    local_shell.environment["BOTCHAT_STORE"] = f"file:{address}"
    assert ["store", local_shell.store, "BOTCHAT_STORE"] in local_shell.lines("config", "show")
