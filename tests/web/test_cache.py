"""The page's connection to a real MongoDB after ten minutes: a new one is opened, and the old one closed in time."""

from pathlib import Path

from pymongo.errors import InvalidOperation
from streamlit.testing.v1 import AppTest
from support.fakes import DONE, Gate, ScriptedBot

from botchat.core.chat import Chat
from botchat.core.storage.mongo.repository import connect
from botchat.core.turn import Turns
from botchat.web import cache, runtime


def is_open(client) -> bool:
    try:
        client.admin.command("ping")
    except InvalidOperation:
        return False
    return True


def test_a_connection_that_ran_out_is_closed_when_its_last_reply_is_saved(mongod, database):
    gate, clients = Gate(), []
    turns = Turns({"b": ScriptedBot("Half ", gate, "and half.", DONE)})

    def open_store() -> Chat:
        repository = connect(f"{mongod.uri}/{database.name}")
        repository.prepare()
        clients.append(repository._database.client)
        return Chat(repository, turns, default_bot="b")

    cache.connection.clear()
    runtime.install(runtime.Runtime(user="ann", connect=open_store, replies=turns))
    tab = AppTest.from_file(Path(runtime.__file__).with_name("streamlit_app.py"), default_timeout=30).run()
    tab.chat_input[0].set_value("Go").run()
    cache.connection.clear()  # what the ten minutes do
    tab.run()
    assert len(clients) == 2
    assert is_open(clients[0])
    gate.open()
    while is_open(clients[0]):  # it closes on the reply's own thread, a moment after the reply is saved
        pass
    assert is_open(clients[1])
    assert [m["content"] for m in database["sessions"].find_one()["messages"]] == ["Go", "Half and half."]
    turns.close()
    cache.connection().close()
    cache.connection.clear()
