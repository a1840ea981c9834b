"""Unsupported content in every front end: named without markup, and kept by copies, exports and imports."""

import csv
import io
import json
from dataclasses import replace

import pytest
from support.api.client import client_factory, parse_events
from support.api.relay import Relay, wait_until, wait_until_settled
from support.fakes import DONE, Gate
from support.stores.sessions import stored, user_says
from support.tui.stories import async_test, message_texts, terminal
from support.tui.transcripts import SIZE, TranscriptApp, new_message, screen_rows

from botchat.api.schemas.responses import message_out
from botchat.bootstrap import build_repository
from botchat.commands.output.reply_formats import JsonLinesWriter, TextWriter
from botchat.commands.sessions_read import _new_text
from botchat.core.chat import Chat
from botchat.core.exporting import content_notices, message_to_markdown, rfc3339
from botchat.core.exporting.html import to_html
from botchat.core.models import Delta, Message, Session, Unsupported, pack, unpack
from botchat.core.turn import Turns
from botchat.tui.transcript.extract import whole_message

HOSTILE = "<img src=x onerror=alert(1)> [b]**bold**[/b] :red[y]\x1b[31m"
CALL = Unsupported("tool call: search", {"arguments": '{"q": "her'}, "call 0")
CALLED = Unsupported("tool call: search", {"arguments": '{"q": "heron"}'}, "call 0")
IMAGE = Unsupported("image", {"url": "data:image/png;base64,AA=="})
LINES = ["Unsupported content: tool call: search", "Unsupported content: image"]


def answer(*pieces: Unsupported, content: str = "", **more) -> Message:
    return Message(role="assistant", content=content, payload=pack(pieces), **more)


def answered(store, reply: Message) -> Session:
    """Return a stored session whose last message is this reply."""
    session = stored(store, bot_id="b")
    store.append(session, reply)
    return store.get("ann", session.id)


def pieces_of(store, session_id: str) -> list[Unsupported]:
    return [piece for message in store.get("ann", session_id).messages for piece in unpack(message.payload)]


@pytest.fixture
def client_with(store):
    yield from client_factory(store)


# Notices


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        (answer(CALLED, IMAGE, content="Here:"), LINES),
        (answer(IMAGE, status="streaming"), LINES[1:]),
        (user_says("", payload=pack([IMAGE])), LINES[1:]),
        (answer(), ["Empty reply"]),
        (answer(reasoning_content="Hm."), ["Empty reply"]),
        (user_says(""), ["Empty message"]),
        (Message(role="tool", payload='{"chatgpt": []}'), ["Unsupported content: a message from another program"]),
        (answer(status="streaming"), []),
        (answer(status="failed", error="No key."), []),
        (answer(content="Yes."), []),
        (Message(role="assistant", content="Yes.", payload='{"message": {}}'), []),
    ],
)
def test_what_a_message_holds_besides_words_is_named(message, lines):
    assert content_notices(message) == lines


# Exports


def test_exports_name_what_they_can_not_show_and_take_none_of_it_for_markup():
    message = answer(Unsupported(HOSTILE, {}), content="Here:")
    written = message_to_markdown(message, "b")
    assert "Here:\n\nUnsupported content: \\<img src=x onerror=alert(1)\\> \\[b\\]\\*\\*bold\\*\\*\\[/b\\]" in written
    assert "\x1b" not in written
    page = "".join(to_html([Session(user="ann", bot_id="b", messages=[message])]))
    assert "Unsupported content: &lt;img src=x onerror=alert(1)&gt; [b]**bold**[/b] :red[y]␛[31m</p>" in page
    assert "<img" not in page


