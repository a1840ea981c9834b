"""What the person asks of the bot in the session that is shown: sent, edited, asked again, stopped."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from textual import on, work
from textual.widgets import TextArea

from botchat.core.errors import BotchatError, UnknownBot
from botchat.core.exporting import one_line
from botchat.core.models import Message, Session
from botchat.tui.backend import AnyChat, AnyReply
from botchat.tui.conversation.composer import Prompt
from botchat.tui.conversation.view import SessionView
from botchat.tui.messages import StoreAnswered, StoreFailed
from botchat.tui.state import answer_meant, is_answered_elsewhere, question_meant, shown_of, with_message

_DRAFT_SECONDS = 0.5
_STOPPED_SECONDS = 2.0  # another program learns that it is to stop when it stores the next piece

Ask = Callable[[AnyChat, Session], AnyReply]


class AsksBot(SessionView):
    """Sends what stands in the prompt. Words leave it when the store has them, and not before."""

    @dataclass
    class Asked(StoreAnswered):
        """Is posted when the bot was asked: what was said is stored.

        `asked_in` is the id that the session had before: a new one may get its id from a server.
        """

        asked_in: str
        session: Session
        reply: AnyReply
        words: str

    @dataclass
    class AskFailed(StoreFailed):
        """Is posted when the bot could not be asked; the words are in the prompt still."""

        session_id: str

    _draft_waits: bool = False
    _waits_for_store: bool = False
    _asking: str | None = None
    _unsaved: Message | None = None

    def on_text_area_changed(self, _event: TextArea.Changed) -> None:
        """Write the draft down shortly after it was typed."""
        if not self._draft_waits:
            self._draft_waits = True
            self.set_timer(_DRAFT_SECONDS, self._write_draft)

    def connected(self, chat: AnyChat, bot: str) -> None:
        """Take the store, now that it is open, and send what was to be sent before it was."""
        super().connected(chat, bot)
        if self._waits_for_store and self.session and not self.session.rev:
            self.prompt.action_send()
        self._waits_for_store = False

    def _write_draft(self) -> None:
        self._draft_waits = False
        self._keeper.flush()

    def escape(self) -> bool:
        """Stop the reply, or leave what is being edited; tell whether there was either."""
        if self.is_answering:
            self.stop()
        elif self._keeper.editing:
            self._keeper.end_edit()
            self.notice.tell("")
        elif self.session and is_answered_elsewhere(self.session):
            self._stop_elsewhere(self.session.id)
            self.app.notify("The program that receives this reply is asked to stop it.", markup=False)
            self.set_timer(_STOPPED_SECONDS, self.read)
        else:
            return False
        return True

    @on(Prompt.Sent)
    def _sent(self, event: Prompt.Sent) -> None:
        text, session = event.text, self.session
        if session is None:
            self._waits_for_store = True
            self.notice.tell("It is sent as soon as the store is open.")
        elif self._asking:
            self.notice.tell("What you sent before is still being stored.")
        elif edited := self._keeper.editing:
            self._begin(lambda chat, own: chat.edit(self.user, own, edited, text), text)
        else:
            if self._unsaved is None or self._unsaved.content != text:  # the same one again is not stored twice
                self._unsaved = Message(role="user", content=text)
            message = self._unsaved
            self._begin(lambda chat, own: chat.send(self.user, own, message), text)

    def action_ask_again(self) -> None:
        """Ask for the answer that is missing, or for another one."""
        session = self.session
        if session is None:
            return
        if self._is_unanswered:
            self._begin(lambda chat, own: chat.retry(self.user, own))
        elif answer := answer_meant(session, self.transcript.current):
            self._begin(lambda chat, own: chat.regenerate(self.user, own, answer.id))

    def action_edit(self) -> None:
        """Put an earlier message of the person's into the prompt, to be said in another way."""
        if self.session and (question := question_meant(self.session, self.transcript.current)):
            self._keeper.edit(question.id, question.content)
            self._tell_editing()
            self.prompt.focus()

    def _begin(self, ask: Ask, words: str = "") -> None:
        if self.session is None or self.chat is None:
            return
        self._asking = self.session.id
        self.notice.tell("")
        self._ask(self.chat, replace(self.session, messages=list(self.session.messages)), ask, words)

    @work(thread=True, group="ask")
    def _ask(self, chat: AnyChat, session: Session, ask: Ask, words: str) -> None:
        asked_in = session.id
        try:
            reply = ask(chat, session)
        except BotchatError as error:
            self.post_message(self.AskFailed(error, asked_in))
        else:
            self.post_message(self.Asked(asked_in, session, reply, words))

    @on(Asked)
    def _asked(self, event: Asked) -> None:
        self._asking = None
        session = replace(event.session, head=None, turn=None)
        if self.session is None or event.asked_in != self.session.id:  # the person has gone on to another session
            self._keeper.forget(session.id)
            self._left.append((event.reply, session.name))
            self._followed.put(session, event.reply)
            return
        if event.words:
            self._unsaved = None
            self._say_stored(session, event.words)
        self._follow_on(event.reply)
        self._take(with_message(session, event.reply.message))
        self.transcript.go_to_end()

    def _say_stored(self, session: Session, words: str) -> None:
        """Take out of the prompt what is stored now."""
        if self._keeper.editing:
            self._keeper.end_edit()
        else:
            self.prompt.take_out(words)
            if session.rev == 1:
                self._keeper.became(session.id)
        self._keeper.flush()
        self.prompt.set_history([message.content for message in shown_of(session) if message.role == "user"])

    @on(AskFailed)
    def _ask_failed(self, event: AskFailed) -> None:
        self._asking = None
        if self.session and event.session_id == self.session.id:
            what = "Not sent" if self.prompt.text.strip() else "Not asked"
            hint = " Choose who answers: ctrl+b." if isinstance(event.error, UnknownBot) else ""
            self.notice.tell(f"{what}: {event.error}{hint}", error=True)
        else:
            words = f"{one_line(str(event.error))} Your words are in that session's prompt."
            self.app.notify(words, title="Not sent", severity="error", markup=False)
