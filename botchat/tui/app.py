"""The terminal app: sidebar on the left, conversation on the right, global keys, and the messages between them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from textual import events, on, work
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.dom import DOMNode
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer

from botchat.core.chat import context_usage
from botchat.core.errors import BotchatError, InvalidInput, ServerUnavailable, SessionNotFound, StoreUnavailable
from botchat.core.models import SessionSummary, now
from botchat.tui import commands
from botchat.tui.backend import ChatBackend, ReplyHandle
from botchat.tui.conversation.autosave import DraftAutosave
from botchat.tui.conversation.drafts import Drafts
from botchat.tui.conversation.header import HeaderState, SessionHeader
from botchat.tui.conversation.pane import ConversationPane
from botchat.tui.conversation.view import SessionView
from botchat.tui.formatting import last_active, title_of
from botchat.tui.keymap import bindings
from botchat.tui.lifecycle import LifecycleApp
from botchat.tui.messages import StoreFailed, StoreResponded
from botchat.tui.screens.confirm_dialog import ConfirmDialog
from botchat.tui.screens.keys import KeysScreen
from botchat.tui.sidebar.pane import SessionsPane
from botchat.tui.sidebar.session_list import SessionList
from botchat.tui.state import summary_of
from botchat.tui.terminal_driver import TerminalDriver
from botchat.tui.themes import DARK, LIGHT
from botchat.tui.transcript.transcript import Transcript

_MIN_WIDTH_SIDE_BY_SIDE = 64  # columns; below, only the sidebar or the conversation is shown
_MIN_WIDTH_LARGE_SIDEBAR = 110  # columns; from here on, the sidebar is wider

FindInitial = Callable[[ChatBackend], SessionSummary | None]


class BotchatApp(LifecycleApp):
    """The chat of one user on one store; `connect` opens the store after the first screen is drawn.

    Args:
        find_initial: finds the session to open first; None starts a new one.
        resumes_latest: whether that session is the most recent one; a notification names it.
    """

    TITLE = "botchat"
    CSS_PATH = "app.tcss"
    AUTO_FOCUS = "#composer"  # keys pressed during startup go to the composer
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (_MIN_WIDTH_SIDE_BY_SIDE, "-wide"), (_MIN_WIDTH_LARGE_SIDEBAR, "-roomy")]  # noqa: RUF012  (Textual declares it so)
    COMMANDS = App.COMMANDS | {commands.SessionCommands}
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")

    @dataclass
    class StoreOpened(StoreResponded):
        """The store is open. `bot` answers in new sessions; `first` is the session to open first."""

        chat: ChatBackend
        bot: str
        first: SessionSummary | None

    retry_seconds = 5.0  # between attempts to open a store that is unavailable
    _retry_timer: Timer | None = None

    def __init__(  # noqa: PLR0913  (chosen by the launcher)
        self,
        connect: Callable[[], ChatBackend],
        *,
        user: str,
        drafts: Drafts,
        find_initial: FindInitial | None = None,
        resumes_latest: bool = False,
        bot: str | None = None,
        theme: str = DARK.name,
        keys: Mapping[str, str] | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        super().__init__(driver_class=TerminalDriver)
        self._connect = connect
        self._autosave = DraftAutosave(drafts, self._draft_failed)
        self.header = SessionHeader(HeaderState(user=user), id="heading")
        self.sessions = SessionsPane(user, clock=clock, id="sessions")
        self.conversation = ConversationPane(user, self._autosave, bot=bot, id="conversation")
        self._find_initial = find_initial
        self._is_latest = resumes_latest
        self._clock = clock
        self.failure: BotchatError | None = None
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = theme
        self._keys = dict(keys or {})
        self.set_keymap(self._keys)
        self.conversation.composer.set_keys(self._keys)

    def compose(self) -> ComposeResult:
        """Yield the header, both sides and the footer."""
        yield self.header
        with Horizontal():
            yield self.sessions
            yield self.conversation
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Open the store after the first screen is drawn, because its libraries and its server may be slow."""
        self.call_after_refresh(self._open_store)

    @property
    def unsaved_replies(self) -> list[ReplyHandle]:
        """The replies whose text is only in this process."""
        return [reply for _, reply in self.conversation.unsaved]

    def on_unmount(self) -> None:
        """Save the draft."""
        self._autosave.flush()

    def on_app_focus(self, _event: events.AppFocus) -> None:
        """Check for changes by other programs at once when the terminal regains focus."""
        self.conversation.check_changes()

    def action_new(self) -> None:
        """Start a new session."""
        self.conversation.start_new()
        self.conversation.composer.focus()
        self._hide_list_if_narrow()

    def action_rename(self) -> None:
        """Rename the open session."""
        session = self.conversation.session
        if session and session.rev:
            self.sessions.rename(summary_of(session))
        else:
            self.notify("A new chat is named after its first message.", markup=False)

    def action_choose_bot(self) -> None:
        """Choose the bot of the open session."""
        self.conversation.choose_bot()

    def action_sessions(self) -> None:
        """Show and focus the sidebar; if it has the focus, hide it."""
        pane = self.sessions
        hide = pane.display and pane.has_focus_within
        self.screen_stack[0].set_class(not hide, "-list-shown")
        self.screen_stack[0].set_class(hide, "-list-hidden")
        (self.conversation.composer if hide else pane.list).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action applies now: of those that share a key, the footer shows and runs only one."""
        in_search = self.sessions.has_focus_within and self.sessions.is_searching
        can_stop, can_cancel = self.conversation.can_stop, in_search or self.conversation.is_editing
        match action:
            case "stop":
                return can_stop and not in_search
            case "cancel":
                return can_cancel and (in_search or not can_stop)
            case "switch_focus":
                return not can_stop and not can_cancel
        return super().check_action(action, parameters)

    def action_stop(self) -> None:
        """Stop the reply."""
        self.conversation.stop()

    def action_cancel(self) -> None:
        """Cancel the search or the edit."""
        if self.sessions.has_focus_within and self.sessions.is_searching:
            self.sessions.leave_search()
        else:
            self.conversation.cancel_edit()

    def action_switch_focus(self) -> None:
        """Switch between composer and messages."""
        conversation = self.conversation
        self._hide_list_if_narrow()
        (conversation.transcript if conversation.composer.has_focus else conversation.composer).focus()

    def on_resize(self, event: events.Resize) -> None:
        """Show the side that has the focus if the window is too narrow for both."""
        if event.size.width < _MIN_WIDTH_SIDE_BY_SIDE and not self.sessions.has_focus_within:
            self.screen_stack[0].remove_class("-list-shown")

    def action_keys(self) -> None:
        """Show all keys."""
        scopes = {scope: commands.key_descriptions(owners, self._keys) for scope, owners in self._scopes.items()}
        self.push_screen(KeysScreen(scopes))

    @property
    def _scopes(self) -> dict[str, list[DOMNode]]:
        conversation = self.conversation
        return {
            "Global": [self],
            "Composer": [conversation.composer],
            "Chat list": [self.sessions, self.sessions.list],
            "Messages": [conversation, conversation.transcript],
        }

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield Textual's commands and one for every key."""
        textual = super().get_system_commands(screen)
        yield from (command for command in textual if command.title not in commands.TEXTUAL_DUPLICATES)
        owners = [owner for owners in self._scopes.values() for owner in owners]
        yield from commands.binding_commands(self, owners, self._keys)

    def open(self, summary: SessionSummary) -> None:
        """Show a session."""
        self.conversation.open(summary.id)
        self._hide_list_if_narrow()

    @work(thread=True, group="store", exclusive=True)
    def _open_store(self) -> None:
        try:
            chat = self._connect()
            try:
                first = self._find_initial(chat) if self._find_initial else None
                self.post_message(self.StoreOpened(chat, chat.preferred_bot(self.sessions.user), first))
            except (SessionNotFound, InvalidInput) as error:
                self.failure = error
                self.call_from_thread(self.exit)
        except BotchatError as error:
            self.post_message(StoreFailed(error))

    @on(StoreOpened)
    def _store_opened(self, event: StoreOpened) -> None:
        if self.conversation.chat:
            return  # two attempts succeeded
        first = event.first
        self.header.update_state(store=event.chat.store)
        self.sessions.attach_chat(event.chat)
        if first:
            self.conversation.open(first.id)
        self.conversation.attach_chat(event.chat, event.bot)
        if first and self._is_latest:
            used = last_active(first.update_time, self._clock())
            self.notify(f"“{title_of(first.name)}”, last active {used}", title="Continuing chat", markup=False)
        elif self._is_latest:
            self.notify("No chats to continue yet. This is a new chat.", markup=False)

    @on(StoreResponded)
    def _store_answered(self) -> None:
        self.header.update_state(store_answers=True)

    @on(StoreFailed)
    def _store_failed(self, event: StoreFailed) -> None:
        is_temporary = isinstance(event.error, StoreUnavailable)
        if is_temporary:
            self.header.update_state(store_answers=False)
        if self.conversation.chat is None:
            self.sessions.show_failure(event.error)
            self.conversation.show_store_failure(event.error, None if is_temporary else self._retry_open)
            self._retry_timer = self.set_timer(self.retry_seconds, self._open_store) if is_temporary else None

    @on(SessionList.RetryRequested)
    def _retry_open(self) -> None:
        if self.conversation.chat is None:
            if self._retry_timer:
                self._retry_timer.stop()
            self.sessions.list.show_tail("loading", "Opening the store…")
            self._open_store()

    @on(SessionList.Opened)
    def _opened(self, event: SessionList.Opened) -> None:
        self.open(event.summary)

    @on(SessionView.SessionShown)
    def _session_shown(self, event: SessionView.SessionShown) -> None:
        session, chat = event.session, self.conversation.chat
        bots = chat.bots_for(session.user) if chat else {}
        label = bots[session.bot_id].label if session.bot_id in bots else "no longer available"
        note = {"active": "", "archived": "archived", "trash": "in trash"}[session.state]
        name = session.name if session.rev else "New chat"
        usage = context_usage(session)
        self.header.update_state(name=name, bot=session.bot_id, label=label, note=note)
        self.header.update_state(messages=session.message_count, sent=usage.text if usage else "")
        self.sessions.list.mark_open(session.id if session.rev else None)
        if session.rev:
            self.sessions.upsert(summary_of(session))

    @on(SessionView.ReplyEnded)
    def _reply_ended(self, event: SessionView.ReplyEnded) -> None:
        session = self.conversation.session
        if event.reply.save_failure:
            lost = isinstance(event.reply.save_failure, ServerUnavailable)
            title = "Connection lost" if lost else "Couldn't save this reply"
            self.notify(str(event.reply.save_failure), title=title, severity="error", markup=False)
        elif session is None or session.id != event.reply.session_id:
            self.notify(f"New reply in “{title_of(event.name)}”.", markup=False)

    @on(SessionsPane.Changed)
    def _changed(self, event: SessionsPane.Changed) -> None:
        session = self.conversation.session
        if session is None or session.id != event.before.id:
            return
        if event.after is None or event.after.state == "trash":
            self.conversation.start_new()
        else:
            self.conversation.reload()

    @on(Transcript.LinkOpened)
    def _link_opened(self, event: Transcript.LinkOpened) -> None:
        url = event.url
        if not url.lower().startswith(("http://", "https://", "mailto:")):
            self.notify(f"Can't open this link: {url} isn't a web address.", severity="warning", markup=False)
            return
        dialog = ConfirmDialog(f"Open this link in your browser?\n\n{url}", confirm_label="Open")
        self.push_screen(dialog, lambda yes: self.open_url(url) if yes else None)

    def _draft_failed(self, error: OSError) -> None:
        text = f"Can't save drafts: {error.strerror or error}. Unsent text will be lost if botchat closes."
        self.notify(text, severity="warning", markup=False)

    def _hide_list_if_narrow(self) -> None:
        if self.screen_stack[0].has_class("-narrow"):
            self.screen_stack[0].remove_class("-list-shown")
