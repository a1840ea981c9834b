"""The right side: what the person asks of the bot in the session that is shown, and what they think of its answers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widgets import TextArea

from botchat.core.chat import Chat, Reply
from botchat.core.errors import BotchatError
from botchat.core.export import one_line
from botchat.core.models import Feedback, Message, Session, now
from botchat.tui.ask_text import AskText
from botchat.tui.choose import Choose
from botchat.tui.known import answer_meant, beside, question_meant, shown_of, with_message
from botchat.tui.news import StoreAnswered, StoreFailed
from botchat.tui.prompt import Prompt
from botchat.tui.session_view import SessionView
from botchat.tui.words import title_of

_DRAFT_SECONDS = 0.5
_THUMBS = {"up": "Good answer.", "down": "Not so good."}

Rating = Literal["up", "down"]
Ask = Callable[[Chat, Session], Reply]
Change = Callable[[Chat, Session], object]


class ConversationPane(SessionView):
    """Sends, edits, asks again, rates and changes the bot. Words leave the prompt when the store has them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "ask_again", "Ask again", id="again", tooltip="Let the bot answer again; its answer before stays"),
        Binding("e", "edit", "Edit", id="edit", tooltip="Say something else in the place of a message of yours"),
        Binding("left_square_bracket", "branch(-1)", "Branch before", id="branch.before", show=False, key_display="["),
        Binding("right_square_bracket", "branch(1)", "Branch after", id="branch.after", show=False, key_display="]"),
        Binding("plus", "rate('up')", "Good", id="good", show=False, key_display="+", tooltip="Say that it is good"),
        Binding("minus", "rate('down')", "Bad", id="bad", show=False, key_display="-", tooltip="Say that it is not"),
        Binding("t", "thoughts", "Thoughts", id="thoughts", show=False, tooltip="Fold or unfold the bot's reasoning"),
        Binding("i", "details", "Details", id="details", show=False, tooltip="Show times, bots, tokens and latency"),
        Binding("y", "copy", "Copy", id="copy", show=False, tooltip="Copy the marked message, or the last one"),
        Binding("c", "copy_code", "Copy code", id="copy_code", show=False, tooltip="Copy its code; again: the next"),
        Binding("f5", "read", "Refresh", id="read", show=False, tooltip="Read the session from the store again"),
    ]

    @dataclass
    class Asked(StoreAnswered):
        """Is posted when the bot was asked: what was said is stored."""

        session: Session
        reply: Reply
        words: str

    @dataclass
    class AskFailed(StoreFailed):
        """Is posted when the bot could not be asked; the words are in the prompt still."""

        session_id: str

    @dataclass
    class SessionChanged(StoreAnswered):
        """Is posted when something else about the session was stored."""

        session: Session
        said: str

    @dataclass
    class ChangeFailed(StoreFailed):
        """Is posted when it was not stored; `again` asks for it again, with what was typed."""

        again: Callable[[str], object] | None

    _draft_waits: bool = False
    _waits_for_store: bool = False
    _copied: tuple[str, int] = ("", 0)
    _asking: str | None = None
    _unsaved: Message | None = None

    def on_text_area_changed(self, _event: TextArea.Changed) -> None:
        """Write the draft down shortly after it was typed."""
        if not self._draft_waits:
            self._draft_waits = True
            self.set_timer(_DRAFT_SECONDS, self._write_draft)

    def connected(self, chat: Chat) -> None:
        """Take the store, now that it is open, and send what was to be sent before it was."""
        super().connected(chat)
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

    def action_branch(self, step: int) -> None:
        """Show what else was said or answered in this place."""
        marked = self.transcript.current
        if self.session and (other := beside(self.session, marked.id if marked else None, step)):
            self._change(self.session, lambda chat, own: chat.show_branch(self.user, own, other))
        else:
            self.app.notify("There is no other branch on that side.", markup=False)

    def action_rate(self, rating: Rating) -> None:
        """Ask for a comment and keep what the person thinks of an answer; the same again takes it back."""
        session = self.session
        answer = answer_meant(session, self.transcript.current) if session else None
        if session is None or answer is None:
            return
        if (answer.feedback or {}).get("rating") == rating:
            self._rate(session, answer, None, "")
        else:
            self._ask_comment(session, answer, rating)

    def action_thoughts(self) -> None:
        """Fold or unfold the reasoning of the marked answer, or of all."""
        marked = self.transcript.current
        self.transcript.toggle_reasoning(marked.id if marked else None)

    def action_details(self) -> None:
        """Show or hide what is known about the messages."""
        self.transcript.toggle_details()

    def action_copy(self) -> None:
        """Copy a message as it was written."""
        self._copy(self.transcript.copy_text(), "The message")

    def action_copy_code(self) -> None:
        """Copy a code block of an answer, and at the next time the next one."""
        answer = answer_meant(self.session, self.transcript.current) if self.session else None
        blocks = self.transcript.code_blocks(answer) if answer else []
        if answer and blocks:
            last_id, place = self._copied
            place = (place + 1) % len(blocks) if last_id == answer.id else 0
            self._copied = (answer.id, place)
            self._copy(blocks[place], f"Code block {place + 1} of {len(blocks)}")
        else:
            self.app.notify("There is no code in it.", markup=False)

    def _copy(self, text: str, what: str) -> None:
        self.app.copy_to_clipboard(text)
        self.app.notify(f"{what} is in the clipboard, if your terminal allows it.", markup=False)

    def action_read(self) -> None:
        """Read what failed to be read, or the session again."""
        if self._again:
            self.read_again()
        else:
            self.read()

    def choose_bot(self) -> None:
        """Ask which bot is to answer from now on."""
        if self.chat is None or self.session is None:
            return
        options = {bot: one_line(f"{bot} ({info.label})") for bot, info in self.chat.bots.items()}
        asked = Choose("Who answers from now on?", options, chosen=self.session.bot_id)
        self.app.push_screen(asked, lambda bot: self.set_bot(bot) if bot else None)

    def set_bot(self, bot: str) -> None:
        """Let this bot answer in the session from now on."""
        session = self.session
        if session is None or bot == session.bot_id:
            return
        said = f"{title_of(bot)} answers from now on."
        changed = replace(session, bot_id=bot)
        if session.rev:
            self._change(changed, lambda chat, own: chat.update(self.user, own.id, bot_id=bot), said)
        else:
            self.session = changed
            self.post_message(self.SessionShown(changed))

    def _begin(self, ask: Ask, words: str = "") -> None:
        if self.session is None or self.chat is None:
            return
        self._asking = self.session.id
        self.notice.tell("")
        self._ask(self.chat, replace(self.session, messages=list(self.session.messages)), ask, words)

    @work(thread=True, group="ask")
    def _ask(self, chat: Chat, session: Session, ask: Ask, words: str) -> None:
        try:
            reply = ask(chat, session)
        except BotchatError as error:
            self.post_message(self.AskFailed(error, session.id))
        else:
            self.post_message(self.Asked(session, reply, words))

    @on(Asked)
    def _asked(self, event: Asked) -> None:
        self._asking = None
        session = replace(event.session, head=None)
        if self.session is None or session.id != self.session.id:  # the person has gone on to another session
            self._keeper.forget(session.id)
            self._left.append((event.reply, session.name))
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
            self.notice.tell(f"{what}: {event.error}", error=True)
        else:
            words = f"{one_line(str(event.error))} Your words are in that session's prompt."
            self.app.notify(words, title="Not sent", severity="error", markup=False)

    def _ask_comment(
        self, session: Session, answer: Message, rating: Rating, comment: str | None = None, error: str = ""
    ) -> None:
        value = (answer.feedback or {}).get("comment", "") if comment is None else comment
        asked = AskText(_THUMBS[rating], value, placeholder="A comment, if you like", error=error)

        def keep(said: str | None) -> None:
            if said is not None:
                self._rate(session, answer, rating, said.strip())

        self.app.push_screen(asked, keep)

    def _rate(self, session: Session, answer: Message, rating: Rating | None, comment: str) -> None:
        given = Feedback(rating=rating, time=now()) | (Feedback(comment=comment) if comment else {})
        rated = replace(answer, feedback=dict(given) if rating else None)
        said = "Your feedback is kept." if rating else "Your feedback is taken back."
        self._change(
            with_message(session, rated),
            lambda chat, own: chat.give_feedback(self.user, own.id, answer.id, rating, comment),
            said,
            lambda error: self._ask_comment(session, answer, rating, comment, error) if rating else None,
        )

    @work(thread=True, group="change")
    def _change(
        self, session: Session, change: Change, said: str = "", again: Callable[[str], object] | None = None
    ) -> None:
        own = replace(session)
        try:
            if self.chat:
                change(self.chat, own)
        except BotchatError as error:
            self.post_message(self.ChangeFailed(error, again))
        else:
            self.post_message(self.SessionChanged(own, said))

    @on(SessionChanged)
    def _session_changed(self, event: SessionChanged) -> None:
        if self.session and event.session.id == self.session.id:
            self._take(replace(event.session, first=self.session.first, messages=self._known_with(event.session)))
        if event.said:
            self.app.notify(event.said, markup=False)

    def _known_with(self, changed: Session) -> list[Message]:
        """Return the messages as they are known now, with the feedback that was just given."""
        given = {message.id: message.feedback for message in changed.messages}
        known = self.session.messages if self.session else []
        return [replace(m, feedback=given[m.id]) if m.feedback != given.get(m.id, m.feedback) else m for m in known]

    @on(ChangeFailed)
    def _change_failed(self, event: ChangeFailed) -> None:
        if event.again:
            event.again(one_line(str(event.error)))
        else:
            self.notice.tell(f"Not changed: {event.error}", error=True)
