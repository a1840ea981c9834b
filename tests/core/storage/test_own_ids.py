"""Session IDs belong to their user: nobody can take another user's ID, or find out whether another user has it."""

import json

import pytest
from support.api.client import Client
from support.fakes import ScriptedBot
from support.stores.attachments import BIG, SMALL, file_of, lying_apart
from support.stores.blocks import blocks_of
from support.stores.sessions import stored, user_says
from support.strands.model import agent

from botchat.api.dependencies import Services
from botchat.bootstrap import build_repository
from botchat.core.admin import Admin
from botchat.core.chat import Chat
from botchat.core.errors import BotchatError, DamagedRecord, MessageNotFound, SessionNotFound
from botchat.core.importing import SessionImporter
from botchat.core.models import Session, SessionFilter, new_id, now
from botchat.core.retention import Retention
from botchat.core.storage import is_generated, session_to_record
from botchat.core.storage.keyed.keys import id_of, keys_of
from botchat.core.storage.keyed.repository import KeyedRepository
from botchat.core.storage.mongo.repository import MongoRepository
from botchat.core.storage.sqlite.repository import SqliteRepository
from botchat.core.turn import Turns
from botchat.library import Store
from botchat.settings import ApiSettings
from botchat.strands import BotchatSessionManager

CASE = "case-4712"
EVERYTHING = SessionFilter(state=None)


@pytest.fixture
def keyed(repository):
    """The store as front ends use it; `keyed.stored` is the underlying store, which earlier versions used."""
    return KeyedRepository(repository)


@pytest.fixture
def target(tmp_path):
    target = SqliteRepository(tmp_path / "target.db")
    target.prepare()
    yield KeyedRepository(target)
    target.close()


def words(repository, user: str, session_id: str = CASE) -> list[str]:
    return [message.content for message in repository.get(user, session_id, last=1000).messages]


def said(repository, user: str, *contents: str, session_id: str = CASE) -> Session:
    session = Session(id=session_id, user=user, bot_id="demo")
    for content in contents:
        repository.append(session, user_says(content))
    return session


def copy(source, target) -> list[tuple[str, str]]:
    results = Admin(source.for_admins(), Retention()).copy_to(Admin(target.for_admins(), Retention()))
    return [(result.session_id, result.outcome) for result in results]


# Keys


