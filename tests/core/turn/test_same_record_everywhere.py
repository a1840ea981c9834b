"""The same message leaves the same record in every front end: all of them use one implementation of the turn."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from support.api.client import Client
from support.bots.stub_server import streamed
from support.shell import Shell
from support.tui.stories import async_test, terminal

from botchat.api.dependencies import Services
from botchat.bootstrap import build_chat, build_repository, build_turns
from botchat.core.models import Session
from botchat.settings import load_settings
from botchat.web import cache, runtime

ANSWER = [{"reasoning_content": "They greet."}, "Hello", " Ann."]
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


@pytest.fixture
def settings(local_shell, stub_for):
    """The settings of a process with the stub bot, as the shell's processes have them."""
    stub_for(local_shell, [streamed(ANSWER, usage=USAGE)])
    return load_settings(local_shell.environment)


def by_command_line(shell: Shell, _settings) -> None:
    assert shell.run("ask", "Hi").returncode == 0


def by_library(_shell, settings) -> None:
    turns = build_turns(settings, {})
    chat = build_chat(settings, turns)
    assert chat.send("ann", chat.new_session("ann"), "Hi").wait(30)
    turns.close()
    chat.close()


def by_page(_shell, settings) -> None:
    turns = build_turns(settings, {})
    cache.connection.clear()
    runtime.install(runtime.Runtime(user="ann", connect=lambda: build_chat(settings, turns), replies=turns))
    tab = AppTest.from_file(Path(runtime.__file__).with_name("streamlit_app.py"), default_timeout=30).run()
    tab.chat_input[0].set_value("Hi").run()
    value = tab.query_params["session"]
    reply = cache.connection().reply("ann", value if isinstance(value, str) else value[0])
    assert reply is None or reply.wait(30)
    cache.connection().close()
    cache.connection.clear()
    turns.close()


def by_terminal(shell: Shell, settings) -> None:
    turns = build_turns(settings, {})
    chat = build_chat(settings, turns)

    @async_test
    async def send():
        async with terminal(chat, Path(shell.environment["HOME"]) / "drafts") as at:
            await at.say("Hi")
            await at.sees("Hello Ann.")
            await at.until(lambda: chat.reply("ann", at.app.conversation.session.id) is None)

    send()
    turns.close()
    chat.close()


def by_api(_shell, settings) -> None:
    turns = build_turns(settings, {})
    chat = build_chat(settings, turns)
    client = Client(Services(chat=chat, sole_user="ann"))
    client.base_url = "http://127.0.0.1"
    assert client.say(client.create_session(), "Hi").status_code == 200
    turns.close()
    chat.close()


def comparable(session: Session) -> dict:
    """Return a record without its volatile fields: ids, times, latencies and the number of writes."""
    own = {"id", "create_time", "latency_ms", "first_token_ms", "reasoning_ms"}
    messages = [{n: getattr(m, n) for n in m.__slots__ if n not in own} for m in session.messages]
    header = {
        n: getattr(session, n)
        for n in session.__slots__
        if n not in {"id", "create_time", "update_time", "messages", "rev"}
    }
    return header | {"messages": messages}


@pytest.mark.parametrize("send", [by_command_line, by_page, by_terminal, by_api, by_library])
def test_a_message_leaves_the_same_record_whichever_way_it_came(local_shell, settings, send):
    send(local_shell, settings)
    repository = build_repository(local_shell.store)
    repository.prepare()
    (summary,) = repository.page("ann").sessions
    session = repository.get("ann", summary.id)
    repository.close()
    question, answer = session.messages
    assert (session.user, session.bot_id, session.name, session.state) == ("ann", "stub", "Hi", "active")
    assert comparable(session) == comparable(
        Session(
            user="ann",
            bot_id="stub",
            name="Hi",
            message_count=2,
            rev=3,
            messages=[type(question)(role="user", content="Hi"), expected_answer(type(question))],
        )
    )
    assert 0 <= answer.first_token_ms <= answer.latency_ms
    assert 0 <= answer.reasoning_ms <= answer.latency_ms


def expected_answer(message):
    return message(role="assistant", content="Hello Ann.", reasoning_content="They greet.", model="stub-1", usage=USAGE)
