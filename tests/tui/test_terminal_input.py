"""What the terminal sends, as the parser reads it: keys with modifiers, pastes without marks, and rare spaces."""

import pytest
from textual import events

from botchat.tui.terminal_input import READ_BYTES, InputParser


def read(*chunks: str) -> list[str]:
    """The keys and pastes of these reads, in order."""
    parser = InputParser()
    found = [message for chunk in chunks for message in parser.feed(chunk)]
    return [f"paste {m.text!r}" if isinstance(m, events.Paste) else m.key for m in found]


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("\x1b\r", "alt+enter"),
        ("\x1b\n", "alt+enter"),
        ("\x1b[13;3u", "alt+enter"),
        ("\x1b[13;2u", "shift+enter"),
        ("\x1b[13;5u", "ctrl+enter"),
        ("\x1b[27;2;13~", "shift+enter"),
        ("\x1b[27;5;13~", "ctrl+enter"),
        ("\x1b[27;3;13~", "alt+enter"),
        ("\r", "enter"),
        ("\n", "ctrl+j"),
    ],
)
def test_enter_with_a_modifier_is_read_in_every_encoding(sent, key):
    assert read(sent) == [key]


def test_a_key_in_pieces_is_one_key():
    assert read("\x1b[13", ";2u") == ["shift+enter"]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_lines_that_arrive_at_once_are_a_paste(end):
    assert read(f"one{end}two{end}") == ["paste 'one\\ntwo\\n'"]


def test_a_line_and_enter_at_once_are_keys():
    assert read("ok\r") == ["o", "k", "enter"]
    assert read("ok\r\x11") == ["o", "k", "enter", "ctrl+q"]
    assert read("\r\r") == ["enter", "enter"]


def test_a_paste_goes_on_in_the_next_read_only_if_the_read_was_full():
    full = "one\r" + "x" * (READ_BYTES - 4)
    assert read(full, "end\r") == [f"paste {full.replace(chr(13), chr(10))!r}", "paste 'end\\n'"]
    assert read("one\rtwo", "end\r")[1:] == ["e", "n", "d", "enter"]


@pytest.mark.parametrize("cut", range(1, 6))
def test_a_marked_paste_is_read_as_before_also_in_pieces(cut):
    start, end = "\x1b[200~", "\x1b[201~"
    assert read(start[:cut], start[cut:] + "one\rtwo\r", "three\rfour", end[:cut], end[cut:] + "x") == [
        "paste 'one\\rtwo\\rthree\\rfour'",
        "x",
    ]


@pytest.mark.parametrize("character", ["\u3000", "\u00a0", "\u200c", "\u200d", "\u200e", "\u202f", "\u00ad"], ids=ascii)
def test_a_typed_space_or_joiner_is_text(character):
    assert read(character) == [f"paste {character!r}"]


def test_control_characters_stay_keys():
    assert read("\x01", "\x7f", "\t", "\x03") == ["ctrl+a", "backspace", "tab", "ctrl+c"]
