"""Turns in the open session: send, edit, regenerate, stop."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from textual import on, work
from textual.widgets import TextArea

from botchat.core.errors import BotchatError, UnknownBot
from botchat.core.exporting import one_line
from botchat.core.models import Message, Session
from botchat.tui.backend import ChatBackend, ReplyHandle
from botchat.tui.conversation.composer import Composer
from botchat.tui.conversation.updates import SessionUpdates
from botchat.tui.messages import StoreFailed, StoreResponded
from botchat.tui.screens.confirm_dialog import ActionDialog
from botchat.tui.state import is_streaming_elsewhere, target_reply, target_user_message, visible_messages, with_message

_DRAFT_SECONDS = 0.5
_STOP_SECONDS = 2.0  # other programs see the request at their next checkpoint

SEND_LATER = "Will be sent when the store is available."

StartTurn = Callable[[ChatBackend, Session], ReplyHandle]


class TurnActions(SessionUpdates):
    """Sends the composer's text, which stays there until it is stored."""

    @dataclass
    class TurnStarted(StoreResponded):
        """The user's message is stored and the reply has started.

        `sent_session_id` is the session's previous ID; a server may give a new session another one.
        """

        sent_session_id: str
        session: Session
        reply: ReplyHandle
        text: str

    @dataclass
    class TurnFailed(StoreFailed):
        """The turn couldn't start. `text` is the message, which is still in the composer; "" for a new reply to one."""

        session_id: str
        text: str

    _draft_scheduled: bool = False
    _send_when_open: bool = False
    _send_into: str | None = None  # the ID of the session that is opening
    _submitting_session_id: str | None = None
    _unsent: Message | None = None

    def on_text_area_changed(self, _event: TextArea.Changed) -> None:
        """Save the draft shortly after a change."""
        if not self._draft_scheduled:
            self._draft_scheduled = True
            self.set_timer(_DRAFT_SECONDS, self._write_draft)

    def attach_chat(self, chat: ChatBackend, bot: str) -> None:
        """Set the chat and send the message that the user submitted before the store was open."""
        super().attach_chat(chat, bot)
        if self._send_when_open and self.session:
            self.composer.action_send()
        elif self._send_when_open:
            self._send_into = self._opening
        self._send_when_open = False

    def show_store_failure(self, error: BotchatError, retry: Callable[[], object] | None) -> None:
        """Show why the store isn't open; without `retry` it is retried automatically."""
        self._retry = retry
        later = f" {SEND_LATER}" if self._send_when_open else ""
        self.notice.show(f"{error} {'Press F5 to retry.' if retry else 'Retrying…'}{later}", error=True)

    def _show(self, session: Session) -> None:
        """Show a session; send the message that the user submitted before it was open."""
        text = self.composer.text if self._send_into == session.id else ""
        self._send_into = None
        super()._show(session)
        if text.strip():
            draft = self.composer.text
            self.composer.replace_text(f"{text}\n{draft}" if draft else text)  # `remove_sent` leaves the draft
            self._autosave.discard("")
            self.post_message(Composer.Submitted(text))

    def _write_draft(self) -> None:
        self._draft_scheduled = False
        self._autosave.flush()

    @property
    def is_editing(self) -> bool:
        """Whether an earlier message is in the composer."""
        return self._autosave.editing is not None

    @property
    def can_stop(self) -> bool:
        """Whether a reply is streaming into the open session, here or in another program."""
        return self.is_answering or (self.session is not None and is_streaming_elsewhere(self.session))

    def stop(self) -> None:
        """Stop the streaming reply; the received text is kept."""
        if self.is_answering:
            super().stop()
        elif self.session:
            self._stop_elsewhere(self.session.id)
            self.app.notify("Stopping…", markup=False)
            self.set_timer(_STOP_SECONDS, self.reload)

    def cancel_edit(self) -> None:
        """Put the draft back into the composer; the edited text is discarded."""
        self._autosave.end_edit()
        self.notice.show("")
        self.refresh_bindings()

    @on(Composer.Submitted)
    def _sent(self, event: Composer.Submitted) -> None:
        text, session = event.text, self.session
        if session is None:
            if self.chat and not self._opening:
                self.retry_read()
            self._send_when_open, self._send_into = self.chat is None, self._opening
            self.notice.show(SEND_LATER)
        elif self._submitting_session_id:
            self.notice.show("Your previous message is still being saved.")
        elif edited := self._autosave.editing:
            self._submit(lambda chat, own: chat.edit(self.user, own, edited, text), text)
        else:
            if (
                self._unsent is None or self._unsent.content != text
            ):  # the same message keeps its ID, so it isn't stored twice
                self._unsent = Message(role="user", content=text)
            message = self._unsent
            self._submit(lambda chat, own: chat.send(self.user, own, message), text)

    def action_regenerate(self) -> None:
        """Ask, then request the missing reply, or another version of one."""
        session = self.session
        if session is None:
            return
        if self._is_unanswered:
            self._ask("Request a reply again?", "Retry", lambda: self._submit(lambda c, own: c.retry(self.user, own)))
        elif answer := target_reply(session, self.transcript.current):
            submit = partial(self._submit, lambda chat, own: chat.regenerate(self.user, own, answer.id))
            self._ask("Regenerate this reply? The current one is kept as another version.", "Regenerate", submit)

    def _ask(self, question: str, label: str, then: Callable[[], object]) -> None:
        """Ask before an action of a single key, unless another session is open when the answer comes."""
        asked = self.session

        def answered(confirmed: bool | None) -> None:  # noqa: FBT001  (the dialog's result)
            if confirmed and asked and self.session and self.session.id == asked.id:
                then()

        self.app.push_screen(ActionDialog(question, confirm_label=label), answered)

    def action_edit(self) -> None:
        """Put an earlier message of the user into the composer to edit it."""
        if self.session and (question := target_user_message(self.session, self.transcript.current)):
            self._autosave.start_edit(question.id, question.content)
            self._show_editing()
            self.composer.focus()

    def _submit(self, ask: StartTurn, text: str = "") -> None:
        if self.session is None or self.chat is None:
            return
        self._submitting_session_id = self.session.id
        self.notice.show("")
        self._start_turn(self.chat, replace(self.session, messages=list(self.session.messages)), ask, text)

    @work(thread=True, group="ask")
    def _start_turn(self, chat: ChatBackend, session: Session, ask: StartTurn, text: str) -> None:
        sent_session_id = session.id
        try:
            reply = ask(chat, session)
        except BotchatError as error:
            self.post_message(self.TurnFailed(error, sent_session_id, text))
        else:
            self.post_message(self.TurnStarted(sent_session_id, session, reply, text))

    @on(TurnStarted)
    def _turn_started(self, event: TurnStarted) -> None:
        self._submitting_session_id = None
        session = replace(event.session, head=None, turn=None)
        if self.session is None or event.sent_session_id != self.session.id:  # another session is open now
            self._autosave.discard(session.id)
            self._background_replies.append((event.reply, session.name))
            self._reply_tracker.track(session, event.reply)
            return
        if event.text:
            self._unsent = None
            self._clear_sent(session, event.text)
        self._follow_reply(event.reply)
        self._apply(with_message(session, event.reply.message))
        self.transcript.go_to_end()

    def _clear_sent(self, session: Session, text: str) -> None:
        """Clear the composer of the text that is stored now."""
        if self._autosave.editing:
            self._autosave.end_edit()
        else:
            self.composer.remove_sent(text)
            if session.rev == 1:
                self._autosave.move_to(session.id)
        self._autosave.flush()
        self.composer.set_history([message.content for message in visible_messages(session) if message.role == "user"])

    @on(TurnFailed)
    def _turn_failed(self, event: TurnFailed) -> None:
        self._submitting_session_id = None
        if self.session and event.session_id == self.session.id:
            what = "Couldn't send" if event.text else "Couldn't get a reply"
            hint = " Press Ctrl+B to choose a model." if isinstance(event.error, UnknownBot) else ""
            self.notice.show(f"{what}: {event.error}{hint}", error=True)
        else:
            kept = " Your message is still in that chat's composer." if event.text else ""
            title = "Couldn't send" if event.text else "Couldn't get a reply"
            self.app.notify(f"{one_line(str(event.error))}{kept}", title=title, severity="error", markup=False)
