"""The right side: the open session with its key bindings."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal

from textual import on, work
from textual.binding import BindingType

from botchat.core.errors import BotchatError
from botchat.core.exporting import one_line
from botchat.core.models import Feedback, Message, Session, Topics, now
from botchat.tui.backend import ChatBackend
from botchat.tui.conversation.redaction import RedactionActions
from botchat.tui.formatting import title_of
from botchat.tui.keymap import bindings
from botchat.tui.messages import StoreFailed, StoreResponded
from botchat.tui.screens.input_dialog import InputDialog
from botchat.tui.screens.select_dialog import SelectDialog
from botchat.tui.state import sibling_version, target_reply, target_user_message, with_message

_RATING_QUESTIONS = {"up": "Good response", "down": "Bad response"}

Rating = Literal["up", "down"]
Change = Callable[[ChatBackend, Session], object]


class ConversationPane(RedactionActions):
    """The session's keys, and actions that don't request a reply: versions, feedback, bot, copying."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("conversation")

    @dataclass
    class SessionChanged(StoreResponded):
        """A change of the session was stored."""

        session: Session
        notice: str

    @dataclass
    class ChangeFailed(StoreFailed):
        """A change couldn't be stored; `retry` asks for the input again and shows the error."""

        retry: Callable[[str], object] | None

    _first_bot: str | None = None
    _last_copied: tuple[str, int] = ("", 0)

    def on_mount(self) -> None:
        """Remember the bot from the command line."""
        self._first_bot = self._bot

    def action_branch(self, step: int) -> None:
        """Show the previous or next version of a message."""
        selected = self.transcript.current
        if self.session and (other := sibling_version(self.session, selected.id if selected else None, step)):
            self._change(self.session, lambda chat, own: chat.show_branch(self.user, own, other))
        else:
            self.app.notify(f"No {'previous' if step < 0 else 'next'} version.", markup=False)

    def action_rate(self, rating: Rating) -> None:
        """Ask for a comment and store the rating of a reply; the same rating again removes it."""
        session = self.session
        answer = target_reply(session, self.transcript.current) if session else None
        if session is None or answer is None:
            return
        if (answer.feedback or {}).get("rating") == rating:
            self._rate(session, answer, None, "")
        else:
            self._ask_comment(session, answer, rating)

    def action_toggle_reasoning(self) -> None:
        """Collapse or expand the reasoning of the selected reply, or of all."""
        selected = self.transcript.current
        self.transcript.toggle_reasoning(selected.id if selected else None)

    def action_details(self) -> None:
        """Show or hide the details of messages."""
        self.transcript.toggle_details()

    def action_forget(self) -> None:
        """Ask, then exclude everything above the selected message from the context, or undo that."""
        session = self.session
        question = target_user_message(session, self.transcript.current) if session else None
        if session is None or question is None:
            return
        is_back = session.cut is not None and (self.transcript.current is None or session.cut == question.id)
        cut = None if is_back else question.id
        notice = "Context cleared here. Messages above aren't sent." if cut else "Context restored."
        changed = replace(session, cut=cut, summary=None)
        change = partial(self._change, changed, lambda chat, own: chat.set_context_start(self.user, own, cut), notice)
        text = "Clear the context above this message?" if cut else "Send the messages above again?"
        self._ask(text, "Clear" if cut else "Restore", change)

    def action_from_here(self) -> None:
        """Ask, then start a new session from the selected message and those after it."""
        if self.session and (question := target_user_message(self.session, self.transcript.current)):
            begin = partial(self._begin_from, self.session, question.id)
            self._ask("Copy this message and those after it to a new chat?", "Copy", begin)

    def action_topics(self) -> None:
        """Ask, then mark topic changes, or stop marking them, in all sessions."""
        if self.session and self.topics:
            self._ask("Stop marking topic changes in all chats?", "Stop", self._toggle_topics)
        elif self.session:
            self._ask("Mark topic changes in all chats?", "Mark", self._toggle_topics)

    def _toggle_topics(self) -> None:
        if self.session:
            self.topics = not self.topics
            topics: Topics = "shown" if self.topics else "hidden"
            notice = "Topic changes are marked." if self.topics else "Topic changes aren't marked."
            self._change(self.session, lambda chat, _own: chat.set_preferences(self.user, topics=topics), notice)

    def action_copy(self) -> None:
        """Copy a message's source text."""
        if text := self.transcript.copy_text():
            self._copy(text, "Message")
        else:
            self.app.notify("This message has no text.", markup=False)

    def action_copy_code(self) -> None:
        """Copy a reply's code block; the next one each time."""
        answer = target_reply(self.session, self.transcript.current) if self.session else None
        blocks = self.transcript.code_blocks(answer) if answer else []
        if answer and blocks:
            last_id, place = self._last_copied
            place = (place + 1) % len(blocks) if last_id == answer.id else 0
            self._last_copied = (answer.id, place)
            self._copy(blocks[place], f"Code block {place + 1} of {len(blocks)}")
        else:
            self.app.notify("No code in this message.", markup=False)

    def _copy(self, text: str, what: str) -> None:
        self.app.copy_to_clipboard(text)
        self.app.notify(f"{what} copied, if your terminal supports OSC 52.", markup=False)

    def action_read(self) -> None:
        """Retry the failed load, or reload the session."""
        if self._retry:
            self.retry_read()
        else:
            self.reload()

    def _initial_session_opened(self) -> None:
        """Switch the initial session to the bot from the command line."""
        bot, self._first_bot = self._first_bot, None
        if bot:
            self.set_bot(bot)

    def choose_bot(self) -> None:
        """Ask for the bot that answers from the next message on."""
        if self.chat is None or self.session is None:
            return
        options = {bot: one_line(f"{bot} ({info.label})") for bot, info in self.chat.bots_for(self.user).items()}
        dialog = SelectDialog("Model for this chat", options, selected=self.session.bot_id)
        self.app.push_screen(dialog, lambda bot: self.set_bot(bot) if bot else None)

    def set_bot(self, bot: str) -> None:
        """Switch the session to this bot."""
        session = self.session
        if session is None or bot == session.bot_id:
            return
        notice = f"Model changed to {title_of(bot)}. Applies from your next message."
        changed = replace(session, bot_id=bot)
        if session.rev:
            self._change(changed, lambda chat, own: chat.update(self.user, own.id, bot_id=bot), notice)
        else:
            self.session = changed
            self.post_message(self.SessionShown(changed))

    def _ask_comment(
        self, session: Session, answer: Message, rating: Rating, comment: str | None = None, error: str = ""
    ) -> None:
        value = (answer.feedback or {}).get("comment", "") if comment is None else comment
        dialog = InputDialog(_RATING_QUESTIONS[rating], value, placeholder="Tell us more (optional)", error=error)

        def keep(said: str | None) -> None:
            if said is not None:
                self._rate(session, answer, rating, said.strip())

        self.app.push_screen(dialog, keep)

    def _rate(self, session: Session, answer: Message, rating: Rating | None, comment: str) -> None:
        given = Feedback(rating=rating, time=now()) | (Feedback(comment=comment) if comment else {})
        rated = replace(answer, feedback=dict(given) if rating else None)
        notice = "Feedback saved." if rating else "Feedback removed."
        self._change(
            with_message(session, rated),
            lambda chat, own: chat.give_feedback(self.user, own.id, answer.id, rating, comment),
            notice,
            lambda error: self._ask_comment(session, answer, rating, comment, error) if rating else None,
        )

    @work(thread=True, group="change")
    def _change(
        self, session: Session, change: Change, notice: str = "", retry: Callable[[str], object] | None = None
    ) -> None:
        own = replace(session)
        try:
            if self.chat:
                change(self.chat, own)
        except BotchatError as error:
            self.post_message(self.ChangeFailed(error, retry))
        else:
            self.post_message(self.SessionChanged(own, notice))

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
            self._apply(
                replace(event.session, first=self.session.first, messages=self._with_feedback_of(event.session))
            )
        if event.notice:
            self.app.notify(event.notice, markup=False)

    def _with_feedback_of(self, changed: Session) -> list[Message]:
        """Return the loaded messages with the feedback of the changed session."""
        given = {message.id: message.feedback for message in changed.messages}
        known = self.session.messages if self.session else []
        return [replace(m, feedback=given[m.id]) if m.feedback != given.get(m.id, m.feedback) else m for m in known]

    @on(ChangeFailed)
    def _change_failed(self, event: ChangeFailed) -> None:
        if event.retry:
            event.retry(one_line(str(event.error)))
        else:
            self.notice.show(f"Couldn't save changes: {event.error}", error=True)
