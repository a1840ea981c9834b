"""Stores and files written by earlier versions open, are read unchanged, and can be written to."""

import gzip
import json
import shutil
from contextlib import closing

import pytest
from bson import json_util
from support.paths import TESTS
from support.shell import Shell

from botchat.bootstrap import build_repository
from botchat.core.bots.demo import DEMO, DemoBot
from botchat.core.chat import Chat, branch_of
from botchat.core.models import Message, SessionFilter
from botchat.core.turn import Turns
from botchat.library import Store
from botchat.strands import BotchatSessionRepository
from botchat.tui.conversation.drafts import Draft, Drafts

DATA = TESTS / "data" / "fa98215"
ALL_MESSAGES = 100_000


class EarlierStore:
    """A copy of a store that an earlier commit wrote, and its known contents."""

    def __init__(self, kind: str, address: str) -> None:
        self.address = address
        self.exported = gzip.decompress((DATA / f"{kind}.jsonl.gz").read_bytes())
        self.records = {record["id"]: record for record in map(json.loads, self.exported.splitlines())}
        known = json.loads((DATA / f"{kind}.json").read_text())
        self.sessions, self.password, self.token = known["sessions"], known["password"], known["token"]
        self.users = {name: self.records[session_id]["user"] for name, session_id in self.sessions.items()}


@pytest.fixture(params=["sqlite", "mongodb"])
def earlier(request, tmp_path):
    if request.param == "sqlite":
        path = tmp_path / "botchat.db"
        path.touch(mode=0o600)
        path.write_bytes(gzip.decompress((DATA / "sqlite.db.gz").read_bytes()))
        return EarlierStore("sqlite", str(path))
    server, database = request.getfixturevalue("mongod"), request.getfixturevalue("database")
    for file in (DATA / "mongodb").iterdir():
        options = json_util.CANONICAL_JSON_OPTIONS.with_options(tz_aware=True)
        lines = file.read_text("utf-8").splitlines()
        database[file.name.removesuffix(".jsonl")].insert_many(
            json_util.loads(line, json_options=options) for line in lines
        )
    return EarlierStore("mongodb", f"{server.uri}/{database.name}")


@pytest.fixture
def repository(earlier):
    with closing(build_repository(earlier.address)) as repository:
        repository.prepare()
        yield repository


@pytest.fixture
def chat(repository):
    turns = Turns({DEMO: DemoBot(pause=0)})
    yield Chat(repository, turns, default_bot=DEMO)
    turns.close()


@pytest.fixture
def earlier_shell(earlier, tmp_path):
    return Shell(tmp_path, earlier.address)


def exported(shell, *options):
    done = shell.run("sessions", "export", "--all-users", "--all", "-F", "jsonl", *options)
    assert done.returncode == 0, done.stderr
    return {record["id"]: record for record in map(json.loads, done.stdout.splitlines())}


