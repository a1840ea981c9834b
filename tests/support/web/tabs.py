"""The page in Streamlit's AppTest: a site in one process, its tabs, and what they show."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

from streamlit.testing.v1 import AppTest
from support.fakes import DONE, ScriptedBot, WatchedStore

from botchat.core.chat import Chat, Reply
from botchat.core.errors import StoreUnavailable
from botchat.core.models import Message, Session
from botchat.core.turn import Turns
from botchat.web import cache, runtime

PAGE = Path(runtime.__file__).with_name("streamlit_app.py")


class Site:
    """The page of one process: a store, turns, and a connection that can be renewed."""

    def __init__(self, repository) -> None:
        self.store = WatchedStore(repository)
        self.opened = 0
        self.made: list[Turns] = []
        self.follow("Yes.", DONE)

    def follow(self, *script) -> ScriptedBot:
        """Use a bot that follows this script from the next run on."""
        self.bot = ScriptedBot(*script)
        self.turns = Turns({"b": self.bot}, checkpoint_seconds=0.01)
        self.made.append(self.turns)
        cache.connection.clear()
        return self.bot

    def connect(self) -> Chat:
        self.opened += 1
        if self.store.down:
            raise StoreUnavailable("The store is down.")
        return Chat(self.store, self.turns, default_bot="b")

    def serve(self, user: str, admins: tuple[str, ...] = ()) -> None:
        """Show this user's sessions from now on."""
        runtime.install(runtime.Runtime(user=user, connect=self.connect, replies=self, admins=admins))

    @property
    def running_count(self) -> int:
        return self.turns.running_count

    def active_reply(self, user: str, session_id: str) -> Reply | None:
        """Return the running reply of a session, as the current turns know it."""
        return self.turns.active_reply(user, session_id)

    def open(self, user: str = "ann", session_id: str | None = None) -> AppTest:
        """Open a tab and run the page in it."""
        self.serve(user, admins=("admin",))
        tab = AppTest.from_file(PAGE, default_timeout=30)
        if session_id:
            tab.query_params["session"] = session_id
        return self.run(tab)

    def run(self, tab: AppTest) -> AppTest:
        tab.run()
        assert not tab.exception, tab.exception
        return tab

    def say(self, tab: AppTest, text: str) -> AppTest:
        tab.chat_input[0].set_value(text)
        return self.run(tab)

    def settle(self, tab: AppTest, session_id: str) -> AppTest:
        """Wait until the reply is in the store, then run the page as its fragment would."""
        reply = cache.connection().reply("ann", session_id)
        assert reply is None or reply.wait(30)
        return self.run(tab)

    def sessions(self, number: int, user: str = "ann") -> list[Session]:
        start = datetime(2026, 1, 1, tzinfo=UTC)
        made = [Session(user=user, bot_id="b", create_time=start + timedelta(minutes=i)) for i in range(number)]
        for i, session in enumerate(made):
            self.store.append(session, Message(role="user", content=f"{user}'s {i}"))
        return made


_GROUP = re.compile(r'<h2 class="botchat-day">(.*?)</h2><ul>(.*?)</ul>', re.DOTALL)
_ROW = re.compile(r'data-id="(.*?)".*?<a [^>]*>(.*?)</a>', re.DOTALL)


def session_names(tab: AppTest) -> list[str]:
    """Return the names in the sidebar."""
    return [name for names in groups(tab).values() for name in names]


def groups(tab: AppTest) -> dict[str, list[str]]:
    """Return the names in the sidebar by their headings."""
    return {day: [name for _, name in rows] for day, rows in _listed(tab).items()}


def session_ids(tab: AppTest, name: str) -> list[str]:
    """Return the IDs of the sessions of that name in the sidebar."""
    return [session_id for rows in _listed(tab).values() for session_id, name_ in rows if name_ == name]


def choose(tab: AppTest, name: str) -> AppTest:
    """Open the session of that name from the sidebar."""
    return row_action(tab, "open", session_ids(tab, name)[0])


def row_action(tab: AppTest, action: str, session_id: str, **more: str) -> AppTest:
    """Send an action on a row of the sidebar as the page's script does."""
    number = time.monotonic_ns()
    tab.text_input("row action").set_value(json.dumps({"number": number, "do": action, "id": session_id, **more}))
    tab.run()
    assert not tab.exception, tab.exception
    return tab


def _listed(tab: AppTest) -> dict[str, list[tuple[str, str]]]:
    html = "".join(element.proto.body for element in tab.sidebar.get("html"))
    return {
        unescape(day): [(id_, unescape(name)) for id_, name in _ROW.findall(rows)] for day, rows in _GROUP.findall(html)
    }


def pick(tab: AppTest, key: str, option: str) -> AppTest:
    """Choose an option of a menu."""
    tab.menu_button(key).click(option)
    tab.run()
    assert not tab.exception, tab.exception
    return tab


def conversation_texts(tab: AppTest) -> list[str]:
    """Return the texts of the conversation, the user's and the bot's."""
    return [element.value for message in tab.chat_message for element in (*message.text, *message.markdown)]


def open_session_id(tab: AppTest) -> str:
    """Return the session ID in the URL."""
    value = tab.query_params["session"]
    return value if isinstance(value, str) else value[0]


def click(tab: AppTest, key: str) -> AppTest:
    tab.button(key).click()
    tab.run()
    assert not tab.exception, tab.exception
    return tab
