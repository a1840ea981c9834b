"""Settings: their origins, which one wins, and the errors of invalid ones."""

import re
from pathlib import Path

import pytest

from botchat.bootstrap import build_repository, build_turns, default_bot, sqlite_path
from botchat.core.errors import ConfigError
from botchat.settings import load_settings


@pytest.fixture
def config(tmp_path):
    """Write a config file and load the settings with it."""

    def load(text: str = "", environment: dict | None = None, **options):
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return load_settings({"BOTCHAT_CONFIG": str(path)} | (environment or {}), **options)

    return load


def test_without_a_word_there_is_a_user_a_file_and_the_demo_bot(config):
    settings = config()
    assert settings.user
    assert (settings.store, settings.host, settings.port) == (None, "127.0.0.1", None)
    turns = build_turns(settings, {})
    assert (list(turns.bots), default_bot(settings, turns.bots)) == (["demo"], "demo")


def test_an_option_wins_over_the_environment_and_that_over_the_file(config):
    file = 'store = "file.db"\nuser = "of the file"\nport = 1'
    environment = {"BOTCHAT_USER": "of the environment", "BOTCHAT_PORT": "2"}
    assert config(file).user == "of the file"
    assert config(file, environment).user == "of the environment"
    assert config(file, environment, user="of the option").user == "of the option"
    assert config(file, environment).port == 2
    assert config(file, environment, user=None, port=None).store == "file.db"
    assert config(file, {"BOTCHAT_USER": ""}).user == "of the file"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stor = 'x'", "Did you mean store?"),
        ("[bots.a]\nmodle = 'x'", "Did you mean model?"),
        ("[bots.a]\nmodel = 3", "bots.a.model"),
        (
            "[bots.a]\nthink_tags = 'sometimes'",
            'invalid value \'sometimes\' for bots.a.think_tags: use "auto", "open", "off", or',
        ),
        ("[bots.a]\nthink_tags = ['<a>']", "opening and the closing tag"),
        ("[bots.a]\nthink_tags = ['<a>', '']", "opening and the closing tag"),
        ("[bots.a]\nthink_tags = ['<a>', 3]", "opening and the closing tag"),
        ("[bots.a]\nthink_tags = 3", "opening and the closing tag"),
        ("[bots.a]\ntimeout = 0", "bots.a.timeout"),
        ("[bots.a]\ncontext_window = -5", "bots.a.context_window"),
        ("store = ''", "store"),
        ("port = 70000", "port"),
        ("bots = 'a'", "bots"),
        ("user = ''", "user"),
        ("user = ", "is not valid TOML"),
        ("zzz = 1", "Known keys: store"),
        pytest.param("x = " + "[" * 100_000, "nested too deeply", id="nested"),
        pytest.param("#" * 1_000_001, "larger than 1 MB", id="large"),
    ],
)
def test_a_mistake_in_the_file_is_said_with_its_place(config, text, said):
    with pytest.raises(ConfigError, match=r"config\.toml") as caught:
        config(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value).partition("TOML")[0]


def test_a_config_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match=r"not found\. Check BOTCHAT_CONFIG"):
        load_settings({"BOTCHAT_CONFIG": str(tmp_path / "none.toml")})
    with pytest.raises(ConfigError, match="Can't read the config file"):
        load_settings({"BOTCHAT_CONFIG": str(tmp_path)})


def test_a_port_in_the_environment_that_is_no_number_is_refused(config):
    with pytest.raises(ConfigError, match="BOTCHAT_PORT"):
        config("", {"BOTCHAT_PORT": "eighty"})


def test_bots_of_the_file_come_first_and_the_demo_is_always_there(config):
    settings = config("[bots.local]\nmodel = 'm'\nbase_url = 'http://127.0.0.1:1/v1'\n[bots.other]\nmodel = 'n'")
    turns = build_turns(settings, {})
    assert list(turns.bots) == ["local", "other", "demo"]
    assert default_bot(settings, turns.bots) == "local"
    assert turns.bots["local"].info.label == "m"