def test_store_check_finds_nothing_wrong(earlier_shell):
    done = earlier_shell.run("store", "check", "-F", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = {finding["what"]: finding["status"] for finding in json.loads(done.stdout)["items"]}
    assert found["Read 12 sessions."] == "ok"
    assert "failed" not in found.values()
    assert {what for what, status in found.items() if status == "warning"} <= {
        "MongoDB is a single server: all data is on one machine."
    }


def test_an_export_has_every_field_word_for_word(earlier, earlier_shell):
    assert exported(earlier_shell) == earlier.records


def test_every_message_is_read_also_those_in_blocks(earlier, repository):
    for session_id, record in earlier.records.items():
        session = repository.get(record["user"], session_id, last=ALL_MESSAGES)
        assert [(m.id, m.role, m.content, m.reasoning_content) for m in session.messages] == [
            (m["id"], m["role"], m["content"], m.get("reasoning_content", "")) for m in record["messages"]
        ]


def test_the_lists_have_every_session(earlier, repository):
    def listed(user, **where):
        return {summary.id for summary in repository.page(user, where=SessionFilter(**where)).sessions}

    ids = earlier.sessions
    of_ann = {session_id for name, session_id in ids.items() if earlier.users[name] == "ann"}
    assert listed("ann") == of_ann - {ids["archived"], ids["trash"]}
    assert listed("ann", state="archived") == {ids["archived"]}
    assert listed("ann", state="trash") == {ids["trash"]}
    assert listed("ann", tag="birds") == {ids["branches"]}
    assert listed("bob") == {ids["expiring"]}
    assert repository.tags("ann") == sorted(["birds", "Wasser"])


def test_a_search_finds_words_in_names_messages_and_blocks(earlier, repository):
    def found(text):
        return {summary.id for summary in repository.page("ann", where=SessionFilter(text=text)).sessions}

    assert found("the 3th word") == {earlier.sessions["long"]}
    assert found("the 113th word") == {earlier.sessions["long"]}
    assert found("Renamed by") == {earlier.sessions["context"]}
    assert found("ticket: 7") == {earlier.sessions["library"]}
    assert found("swordfish") == set()


def test_branches_and_the_context_start_are_as_they_were(earlier, chat):
    session = chat.open("ann", earlier.sessions["branches"])
    assert session.pinned
    assert session.metadata == {"source": {"page": 7}, "big": 2**40}
    assert beginnings_shown(session) == ["What is a heron?", "Answer 2"]
    chat.show_branch("ann", session, session.messages[-1].id)
    edited = ["What is a gray heron?", "Answer 3", "And where does it live?", "Answer 4"]
    assert beginnings_shown(chat.open("ann", session.id)) == edited
    session = chat.open("ann", earlier.sessions["context"])
    assert session.system == "You are a terse ornithologist."
    assert session.cut == session.messages[2].id


def beginnings_shown(session):
    return [message.content.partition(":")[0] for message in branch_of(session.messages, session.head)]


def test_files_are_read_with_their_data(earlier, repository):
    session = repository.get("ann", earlier.sessions["files"])
    large = b"A line of a large file that is kept apart from its message.\n" * 700
    data = {file.name: repository.file("ann", session.id, file.id) for file in session.messages[0].files}
    assert data["large.txt"] == large[:33_000]
    assert data["notes ü.txt"] == "Nést: 3 eggs".encode()[:12]
    assert data["dot.png"].startswith(b"\x89PNG")


def test_every_session_goes_on(earlier, chat):
    for name, session_id in earlier.sessions.items():
        session = chat.open(earlier.users[name], session_id)
        chat.append_messages(session.user, session, [Message(role="user", content=f"more of {name}")])
        again = chat.open(session.user, session_id)
        assert again.message_count == earlier.records[session_id]["message_count"] + 1
        assert again.messages[-1].content == f"more of {name}"


def test_a_bot_answers_in_the_long_session(earlier, chat):
    session = chat.open("ann", earlier.sessions["long"])
    chat.change_bot("ann", session, DEMO)
    reply = chat.send("ann", session, "hello")
    assert reply.wait(60)
    stored = list(chat.history(chat.open("ann", session.id)))
    assert [m.content for m in stored[:-2]] == [m["content"] for m in earlier.records[session.id]["messages"]]
    assert stored[-1].content == reply.message.content


def test_a_session_comes_back_out_of_the_trash_and_one_goes_for_good(earlier, chat):
    chat.update("ann", earlier.sessions["trash"], state="active")
    chat.purge("ann", earlier.sessions["long"])
    listed = {summary.id for summary in chat.page("ann").sessions}
    assert earlier.sessions["trash"] in listed
    assert earlier.sessions["long"] not in listed


def test_people_and_programs_sign_in(earlier, chat):
    assert chat.auth.check_password("ann", earlier.password) == "ann"
    assert chat.auth.check_token(earlier.token).user == "ann"
    assert chat.auth.check_token(earlier.token).scopes == ("read", "write")
    assert [token.name for token in chat.auth.tokens("bob")] == ["ends"]
    preferences = chat.preferences("ann")
    assert (preferences.default_bot, preferences.reasoning, preferences.topics) == ("heron", "shown", "shown")


def test_agents_are_restored(earlier, repository):
    store = Store(repository, user="ann")
    planner = store.find("case/4711").agent("planner")
    assert (planner.model, planner.system, planner.state) == ("heron-1", "You plan.", {"a.b": [1, 2**70]})
    assert planner.totals.total_tokens == 7
    of_strands = BotchatSessionRepository(store)
    assert of_strands.read_agent("strands-1", "weatherman").state == {"mood": {"a.b": "fine"}}
    messages = [message.message for message in of_strands.list_messages("strands-1", "weatherman")]
    assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant"]
    assert messages[1]["content"][0]["toolUse"]["input"] == {"city": "Ulm"}
    assert messages[2]["content"][0]["toolResult"]["content"] == [{"text": "sunny in Ulm"}]
    assert messages[3]["content"] == [{"text": "It is sunny in Ulm."}]


def test_a_draft_is_there(earlier, tmp_path):
    folder = shutil.copytree(DATA / "drafts", tmp_path / "drafts")
    draft = Drafts(folder, "sample", "ann").read(earlier.sessions["context"])
    assert draft == Draft(text="typed, not sent: ü", editing=None, aside="aside")


def test_an_export_of_that_version_is_imported_whole(earlier, local_shell, tmp_path):
    file = tmp_path / "earlier.jsonl"
    file.write_bytes(earlier.exported)
    local_shell.environment["BOTCHAT_STORE"] = str(tmp_path / "new.db")
    done = local_shell.run("sessions", "import", str(file))
    assert done.returncode == 0, done.stderr
    assert exported(local_shell) == earlier.records


def test_a_copy_into_another_store_has_every_session(earlier, earlier_shell, tmp_path):
    target = str(tmp_path / "copy.db")
    done = earlier_shell.run("store", "copy", earlier.address, target)
    assert done.returncode == 0, done.stderr
    assert exported(earlier_shell, "--store", target) == earlier.records
