"""Configurable keys: validation of the config file, and the documented tables of keys."""

import re

import pytest
from support.fakes import DONE
from support.paths import DOCS
from support.stores.sessions import stored
from support.tui.stories import async_test, terminal
from textual._xterm_parser import XTermParser
from textual.events import Key

from botchat.core.errors import ConfigError
from botchat.settings import load_settings
from botchat.tui.commands import display_key
from botchat.tui.key_overrides import check_keys
from botchat.tui.keymap import KEYMAP, scope_bindings

DOCUMENT = DOCS / "reference" / "terminal_keys.md"


def test_the_document_tells_every_key_that_there_is():
    text = DOCUMENT.read_text(encoding="utf-8")
    tables = {
        place.lower(): re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| ([^|]+) \|$", rows, re.MULTILINE)
        for place, rows in re.findall(r"^## (.+)\n((?:.*\n)+?)(?=^#|\Z)", text, re.MULTILINE)
    }
    tables.pop("fixed keys")
    assert tables == {
        place: [
            (display_key(binding, {}), binding.id, binding.tooltip or binding.description)
            for binding in scope_bindings(place)
        ]
        for place in KEYMAP
    }


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"pni": "x"}, "tui.keys.pni is unknown. Did you mean pin?"),
        ({"zzzzzz": "x"}, "tui.keys.zzzzzz is unknown. Known actions: new, sessions"),
        ({"pin": "ctrl+nonsense"}, "tui.keys.pin: 'ctrl+nonsense' is not a valid key."),
        ({"pin": "d"}, "both use 'd' (chat list)."),
        ({"pin": "ctrl+n"}, "new and pin both use 'ctrl+n' (chat list)."),
    ],
)
def test_a_mistake_in_the_keys_is_told(keys, expected):
    with pytest.raises(ConfigError, match=re.escape(expected)):
        check_keys(keys)


@pytest.mark.parametrize("keys", [{}, {"pin": "x"}, {"new": "f2,ctrl+t"}, {"good": "plus"}, {"search": "?"}])
def test_keys_that_can_be_had_are_taken(keys):
    check_keys(keys)


def settings_of(tmp_path, text: str):
    path = tmp_path / "config.toml"
    path.write_text(text)
    return load_settings({"BOTCHAT_CONFIG": str(path)})


def test_theme_and_keys_come_from_the_config_file(tmp_path):
    tui = settings_of(tmp_path, '[tui]\ntheme = "light"\nkeys = {new = "f2"}\n').tui
    assert (tui.theme, tui.keys) == ("light", {"new": "f2"})


def test_a_name_in_the_table_that_is_none_is_told_with_its_place(tmp_path):
    with pytest.raises(ConfigError, match=re.escape("unknown key tui.them. Did you mean theme?")):
        settings_of(tmp_path, '[tui]\nthem = "light"\n')


@async_test
async def test_a_key_of_the_config_file_does_it_and_the_usual_one_does_not(chat_with, store, tmp_path):
    stored(store)
    async with terminal(chat_with("Yes.", DONE), tmp_path, keys={"pin": "x", "send": "f8"}) as at:
        at.app.sessions.list.focus()
        await at.press("p")
        await at.press("x")
        await at.sees("★")
        at.app.conversation.composer.focus()
        await at.type("Hi")
        await at.press("enter", "f8")
        await at.sees("Yes.")


@async_test
async def test_f1_shows_every_key_as_it_is_now(chat_with, tmp_path):
    async with terminal(chat_with(), tmp_path, size=(100, 120), keys={"pin": "x"}) as at:
        await at.press("f1")
        await at.sees("Global", "Composer", "Chat list", "Messages")
        for place in KEYMAP:
            for binding in scope_bindings(place):
                assert (binding.tooltip or binding.description) in at.text
        assert re.search(r"x +Pin or unpin", at.text)
        await at.press("escape")
        await at.until(lambda: "Keyboard shortcuts" not in at.text)


@async_test
async def test_f1_scrolls_with_the_arrow_keys(chat_with, tmp_path):
    async with terminal(chat_with(), tmp_path, size=(60, 20)) as at:
        await at.press("f1")
        await at.sees("Start a new chat")
        await at.press("end")
        await at.sees("Jump to latest")


def test_alt_enter_is_read_without_the_kitty_protocol():
    assert [event.key for event in XTermParser().feed("\x1b\r") if isinstance(event, Key)] == ["alt+enter"]


@async_test
async def test_the_palette_does_everything_that_has_a_key(chat_with, tmp_path):
    async with terminal(chat_with(), tmp_path) as at:
        titles = {command.title for command in at.app.get_system_commands(at.app.screen)}
        all_keys = [binding for place in KEYMAP for binding in scope_bindings(place) if binding.id != "palette"]
        assert {binding.tooltip or binding.description for binding in all_keys} <= titles
        await at.press("ctrl+p")
        await at.type("switch between")
        await at.until(lambda: "Switch between chats" in at.text and "Archive or unarchive" not in at.text)
        await at.press("enter")
        await at.sees("No archived chats.")


@async_test
async def test_ctrl_c_leaves_at_the_second_time(chat_with, tmp_path):
    async with terminal(chat_with(), tmp_path) as at:
        at.app.sessions.list.focus()
        await at.press("ctrl+c")
        await at.until(lambda: at.toasts == ["Press Ctrl+C again to quit. The current reply is saved."])
        await at.press("ctrl+c")
        await at.until(lambda: not at.app.is_running)
