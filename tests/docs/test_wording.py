"""The words of the project: none of its texts uses a turn of phrase that a native reader has to translate back."""

from pathlib import Path

import pytest
from support.wording import TURNS, Turn, find_turns, read_texts


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: turn.example)
def test_a_turn_is_found_in_its_example_and_not_in_the_words_to_write_instead(turn: Turn) -> None:
    assert list(turn.find(f"It says: {turn.example}")) or list(turn.find(turn.example))
    assert not list(turn.find(turn.instead))


def test_strings_in_pieces_f_strings_and_comments_are_read_whole(tmp_path: Path) -> None:
    source = tmp_path / "example.py"
    source.write_text('"""A doc."""\nx = "deleted for " "ever"\ny = f"{x} in all."\n# goes\n# on\n')

    assert [text for _, text in read_texts(source)] == ["A doc.", "deleted for ever", "{} in all.", "goes on"]


def test_no_text_uses_a_banned_turn() -> None:
    findings = find_turns()

    assert not findings, f"{len(findings)} banned turns:\n" + "\n".join(map(str, findings))