def test_a_table_has_the_kinds_beside_the_words(local_shell, store):
    session = answered(store, answer(CALLED, IMAGE, content="half \ud800"))
    done = local_shell.run("sessions", "export", session.id, "-F", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
    assert [row["unsupported"] for row in rows] == ["", "tool call: search, image"]


# Sessions that are copied, forked or imported


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_it_goes_with_a_session_through_a_file(shell, repository_at, tmp_path, form):
    session = answered(repository_at, answer(CALLED, IMAGE))
    kept = pieces_of(repository_at, session.id)
    file = tmp_path / f"out.{form}"
    assert shell.run("sessions", "export", session.id, "-F", form, "-o", str(file)).returncode == 0
    assert shell.run("sessions", "delete", session.id, "--purge", "--yes").returncode == 0
    assert shell.run("sessions", "import", str(file)).returncode == 0
    assert pieces_of(repository_at, session.id) == kept
    assert len(kept) == 2


def test_it_goes_with_a_copy_to_another_store(shell, repository_at, tmp_path):
    session = answered(repository_at, answer(CALLED))
    other = str(tmp_path / "other.db")
    assert shell.run("store", "copy", shell.store, other).returncode == 0
    copy = build_repository(other)
    assert pieces_of(copy, session.id) == pieces_of(repository_at, session.id) == [CALLED._replace(key="")]
    copy.close()


def test_it_stays_in_forks_branches_and_edited_sessions(store, chat_with):
    session = answered(store, answer(CALLED))
    chat = chat_with("Yes.", DONE)
    kept = pieces_of(store, session.id)
    assert pieces_of(store, chat.fork("ann", session.id).id) == kept
    assert pieces_of(store, chat.continue_in_new_session("ann", session, session.messages[0].id).id) == kept
    assert chat.edit("ann", session, session.messages[0].id, "other words").wait(30)
    assert chat.regenerate("ann", store.get("ann", session.id), session.messages[1].id).wait(30)
    assert pieces_of(store, session.id) == kept


def test_it_stays_with_a_question_that_gets_other_words(store, chat_with):
    session = stored(store, bot_id="b", messages=0)
    store.append(session, user_says("Look:", payload=pack([IMAGE])))
    question = store.get("ann", session.id).messages[0]
    chat = chat_with("Yes.", DONE)
    assert chat.edit("ann", session, question.id, "Look closely:").wait(30)
    read = store.get("ann", session.id).messages[1]
    assert (read.content, unpack(read.payload)) == ("Look closely:", [IMAGE])
    assert chat.bot.prompts == [[{"role": "user", "content": "Look closely:"}]]


def test_it_names_a_session_that_begins_without_words(repository):
    session = Session(user="ann", bot_id="b")
    repository.append(session, user_says("", payload=pack([IMAGE])))
    assert repository.get("ann", session.id).name == "image"


def test_a_redaction_takes_it_out_of_the_store(address, repository_at, tmp_path, request):
    session = Session(user="ann", bot_id="b")
    secret = Unsupported("hunter2", {"data": "hunter2"})
    message = user_says("", payload=pack([secret]))
    repository_at.append(session, message)
    assert repository_at.get("ann", session.id).name == "hunter2"
    chat = Chat(repository_at, Turns({}), default_bot="b")
    chat.redact("ann", session.id, message.id)
    read = repository_at.get("ann", session.id)
    assert (read.name, read.messages[0].content, read.messages[0].payload) == ("[redacted]", "[redacted]", None)
    if address.startswith("mongodb"):
        database = request.getfixturevalue("database")
        raw = repr([list(database[name].find()) for name in database.list_collection_names()]).encode()
    else:
        raw = (tmp_path / "botchat.db").read_bytes()
    assert b"[redacted]" in raw
    assert b"hunter2" not in raw


# Command line


def test_a_shell_names_it_on_stderr_and_its_words_alone_on_stdout(capsys):
    writer = TextWriter(reasoning=True)
    for delta in (Delta(unsupported=CALL), Delta(content="Yes."), Delta(unsupported=CALLED), Delta(content=" No.")):
        writer.write(delta)
    writer.end(answer(CALLED, Unsupported(HOSTILE, {}), content="Yes. No."))
    out, err = capsys.readouterr()
    assert out == "Yes. No.\n"
    assert err.splitlines() == [
        "botchat: Unsupported content: tool call: search",
        "botchat: Unsupported content: <img src=x onerror=alert(1)> [b]**bold**[/b] :red[y]␛[31m",
    ]


def test_a_program_gets_it_with_the_last_event(capsys):
    writer = JsonLinesWriter()
    writer.write(Delta(unsupported=CALLED))
    writer.end(answer(Unsupported("odd", {"half \ud800": float("nan")})))
    (event,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (event["event"], event["unsupported"]) == ("end", [{"kind": "odd", "raw": {"half \ufffd": "nan"}}])


def test_a_shell_shows_it_with_the_stored_message(local_shell, store):
    session = answered(store, answer(Unsupported("image \x1b[31m", {})))
    out = local_shell.run("sessions", "show", session.id).stdout
    assert out.endswith("\n\nUnsupported content: image ␛\\[31m\n")


def test_a_shell_that_follows_a_session_is_told_of_it_at_the_end():
    coming = answer(IMAGE, content="See", status="streaming")
    ended = replace(coming, content="See:", status="truncated", error="It ends here.")
    shown: dict[str, Message] = {}
    first, then, last = ("".join(_new_text(message, 2, "b", shown)) for message in (coming, ended, ended))
    assert first.endswith("streaming · " + rfc3339(coming.create_time) + "\n\nSee")
    assert then == ":\n\nUnsupported content: image\n\n*It ends here.*\n"
    assert last == ""


# API


def test_an_api_gives_it_with_the_message_and_while_it_comes(client_with, store):
    client = client_with(Delta(unsupported=CALL), "Yes.", Delta(unsupported=CALLED), Delta(unsupported=IMAGE), DONE)
    session_id = client.create_session()
    with client.stream("POST", f"/session/{session_id}/message", json={"content": "Hi", "stream": True}) as answer:
        events = list(parse_events(answer.iter_lines()))
    called = [{"kind": piece.kind, "raw": piece.raw} for piece in (CALLED, IMAGE)]
    assert [e["data"]["unsupported"] for e in events if e["event"] == "unsupported"][-1] == called
    assert events[-1]["event"] == "end"
    assert events[-1]["data"]["unsupported"] == called
    read = client.get(f"/session/{session_id}").json()["messages"]
    assert ("unsupported" in read[0], read[1]["unsupported"], read[1]["content"]) == (False, called, "Yes.")
    assert "payload" not in read[1]
    begun = store.get("ann", session_id).messages[1]
    place = f"/session/{session_id}/events"
    with client.stream("GET", place, headers={"Last-Event-ID": f"{begun.id}:4:0"}) as rest:
        assert [event["event"] for event in parse_events(rest.iter_lines())] == ["unsupported", "end"]


def test_an_openai_client_gets_the_words_as_they_are(client_with):
    client = client_with(Delta(unsupported=CALLED), "Yes.", DONE)
    body = {"model": "b", "messages": [{"role": "user", "content": "Hi"}]}
    whole = client.post("/v1/chat/completions", json=body).json()
    assert whole["choices"][0]["message"] == {"role": "assistant", "content": "Yes."}
    streamed = client.post("/v1/chat/completions", json=body | {"stream": True}).text
    assert "tool call" not in streamed
    assert "Yes." in streamed


def test_whatever_it_holds_can_be_sent(client_with, store):
    deep: list = []
    for _ in range(400):
        deep = [deep]
    raw = {"half \ud800": "\ud83d", "nan": float("nan"), "big": 10**40, "null": None, "deep": deep}
    session = answered(store, answer(Unsupported("half \ud800", raw), IMAGE))
    read = client_with().get(f"/session/{session.id}")
    assert read.status_code == 200, read.text
    odd, image = read.json()["messages"][1]["unsupported"]
    assert odd["kind"] == "half \ufffd"
    assert (odd["raw"]["half \ufffd"], odd["raw"]["nan"], odd["raw"]["big"]) == ("\ufffd", "nan", 10**40)
    inner = odd["raw"]["deep"]
    while isinstance(inner, list):
        (inner,) = inner
    assert set(inner) == {"[", "]"}
    assert image == {"kind": "image", "raw": IMAGE.raw}


def test_the_schema_describes_it(client_with):
    schemas = client_with().get("/openapi.json").json()["components"]["schemas"]
    assert set(schemas["UnsupportedOut"]["properties"]) == {"kind", "raw"}
    assert "unsupported" in schemas["MessageOut"]["properties"]
    assert message_out(answer()).unsupported is None


# Terminal client with a server


def test_a_followed_reply_of_a_server_has_it_while_it_comes_and_after_a_lost_connection(serve_chat, store):
    from botchat.core.auth import AuthService
    from botchat.remote.chat import connect

    gate = Gate()
    relay = Relay(serve_chat(Delta(unsupported=CALL), Delta(unsupported=IMAGE), gate, Delta(unsupported=CALLED), DONE))
    remote = connect(relay.address, AuthService(store.accounts()).create_token("ann")[1])
    reply = remote.send("ann", remote.new_session("ann"), user_says("Hi"))
    wait_until(lambda: content_notices(reply.message) == LINES)
    relay.cut()
    wait_until(lambda: reply.save_failure is not None)
    gate.open()
    wait_until_settled(reply)
    kept = [CALLED._replace(key=""), IMAGE]
    assert unpack(reply.message.payload) == unpack(remote.open("ann", reply.session_id).messages[1].payload) == kept
    assert unpack(remote.messages_before("ann", reply.session_id, before=2)[1].payload) == kept
    remote.close()
    relay.close()


# Terminal client


@async_test
async def test_the_terminal_shows_it_below_the_words_as_plain_text():
    app = TranscriptApp()
    async with app.run_test(size=SIZE) as pilot:
        message = new_message(
            "so far", payload=pack([Unsupported(HOSTILE, {}), IMAGE]), status="truncated", error="Cut."
        )
        app.transcript.show([message], earlier_count=0, bot_id="b")
        await pilot.pause()
        place = screen_rows(app).index("so far")
        assert screen_rows(app)[place + 1 : place + 4] == [
            "Unsupported content: <img src=x onerror=alert(1)> [b]**bold**[/b]",
            ":red[y]␛[31m",
            "Unsupported content: image",
        ]


@async_test
async def test_a_narrow_terminal_shows_it_whole_and_it_can_be_selected():
    app = TranscriptApp()
    async with app.run_test(size=(24, 10)) as pilot:
        app.transcript.show([new_message("", payload=pack([CALLED]))], earlier_count=0, bot_id="b")
        await pilot.pause()
        assert " ".join(" ".join(screen_rows(app)).split()) == "b Unsupported content: tool call: search"
        selection = whole_message(app.transcript._rows.serial_of(0))
        text, _ = app.transcript.get_selection(selection)
        assert text.splitlines() == ["b", LINES[0]]


@async_test
async def test_the_terminal_shows_it_while_a_reply_comes(chat_with, store, tmp_path):
    gate = Gate()
    async with terminal(chat_with(Delta(unsupported=CALL), gate, "Yes.", DONE), tmp_path) as at:
        await at.say("Hi")
        await at.sees(LINES[0], "…")
        gate.open()
        await at.sees("Yes.", LINES[0])
        lines = [line.strip(" │┃") for line in at.text.splitlines()]
        place = next(i for i, line in enumerate(lines) if "Yes." in line)
        assert LINES[0] in lines[place + 1]
    assert message_texts(store, store.page("ann").sessions[0].id) == ["Hi", "Yes."]