def test_a_generated_id_is_its_own_key_and_a_chosen_one_belongs_to_its_user():
    generated = new_id()
    assert is_generated(generated)
    assert keys_of("ann", generated)[0] == generated
    for chosen in (CASE, generated.upper(), f"{generated} ", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"):
        key, plain = keys_of("ann", chosen)
        assert (plain, id_of("ann", key), id_of("ann", plain)) == (chosen, chosen, chosen)
        assert key not in keys_of("bob", chosen)


def test_a_key_that_is_taken_for_an_id_leads_to_no_other_session(keyed):
    said(keyed, "ann", "ann's")
    key = keys_of("ann", CASE)[0]
    for user in ("ann", "bob"):
        with pytest.raises(SessionNotFound):
            keyed.get(user, key)
        said(keyed, user, "of that strange id", session_id=key)
        assert words(keyed, user, key) == ["of that strange id"]
    assert words(keyed, "ann") == ["ann's"]
    assert {summary.id for summary in keyed.page("ann").sessions} == {CASE, key}


# The attack: take an id, and find out whether it is taken


def outcome(call) -> tuple:
    """Return everything that a caller learns: the result, or the full error text."""
    try:
        result = call()
    except BotchatError as error:
        return type(error).__name__, str(error), getattr(error, "session_id", None)
    return (type(result).__name__, result) if isinstance(result, bool | int | str | list | None) else ("done",)


def probes(repository, user: str, session_id: str) -> list[tuple]:
    """Every operation that a user can try with an ID, and its result."""
    turns, agents, everybody = repository.turns(), repository.for_agents(), repository.for_admins()
    mine = SessionFilter(user=user, state=None, ids=(session_id,))
    record = session_to_record(Session(id=session_id, user=user, bot_id="b", messages=[user_says("x", id="m")]))
    calls = [
        lambda: repository.get(user, session_id),
        lambda: repository.messages(user, session_id, 1),
        lambda: repository.position(user, session_id, "m"),
        lambda: repository.file(user, session_id, "f"),
        lambda: repository.find(user, session_id),
        lambda: repository.count(user, mine),
        lambda: repository.update(user, session_id, name="x"),
        lambda: repository.update_message(user, session_id, "m", content="x"),
        lambda: repository.stop_reply(user, session_id, "m"),
        lambda: repository.rename_if_unchanged(user, session_id, "message 0", "x"),
        lambda: repository.delete(user, session_id),
        lambda: repository.purge(user, session_id),
        lambda: repository.append(Session(id=session_id, user=user, bot_id="b", rev=1), user_says("x")),
        lambda: turns.take(user, session_id, "me"),
        lambda: turns.stop(user, session_id),
        lambda: turns.release(user, session_id, "me"),
        lambda: agents.header(user, session_id).id,
        lambda: agents.newest(user, session_id, 1),
        lambda: agents.earlier(user, session_id, 1, 1),
        lambda: agents.add(user, session_id, {"agent_id": "a"}),
        lambda: agents.update(user, session_id, "a", state="{}"),
        lambda: agents.give_feedback(user, session_id, {"rating": "up"}),
        lambda: everybody.put(record),
        lambda: everybody.put(record),
        lambda: repository.purge(user, session_id),
        lambda: agents.create(Session(id=session_id, user=user, bot_id="b")),
        lambda: agents.create(Session(id=session_id, user=user, bot_id="b")),
        lambda: repository.purge(user, session_id),
        lambda: repository.append(
            Session(id=session_id, user=user, bot_id="b"), user_says("x", id="m", files=[file_of(BIG, id="f")])
        ),
        lambda: len(repository.file(user, session_id, "f")),
        lambda: repository.save(repository.get(user, session_id)),
        lambda: repository.delete(user, session_id),
        lambda: repository.purge(user, session_id),
        lambda: repository.save(Session(id=session_id, user=user, bot_id="b", messages=[user_says("x")])),
        lambda: words(repository, user, session_id),
        lambda: repository.purge(user, session_id),
    ]
    return [outcome(call) for call in calls]


@pytest.mark.parametrize("taken", ["as now", "by an earlier version", "a generated id"])
def test_somebody_who_tries_an_id_learns_nothing_and_changes_nothing(keyed, taken):
    session_id = new_id() if taken == "a generated id" else CASE
    store = keyed.stored if taken == "by an earlier version" else keyed
    session = stored(store, "ann", id=session_id, messages=2)
    store.append(session, user_says(files=[file_of(BIG)]))
    before = keyed.get("ann", session_id)
    free = new_id() if taken == "a generated id" else "case-4713"
    of_taken, of_free = probes(keyed, "mallory", session_id), probes(keyed, "mallory", free)
    assert json.dumps(of_taken, default=str).replace(session_id, free) == json.dumps(of_free, default=str)
    assert keyed.get("ann", session_id) == before
    assert keyed.file("ann", session_id, before.messages[2].files[0].id) == BIG


def test_an_id_that_somebody_took_first_is_free_for_every_other_user(keyed):
    said(keyed, "mallory", "squatted")
    session = said(keyed, "ann", "mine", "and more")
    assert (session.message_count, session.rev, session.name) == (2, 2, "mine")
    keyed.purge("mallory", CASE)
    assert words(keyed, "ann") == ["mine", "and more"]
    with pytest.raises(SessionNotFound, match="'case-4712' not found"):
        keyed.get("mallory", CASE)
    with pytest.raises(MessageNotFound):
        keyed.position("ann", CASE, "none")


# Two users, one id


def test_each_user_has_their_own_of_all_that_belongs_to_a_session(keyed):
    for user, data in (("ann", BIG), ("bob", BIG[:-1])):
        session = Session(id=CASE, user=user, bot_id="demo")
        keyed.append(session, user_says(f"{user}'s words", files=[file_of(data, id="f"), file_of(SMALL)]))
        keyed.update(user, CASE, tags=[user], metadata={"of": user})
    assert [keyed.file(user, CASE, "f") for user in ("ann", "bob")] == [BIG, BIG[:-1]]
    assert (keyed.tags("ann"), keyed.latest("bob").id, keyed.find("bob", CASE)[0].user) == (["ann"], CASE, "bob")
    everybody = keyed.for_admins()
    assert everybody.owners(CASE) == ["ann", "bob"]
    assert [(s.id, s.user) for s in keyed.page("ann", where=SessionFilter(text="words")).sessions] == [(CASE, "ann")]
    assert everybody.count(SessionFilter(ids=(CASE,))) == 2
    assert {(r["_id"], r["id"], r["user"]) for r in everybody.records(EVERYTHING)} == {
        (CASE, CASE, "ann"),
        (CASE, CASE, "bob"),
    }
    assert {(a.session_id, a.user) for a in everybody.activity(EVERYTHING)} == {(CASE, "ann"), (CASE, "bob")}
    assert [stat.sessions for stat in Admin(everybody, Retention()).stats("bot")] == [2]
    keyed.purge("ann", CASE)
    assert keyed.file("bob", CASE, "f") == BIG[:-1]
    assert lying_apart(keyed.stored) == 1


def test_pages_go_over_sessions_of_one_id_and_time_one_by_one(keyed):
    at = now()
    users = ["ann", "bob", "cy", "di"]
    for user in users:
        stored(keyed, user, id=CASE, create_time=at)
    found, after = [], None
    while after is not None or not found:
        page = keyed.for_admins().page(after, 1)
        found += [(summary.id, summary.user) for summary in page.sessions]
        after = page.next
    assert sorted(found) == [(CASE, user) for user in users]
    order = [record["user"] for record in keyed.for_admins().records(EVERYTHING)]
    for place, user in enumerate(order, 1):
        rest = keyed.for_admins().records(EVERYTHING, after=(at, CASE, user))
        assert [record["user"] for record in rest] == order[place:]


def test_long_sessions_of_one_id_have_blocks_of_their_own(database):
    keyed = KeyedRepository(MongoRepository(database))
    for user in ("ann", "bob"):
        session = Session(id=CASE, user=user, bot_id="demo")
        for i in range(40):
            keyed.append(session, user_says(f"{user} {i} " + "x" * 15_000))
    assert {block["user"] for block in blocks_of(keyed.stored)} == {"ann", "bob"}
    assert [word.split()[:2] for word in words(keyed, "ann")] == [["ann", str(i)] for i in range(40)]
    assert keyed.count("bob", SessionFilter(text="bob 3")) == 1
    keyed.purge("ann", CASE)
    assert {block["user"] for block in blocks_of(keyed.stored)} == {"bob"}
    assert len(words(keyed, "bob")) == 40


def test_a_damaged_session_is_named_by_its_id_and_repaired_under_it(tmp_path):
    from support.stores.damage import damage_rows

    path = tmp_path / "botchat.db"
    keyed = KeyedRepository(SqliteRepository(path))
    keyed.prepare()
    said(keyed, "bob", "bob's")
    said(keyed, "ann", "ann's")
    keyed.purge("bob", CASE)
    damage_rows(path, CASE, {"messages.0.content": 7})
    with pytest.raises(DamagedRecord) as caught:
        keyed.get("ann", CASE)
    assert (caught.value.session_id, "@user" in str(caught.value)) == (CASE, False)
    (damaged,) = keyed.for_admins().records(EVERYTHING)
    assert (damaged.session_id, damaged.readable["_id"], damaged.readable["id"]) == (CASE, CASE, CASE)
    assert keyed.for_admins().repair(damaged)
    assert keyed.get("ann", CASE).id == CASE
    assert keyed.for_admins().owners(CASE) == ["ann"]
    keyed.close()


# Stores of earlier versions


def test_a_session_of_an_earlier_version_goes_on_under_its_plain_key(keyed):
    session = stored(keyed.stored, "ann", id=CASE, messages=2)
    again = KeyedRepository(keyed.stored)  # which hasn't seen the session yet
    again.append(Session(id=CASE, user="ann", bot_id="demo"), user_says("from a copy that was never stored"))
    opened = again.get("ann", CASE)
    again.append(opened, user_says("more", files=[file_of(BIG, id="f")]))
    opened.name = "saved"
    again.save(opened)
    again.rename_if_unchanged("ann", CASE, "saved", "renamed")
    assert again.for_agents().create(Session(id=CASE, user="ann", bot_id="demo")) is False
    assert again.for_admins().put(session_to_record(session)) == "kept"
    assert keyed.stored.for_admins().stored_keys([CASE, keys_of("ann", CASE)[0]]).keys() == {CASE}
    assert (again.get("ann", CASE).name, again.get("ann", CASE).message_count) == ("renamed", 4)
    assert again.file("ann", CASE, "f") == BIG
    stored(again, "bob", id=CASE)
    again.purge("ann", CASE)
    assert lying_apart(keyed.stored) == 0
    said(again, "ann", "anew")
    assert words(KeyedRepository(keyed.stored), "ann") == ["anew"]
    assert again.for_admins().owners(CASE) == ["ann", "bob"]


def test_another_process_that_removes_and_makes_a_session_anew_is_followed(keyed):
    stored(keyed.stored, "ann", id=CASE)
    assert words(keyed, "ann") == ["message 0"]
    other = KeyedRepository(keyed.stored)
    other.purge("ann", CASE)
    said(other, "ann", "anew")
    keyed.update("ann", CASE, name="found")
    assert keyed.get("ann", CASE).name == "found"


# Import, export, copies


def test_two_users_import_a_file_and_each_exports_it_again_with_its_id(keyed):
    admin = Admin(keyed.for_admins(), Retention())
    record = session_to_record(Session(id=CASE, user="ann", bot_id="b", messages=[user_says(files=[file_of(BIG)])]))
    for user in ("ann", "bob"):
        for dry_run in (True, False):
            assert list(SessionImporter(admin, dry_run=dry_run).load([record | {"user": user}])) == [CASE]
        importer = SessionImporter(admin)
        assert (list(importer.load([record | {"user": user}])), importer.existing) == ([], 1)
        assert list(SessionImporter(admin, "replace").load([record | {"user": user}])) == [CASE]
        with pytest.raises(BotchatError, match="'case-4712' already exists"):
            list(SessionImporter(admin, "fail").load([record | {"user": user}]))
    (again,) = admin.records(SessionFilter(user="bob"))
    assert {n: again[n] for n in ("_id", "id", "messages")} == {n: record[n] for n in ("_id", "id", "messages")}


def test_copies_between_stores_in_both_directions_keep_each_users_session(keyed, target):
    said(keyed, "ann", "ann's here")
    said(target, "bob", "bob's there")
    stored(keyed.stored, "cy", id="plain")
    stored(target.stored, "ann", id="plain")
    for source, end in ((keyed, target), (target, keyed), (keyed, target)):
        copy(source, end)
    assert {became for _, became in copy(keyed, target) + copy(target, keyed)} == {"kept"}
    said_since = keyed.get("ann", CASE)
    keyed.append(said_since, user_says("since"))
    assert (CASE, "updated") in copy(keyed, target)
    for store in (keyed, target):
        assert (words(store, "ann"), words(store, "bob")) == (["ann's here", "since"], ["bob's there"])
        assert store.for_admins().owners("plain") == ["ann", "cy"]
        assert store.for_admins().count(EVERYTHING) == 4


def test_retention_ends_one_users_session_and_not_the_others(shell, repository_at):
    for user in ("ann", "bob"):
        said(repository_at, user, f"{user}'s")
    due = shell.lines("sessions", "prune", "--all-users", "--older-than", "0m", "--purge", "--dry-run")
    assert sorted((line[0], line[-1]) for line in due) == [(CASE, "ann"), (CASE, "bob")]
    done = shell.run("sessions", "prune", "--user", "bob", "--older-than", "0m", "--purge", "--yes")
    assert (done.returncode, repository_at.for_admins().owners(CASE)) == (0, ["ann"])
    assert words(repository_at, "ann") == ["ann's"]


def test_a_folder_of_everybodys_sessions_has_a_file_for_each(shell, repository_at, tmp_path):
    at = now()
    for user in ("ann", "bob"):
        stored(repository_at, user, id=CASE, create_time=at)
    folder = tmp_path / "out"
    done = shell.run("sessions", "export", "--all-users", "-F", "json", "-o", f"{folder}/")
    assert (done.returncode, len(list(folder.iterdir()))) == (0, 2)


# Front ends


def test_programs_of_two_users_open_the_same_id(address):
    with Store.open(address, user="ann") as store:
        store.session(CASE).append("user", "ann's", agent_id="clerk")
        store.session(CASE, user="bob").append("user", "bob's", agent_id="clerk")
    for user in ("ann", "bob"):
        with BotchatSessionManager(CASE, store=address, user=user) as manager:
            speaker = agent(manager, agent_id="clerk")
            assert [message["content"][0]["text"] for message in speaker.messages] == [f"{user}'s"]


def test_the_api_gives_each_user_their_own_and_asks_an_admin_whose(keyed):
    for user in ("ann", "bob"):
        said(keyed, user, f"{user}'s")
    said(keyed, "ann", "hers alone", session_id="alone")
    turns = Turns({"b": ScriptedBot("Hello")})
    chat = Chat(keyed, turns, default_bot="b")
    services = Services(chat=chat, settings=ApiSettings(admins_read=True), admins=("root",))
    ann, bob, mallory = (Client(services, chat.auth.create_token(user)[1]) for user in ("ann", "bob", "mallory"))
    read = [client.get(f"/session/{CASE}").json()["messages"][0]["content"] for client in (ann, bob)]
    assert read == ["ann's", "bob's"]
    answers = [mallory.get(f"/session/{name}") for name in (CASE, "case-4713")]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].text.replace(CASE, "case-4713") == answers[1].text
    admin = Client(services, chat.auth.create_token("root", scopes=("read", "admin"))[1])
    assert admin.get("/admin/session/alone").json()["messages"][0]["content"] == "hers alone"
    asked = admin.get(f"/admin/session/{CASE}")
    assert (asked.status_code, "ann, bob" in asked.text) == (422, True)
    one = admin.get(f"/admin/session/{CASE}", params={"user": "bob"})
    assert one.json()["messages"][0]["content"] == "bob's"
    assert admin.get(f"/admin/session/{CASE}", params={"user": "mallory"}).status_code == 404
    turns.close()


def test_the_store_that_every_program_opens_has_ids_of_each_user(address):
    repository = build_repository(address)
    repository.prepare()
    said(repository, "ann", "ann's")
    said(repository, "bob", "bob's")
    assert (words(repository, "ann"), words(repository, "bob")) == (["ann's"], ["bob's"])
    repository.close()
