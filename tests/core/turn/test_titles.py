"""Generated titles: when they are requested, how they are parsed, and that a failure has no effect."""

import logging
import queue

import pytest
from support.fakes import DONE, Gate, ScriptedBot
from support.stores.sessions import stored

from botchat.bootstrap import build_turns
from botchat.core.bots import BotConfig
from botchat.core.bots.demo import DemoBot
from botchat.core.bots.openai import OpenAIBot
from botchat.core.bots.stream.chunks import Finish
from botchat.core.chat import Chat
from botchat.core.errors import BotError, InvalidInput
from botchat.core.models import Delta
from botchat.core.turn import Turns
from botchat.core.turn.titles import TITLE_LENGTH, parse_title, title_prompt
from botchat.settings import Settings

QUESTION = "How do herons stand in cold water all day, and why don't they freeze?"
FIRST_WORDS = QUESTION[:50]


class LogCollector(logging.Handler):
    """Collects the log records about titles."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: queue.Queue[str] = queue.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.put(f"{record.levelname} {record.getMessage()}")


class RenameRecorder:
    """A store that records the outcome of each rename."""

    def __init__(self, repository) -> None:
        self._repository = repository
        self.results: queue.Queue[bool] = queue.Queue()

    def __getattr__(self, name: str):
        return getattr(self._repository, name)

    def rename_if_unchanged(self, *arguments: str) -> bool:
        done = self._repository.rename_if_unchanged(*arguments)
        self.results.put(done)
        return done


@pytest.fixture
def logged():
    log, handler = logging.getLogger("botchat.core.turn.titles"), LogCollector()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler.heard
    log.removeHandler(handler)
    log.setLevel(logging.NOTSET)


@pytest.fixture
def titling(repository):
    """Create a Chat, on any store, whose bot follows the script and is asked for titles."""
    made = []

    def make(*title, answer=("Like this.", DONE), titles: bool = True) -> Chat:
        bot = ScriptedBot(*answer, title=title)
        turns = Turns({"b": bot}, titles=titles)
        made.append(turns)
        chat = Chat(repository, turns, default_bot="b")
        chat.bot, chat.turns = bot, turns
        return chat

    yield make
    for turns in made:
        turns.close(timeout=0)


def ask(chat, session=None, question: str = QUESTION):
    session = session or chat.new_session("ann")
    assert chat.send("ann", session, question).wait(30)
    return session


def name_of(chat, session) -> str:
    while True:
        try:
            return chat.open("ann", session.id).name
        except RuntimeError:  # mongomock's documents can't be read while another thread adds a field
            continue


def wait_for_name(chat, session, name: str) -> None:
    """Wait until the session has that name: it is renamed after the reply, on the loop."""
    while name_of(chat, session) != name:
        pass


def test_a_session_has_a_name_of_the_bots_after_its_first_answer_and_keeps_it(titling):
    chat = titling(Delta(reasoning_content="What is it about? "), '"How herons ', 'keep warm."', DONE)
    before = chat.revision("ann")
    session = ask(chat)
    wait_for_name(chat, session, "How herons keep warm")
    (summary,) = chat.page("ann").sessions
    assert summary.name == "How herons keep warm"
    while chat.revision("ann") < before + 3:  # the question, the reply and the name: it shows at once in this process
        pass
    ask(chat, session, "And ducks?")
    assert name_of(chat, session) == "How herons keep warm"
    assert len(chat.bot.title_prompts) == 1
    assert QUESTION in chat.bot.title_prompts[0][0]["content"]
    assert "Like this." in chat.bot.title_prompts[0][0]["content"]


def test_the_reply_is_settled_before_the_bot_is_asked_for_a_name(titling):
    gate = Gate()
    chat = titling(gate, "Herons", DONE)
    session = ask(chat)
    assert chat.reply("ann", session.id) is None
    assert name_of(chat, session) == FIRST_WORDS
    ask(chat, session, "And ducks?")
    gate.open()
    wait_for_name(chat, session, "Herons")


def test_a_name_that_the_person_gives_meanwhile_stays(titling):
    asked, gate = Gate(), Gate()
    chat = titling(asked.open, gate, "Herons", DONE)
    renamed = chat._repository = RenameRecorder(chat._repository)
    session = ask(chat)
    asked._opened.result(timeout=30)
    chat.update("ann", session.id, name="My birds")
    gate.open()
    assert renamed.results.get(timeout=30) is False
    assert name_of(chat, session) == "My birds"


def test_a_session_with_a_name_of_the_persons_is_not_asked_about(titling):
    gate = Gate()
    chat = titling("Herons", DONE, answer=("Like ", gate, "this.", DONE))
    session = chat.new_session("ann")
    reply = chat.send("ann", session, QUESTION)
    next(iter(reply))
    chat.update("ann", session.id, name="My birds")
    gate.open()
    assert reply.wait(30)
    other = ask(chat)  # by the time that it has its name, the first would have had it
    wait_for_name(chat, other, "Herons")
    assert name_of(chat, session) == "My birds"


@pytest.mark.parametrize(
    "title",
    [
        (BotError("The server is on fire."),),
        (ZeroDivisionError("a bug"),),
        (DONE,),
        (' "." ', DONE),
        ("Half a ti",),
        ("Half a ti", Finish(reason="length")),
        ("Half a ti", Finish(reason="MAX_TOKENS")),
        ("<think>Secret plan", DONE),
        ("Secret plan.</think>", DONE),
        (Delta(reasoning_content="Herons"), DONE),
        ("An essay. " * 100, DONE),
    ],
)
def test_a_title_that_fails_leaves_the_first_words_and_is_logged(titling, logged, title):
    chat = titling(*title)
    session = ask(chat)
    assert session.id in (heard := logged.get(timeout=30))
    assert heard.startswith("INFO")
    assert name_of(chat, session) == FIRST_WORDS
    ask(chat, session, "It goes on?")
    assert chat.open("ann", session.id).message_count == 4
    other = ask(chat)
    assert other.id in logged.get(timeout=30)  # the first was not asked about again
    assert len(chat.bot.title_prompts) == 2


def test_a_program_that_ends_does_not_wait_for_a_title(titling):
    asked = Gate()
    chat = titling(asked.open, Gate(), "never", DONE)
    session = ask(chat)
    asked._opened.result(timeout=30)
    chat.turns.close()
    assert name_of(chat, session) == FIRST_WORDS


@pytest.mark.parametrize("answer", [("Half a ",), ("Half a ", BotError("It broke off.")), (BotError("Nothing."),)])
def test_an_answer_that_is_not_complete_gets_no_title_and_the_first_that_is_does(titling, answer):
    chat = titling("Herons", DONE, answer=answer)
    session = ask(chat)
    chat.bot._script = ("Like this.", DONE)
    ask(chat, session, "Once more?")
    wait_for_name(chat, session, "Herons")
    assert len(chat.bot.title_prompts) == 1
    assert "Once more?" in chat.bot.title_prompts[0][0]["content"]


def test_no_bot_is_asked_that_can_not_or_where_nobody_wants_titles(titling, repository):
    chat = titling("Herons", DONE, titles=False)
    session = ask(chat)
    chat.turns.close()
    bot = ScriptedBot("Like this.", DONE)
    turns = Turns({"b": bot}, titles=True)
    other = ask(Chat(repository, turns, default_bot="b"))
    turns.close()
    assert chat.bot.title_prompts == bot.title_prompts == []
    assert repository.get("ann", session.id).name == repository.get("ann", other.id).name == FIRST_WORDS
    assert not DemoBot().info.can_title
    assert OpenAIBot("b", BotConfig(), base_url="http://127.0.0.1:1/v1").info.can_title


def test_only_a_program_that_stays_asks_for_titles_and_the_settings_can_forbid_it():
    for settings, is_long_running, wanted in (
        (Settings(), True, True),
        (Settings(titles=False), True, False),
        (Settings(), False, False),
    ):
        turns = build_turns(settings, {}, is_long_running=is_long_running)
        assert turns._titles is wanted
        turns.close()


# The store


def test_a_session_is_renamed_only_from_the_name_that_it_has(repository):
    session = stored(repository, name="first words")
    assert repository.rename_if_unchanged("ann", session.id, "first words", "Herons")
    assert not repository.rename_if_unchanged("ann", session.id, "first words", "Ducks")
    assert not repository.rename_if_unchanged("bob", session.id, "Herons", "Ducks")
    assert not repository.rename_if_unchanged("ann", "none", "Herons", "Ducks")
    read = repository.get("ann", session.id)
    assert (read.name, read.rev, read.messages) == ("Herons", session.rev + 1, session.messages)
    with pytest.raises(InvalidInput):
        repository.rename_if_unchanged("ann", session.id, "Herons", " ")


# The words


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("How herons keep warm", "How herons keep warm"),
        ('"How herons keep warm."', "How herons keep warm"),
        ("Title: How herons keep warm.", "How herons keep warm"),
        ("**Title:** «How herons keep warm»\n\nI chose it because …", "How herons keep warm"),
        ("# How `herons` keep **warm**", "How herons keep warm"),
        ("\n- “Herons”.\n", "Herons"),
        ("_Herons_", "Herons"),
        ("鷺はなぜ凍らないのか。", "鷺はなぜ凍らないのか"),
        ("Learning C#", "Learning C#"),
        ('What is "foo"', 'What is "foo"'),
        ("Titles: how to find them", "Titles: how to find them"),
        ("a\x1b[31m b\ud800", "a␛[31m b\ufffd"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        ("Secret plan.</think>Herons", "Herons"),
        ("Secret plan.</think>\n\n**Herons**", "Herons"),
        ("Secret plan.</think>", ""),
        ("<thought>Secret plan.</thought>Herons", "Herons"),
        ("<think>Secret plan", ""),
        ("Here is a title:\nHerons", "Herons"),
        ("Sure! Here's a title for the conversation: Herons", "Herons"),
        ("Of course!\n\n**Title:**\n\nHerons", "Herons"),
        ("Voici un titre :\nLes hérons", "Les hérons"),
        ("Here is a title:", ""),
        ("Sure!", ""),
        ('```json\n{"title": "Herons"}\n```', "Herons"),
        ('{"title": "Herons"}', "Herons"),
        ("```\nHerons\n```", "Herons"),
        ("```json", ""),
        ("Sure Start: how to begin", "Sure Start: how to begin"),
        ("Where to find herons:", "Where to find herons:"),
        ("Here and there: herons", "Here and there: herons"),
        ('""', ""),
        ("**", ""),
        ("", ""),
    ],
)
def test_a_title_is_one_line_without_the_text_around_it(answer, title):
    assert parse_title(answer) == title
    assert len(parse_title(answer)) <= TITLE_LENGTH


def test_a_bot_is_shown_only_the_beginnings():
    (asked,) = title_prompt("q" * 5000, "a" * 5000 + "\ud800")
    assert asked["content"].count("q" * 1000) == asked["content"].count("a" * 1000) == 1
    assert len(asked["content"]) < 2500
    assert "{question}" in title_prompt("{question}", "{}")[0]["content"]
