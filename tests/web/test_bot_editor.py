"""The bot editor: the config file keeps its comments, the bot is there at once, and no key is in a file as text."""

import pytest
from support.environment import environment

from botchat.bootstrap import build_bots
from botchat.core.bots import BotRegistry
from botchat.core.errors import ConfigError, InvalidInput
from botchat.settings import load_settings
from botchat.web.bot_editor import BotEditor, BotForm

_KEY = "sk-very-secret-0123456789"
_CONFIG = """\
# my notes
user = "ann"  # me

[bots.first]
model = "m1"
base_url = "http://127.0.0.1:1/v1"
params = { temperature = 0.5 }  # warm

# the end
[limits]
wrong_passwords = 5
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config" / "config.toml"
    path.parent.mkdir()
    path.write_text(_CONFIG, encoding="utf-8")
    return path


@pytest.fixture
def edit(config, tmp_path):
    """Return a new editor of the config file, as after a start, and the bots of its process."""

    def start():
        variables = {"BOTCHAT_CONFIG": str(config)}
        settings = load_settings(variables)
        bots = BotRegistry(build_bots(settings, variables))
        return BotEditor(settings, bots, variables), bots

    with environment(XDG_DATA_HOME=str(tmp_path / "data"), PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring"):
        yield start


def test_a_new_bot_is_in_the_file_and_in_the_process_and_the_rest_of_the_file_stays(edit, config):
    editor, bots = edit()
    editor.save(BotForm(bot_id="new", base_url="http://127.0.0.1:2/v1", model='a "b"'), is_new=True)
    assert config.read_text(encoding="utf-8").startswith(_CONFIG.rstrip())
    assert (list(bots), bots["new"].info.model, bots.default) == (["first", "new", "demo"], 'a "b"', "first")
    assert load_settings({"BOTCHAT_CONFIG": str(config)}).bots["new"].model == 'a "b"'


def test_an_edited_bot_keeps_its_comments_and_other_keys_and_a_removed_one_is_gone(edit, config):
    editor, bots = edit()
    editor.save(BotForm(bot_id="first", base_url="http://127.0.0.1:1/v1", model="m2"), is_new=False)
    text = config.read_text(encoding="utf-8")
    assert text == _CONFIG.replace('"m1"', '"m2"')
    assert bots["first"].info.model == "m2"
    editor.remove("first")
    assert list(bots) == ["demo"]
    left = config.read_text(encoding="utf-8")
    assert "# my notes" in left
    assert "wrong_passwords = 5" in left
    assert "first" not in left


def test_an_entered_key_is_in_no_file_as_text_and_is_there_after_a_restart(edit, config, tmp_path):
    editor, bots = edit()
    form = BotForm(bot_id="new", base_url="http://127.0.0.1:2/v1", api_key=_KEY)
    editor.save(form, is_new=True)
    assert _KEY not in repr(form)
    assert bots["new"].info.has_key
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files if _KEY.encode() in path.read_bytes()] == []
    kept = [path for path in files if path.name.startswith("api_keys")]
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o600, 0o600]
    assert edit()[1]["new"].info.has_key
    edit()[0].save(BotForm(bot_id="new", base_url="http://127.0.0.1:2/v1", model="m", keeps_key=True), is_new=False)
    assert edit()[1]["new"].info.has_key


def test_a_stored_key_is_not_sent_to_another_server(edit, config):
    editor, bots = edit()
    editor.save(BotForm(bot_id="new", base_url="http://127.0.0.1:2/v1", api_key=_KEY), is_new=True)
    editor.save(BotForm(bot_id="new", base_url="http://127.0.0.1:3/v1", keeps_key=True), is_new=False)
    assert not bots["new"].info.has_key
    config.write_text('[bots.new]\nbase_url = "http://127.0.0.1:4/v1"\napi_key_store = "file"\n', encoding="utf-8")
    assert not edit()[1]["new"].info.has_key


def test_a_file_that_cant_be_written_changes_nothing_and_the_error_has_the_lines_without_the_key(edit, config):
    editor, bots = edit()
    config.unlink()
    config.parent.rmdir()
    config.parent.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(ConfigError, match="config file") as caught:
        editor.save(BotForm(bot_id="new", base_url="http://127.0.0.1:2/v1", api_key=_KEY), is_new=True)
    assert _KEY not in str(caught.value)
    assert list(bots) == ["first", "demo"]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (BotForm(bot_id="a b"), "Enter a name"),
        (BotForm(bot_id="demo"), "reserved"),
        (BotForm(bot_id="first"), "already a model"),
        (BotForm(bot_id="new", base_url="ftp://x"), "must start with"),
        (BotForm(bot_id="new", base_url="http://u:secret@x/v1"), "without a password"),
        (BotForm(bot_id="new", api_key="two words"), "contains a space"),
        (BotForm(bot_id="new", api_key_env="sk-12-34"), "name of an environment variable"),
    ],
)
def test_an_invalid_form_is_refused_before_anything_is_written(edit, config, form, said):
    editor, _ = edit()
    with pytest.raises(InvalidInput, match=said):
        editor.save(form, is_new=True)
    assert config.read_text(encoding="utf-8") == _CONFIG


def test_the_default_bot_that_is_removed_is_no_longer_the_default(edit, config):
    config.write_text('default_bot = "first"\n' + _CONFIG, encoding="utf-8")
    editor, bots = edit()
    editor.remove("first")
    assert (bots.default, load_settings({"BOTCHAT_CONFIG": str(config)}).default_bot) == ("demo", None)