def test_the_default_bot_is_the_one_that_is_set_and_must_be_there(config):
    settings = config("[bots.local]\nmodel = 'm'", {"BOTCHAT_BOT": "demo"})
    assert default_bot(settings, build_turns(settings, {}).bots) == "demo"
    settings = config("default_bot = 'lokal'\n[bots.local]\nmodel = 'm'")
    with pytest.raises(ConfigError, match="demo, local"):
        default_bot(settings, build_turns(settings, {}).bots)


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "OPENAI_BASE_URL"])
def test_a_key_or_a_server_in_the_environment_is_enough_for_a_real_bot(config, variable):
    turns = build_turns(config(), {variable: "http://127.0.0.1:1/v1"})
    assert default_bot(config(), turns.bots) == "openai"


def test_of_the_bots_of_the_environment_only_the_default_model_is_known_to_see(config):
    key = {"OPENAI_API_KEY": "k"}
    others = {"OPENAI_MODEL": "m"}, {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
    for more, sees in (({}, True), *((other, False) for other in others)):
        turns = build_turns(config(), key | more)
        assert turns.bots["openai"].info.images is sees
    turns = build_turns(config("[bots.a]\nmodel = 'm'\nimages = true\n[bots.b]\nmodel = 'm'"), key)
    assert [turns.bots[bot_id].info.images for bot_id in ("a", "b", "demo")] == [True, False, False]


def test_a_base_url_that_is_none_is_refused(config):
    with pytest.raises(ConfigError, match="base_url"):
        build_turns(config("[bots.a]\nbase_url = 'localhost:80'"), {})


def test_a_key_in_the_place_of_its_variables_name_is_refused_and_not_shown(config):
    with pytest.raises(ConfigError, match="the name of an environment variable, not the API key itself") as caught:
        build_turns(config("[bots.a]\napi_key_env = 'sk-secret'"), {})
    assert "sk-secret" not in str(caught.value)


def test_params_can_not_hold_what_botchat_sends_itself(config):
    with pytest.raises(ConfigError, match="messages, model"):
        build_turns(config("[bots.a.params]\nmodel = 'x'\nmessages = 1"), {})


def test_a_mongodb_without_a_database_says_which_one_is_used():
    repository = build_repository("mongodb://127.0.0.1:1")
    assert repository.name == "mongodb://127.0.0.1:1/botchat"
    repository.close()


@pytest.mark.parametrize("address", ["postgres://x", "sqlite://x", "mongo://x"])
def test_a_store_of_an_unknown_kind_is_refused(address):
    with pytest.raises(ConfigError, match=address.partition(":")[0]):
        build_repository(address)


@pytest.mark.parametrize("prefix", ["", "sqlite:///"])
def test_a_path_is_a_file(tmp_path, prefix):
    repository = build_repository(f"{prefix}{tmp_path}/my.db")
    repository.prepare()
    assert repository.name == f"{tmp_path}/my.db"
    assert (tmp_path / "my.db").stat().st_mode & 0o777 == 0o600
    repository.close()


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://",
        "mongodb://ann:top/secret@127.0.0.1:1/x",
        "mongodb://ann:topsecret@127.0.0.1:notaport/x",
        "mongodb://ann:topsecret@127.0.0.1:1/a%20b",
        "mongodb://ann:topsecret@127.0.0.1:1/x?w=0",
    ],
)
def test_a_mongodb_address_that_can_not_be_is_refused_without_its_password(uri):
    with pytest.raises(ConfigError) as caught:
        build_repository(uri)
    assert "topsecret" not in str(caught.value)
    assert "top/secret" not in str(caught.value)


def test_a_store_is_shown_without_its_password_and_its_options():
    repository = build_repository("mongodb://ann:topsecret@127.0.0.1:1/notes?tlsCertificateKeyFilePassword=x")
    assert repository.name == "mongodb://ann:***@127.0.0.1:1/notes"
    repository.close()


def test_think_tags_are_a_word_or_a_pair_of_tags(config):
    settings = config("[bots.a]\nthink_tags = ['<a>', '</a>']\n[bots.b]\nthink_tags = 'open'\n[bots.c]\n")
    assert [bot.think_tags for bot in settings.bots.values()] == [("<a>", "</a>"), "open", "auto"]


def test_a_store_that_lacks_the_slash_of_an_absolute_path_is_told(tmp_path):
    with pytest.raises(ConfigError, match=re.escape(f"An absolute path needs four slashes: sqlite:///{tmp_path}/x.db")):
        sqlite_path(f"sqlite://{tmp_path}/x.db")
    assert sqlite_path(f"sqlite:///{tmp_path}/x.db") == tmp_path / "x.db"
    assert sqlite_path("sqlite:///x.db") == Path.cwd() / "x.db"
