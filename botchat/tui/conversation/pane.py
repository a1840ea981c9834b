"""The right side: a session, and everything that can be done with it by a key."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from textual import on, work
from textual.binding import Binding, BindingType

from botchat.core.errors import BotchatError
from botchat.core.exporting import one_line
from botchat.core.models import Feedback, Message, Session, Topics, now
from botchat.tui.backend import AnyChat
from botchat.tui.conversation.redaction import RedactsMessages
from botchat.tui.formatting import title_of
from botchat.tui.messages import StoreAnswered, StoreFailed
from botchat.tui.screens.input_dialog import AskText
from botchat.tui.screens.select_dialog import Choose
from botchat.tui.state import answer_meant, beside, question_meant, with_message

_THUMBS = {"up": "Good answer.", "down": "Not so good."}

Rating = Literal["up", "down"]
Change = Callable[[AnyChat, Session], object]


class ConversationPane(RedactsMessages):
    """Has the keys of a session, and does what needs no reply: branches, feedback, another bot, copies."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "ask_again", "Ask again", id="again", tooltip="Let the bot answer again; its answer before stays"),
        Binding("e", "edit", "Edit", id="edit", tooltip="Say something else in the place of a message of yours"),
        Binding(
            "left_square_bracket",
            "branch(-1)",
            "Branch before",
            id="branch.before",
            show=False,
            key_display="[",
            tooltip="Show the branch before, where you edited or asked again",
        ),
        Binding(
            "right_square_bracket",
            "branch(1)",
            "Branch after",
            id="branch.after",
            show=False,
            key_display="]",
            tooltip="Show the branch after it",
        ),
        Binding(
            "plus",
            "rate('up')",
            "Good answer",
            id="good",
            show=False,
            key_display="+",
            tooltip="Say that an answer is good, and why; again takes it back",
        ),
        Binding(
            "minus",
            "rate('down')",
            "Bad answer",
            id="bad",
            show=False,
            key_display="-",
            tooltip="Say that it is bad, and why; again takes it back",
        ),
        Binding("t", "thoughts", "Thoughts", id="thoughts", show=False, tooltip="Fold or unfold the bot's reasoning"),
        Binding("i", "details", "Details", id="details", show=False, tooltip="Show times, bots, tokens and latency"),
        Binding("y", "copy", "Copy message", id="copy", show=False, tooltip="Copy the marked message, or the last one"),
        Binding("c", "copy_code", "Copy code", id="copy_code", show=False, tooltip="Copy its code; again: the next"),
        Binding(
            "f",
            "forget",
            "Forget",
            id="forget",
            show=False,
            tooltip="Let the bot forget what stands above; or take it back",
        ),
        Binding(
            "n", "from_here", "From here", id="from_here", show=False, tooltip="Begin a new session with a message"
        ),
        Binding("o", "topics", "Topics", id="topics", show=False, tooltip="Show or hide where topics seem to change"),
        Binding("f5", "read", "Read again", id="read", show=False, tooltip="Read the session from the store again"),
    ]

    @dataclass
    class SessionChanged(StoreAnswered):
        """Is posted when something else about the session was stored."""

        session: Session
        said: str

    @dataclass
    class ChangeFailed(StoreFailed):
        """Is posted when it was not stored; `again` asks for it again, with what was typed."""

        again: Callable[[str], object] | None

    _first_bot: str | None = None
    _copied: tuple[str, int] = ("", 0)

    def on_mount(self) -> None:
        """Remember the bot that was named."""
        self._first_bot = self._bot

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

    def action_forget(self) -> None:
        """Let the bot forget what stands above the marked message; where it does already, take that back."""
        session = self.session
        question = question_meant(session, self.transcript.current) if session else None
        if session is None or question is None:
            return
        is_back = session.cut is not None and (self.transcript.current is None or session.cut == question.id)
        cut = None if is_back else question.id
        said = "The bot is shown nothing of what stands above." if cut else "The bot is shown what stands above again."
        changed = replace(session, cut=cut, summary=None)
        self._change(changed, lambda chat, own: chat.set_context_start(self.user, own, cut), said)

    def action_from_here(self) -> None:
        """Begin a new session with the marked message and what follows it."""
        if self.session and (question := question_meant(self.session, self.transcript.current)):
            self._begin_from(self.session, question.id)

    def action_topics(self) -> None:
        """Show where new topics seem to begin, from now on and everywhere, or not any more."""
        if self.session:
            self.topics = not self.topics
            topics: Topics = "shown" if self.topics else "hidden"
            said = f"Where new topics seem to begin is {topics}."
            self._change(self.session, lambda chat, _own: chat.set_preferences(self.user, topics=topics), said)

    def action_copy(self) -> None:
        """Copy a message as it was written."""
        if words := self.transcript.copy_text():
            self._copy(words, "The message")
        else:
            self.app.notify("This message has no text.", markup=False)

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

    def _opened_first(self) -> None:
        """Let the bot answer in the session to begin with that was named for it."""
        bot, self._first_bot = self._first_bot, None
        if bot:
            self.set_bot(bot)

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

    @work(thread=True, group="change")
    def _begin_from(self, session: Session, message_id: str) -> None:
        try:
            begun = self.chat.continue_in_new_session(self.user, replace(session), message_id) if self.chat else None
        except BotchatError as error:
            self.post_message(self.ChangeFailed(error, None))
        else:
            if begun:
                self.app.call_from_thread(self.open, begun.id)

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
