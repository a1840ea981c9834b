"""Asking a bot for someone who calls: a session that exists or begins now, once for each Idempotency-Key."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from botchat.api import idempotency
from botchat.api.dependencies import Serving
from botchat.api.replies.unsaved_sessions import forget, open_session
from botchat.api.schemas.requests import MessageIn
from botchat.core.chat import Reply, branch_of, is_empty_reply, is_unanswered
from botchat.core.errors import BotchatError, InvalidInput, ReplyRunning
from botchat.core.models import Message, Session, read_file

_LOOKED_AT = 500  # messages behind a question: whoever sends a request again does it soon


@dataclass(kw_only=True, slots=True)
class Asked:
    """A question that is stored, and its answer: the reply that comes, or the message that is there already.

    Attributes:
        parent: what the first of the two follows that is new, where that is not the message before it.
    """

    session_id: str
    source: Reply | Message
    question_id: str | None = None
    parent: str | None = None


def ask(serving: Serving, user: str, session_id: str, body: MessageIn, key: str | None = None) -> Asked:
    """Store what someone says, and ask the bot.

    Raises:
        SessionNotFound: the user has no such session.
        InvalidInput: the message is too long, a file is none that can be sent, or the Idempotency-Key came with
            another message.
        ReplyRunning: the bot is still answering, this or something else.
        TooMany: too many replies of the user's are under way.
    """
    check_length(serving, body.content)
    serving.replies.check(user)
    files = [read_file(file.name, b64decode(file.data)) for file in body.files]
    session = open_session(serving.chat, user, session_id, 1)
    question = Message(role="user", content=body.content, files=files)
    made = {"question_id": question.id}
    kept = idempotency.once(serving.chat, user, key, (f"message {session_id}", body), made)
    if kept is not None:
        return _asked_before(serving, user, session_id, replace(question, id=kept["question_id"]))
    try:
        return _asked_now(send(serving, session, question), question)
    except BotchatError:
        if all(message.id != question.id for message in _newest(serving, session)):
            idempotency.forget(serving.chat, user, key)  # nothing of it is stored: it may be tried again
        raise


def send(serving: Serving, session: Session, question: Message) -> Reply:
    """Store a message of a session's user, and ask the bot."""
    is_new = not session.rev
    reply = serving.chat.send(session.user, session, question)
    serving.replies.watch(reply, session.bot_id)
    if is_new:
        forget(serving.chat, session)
    return reply


def retry(serving: Serving, session: Session) -> Reply:
    """Ask the bot for the answer that the last message of a session did not get."""
    reply = serving.chat.retry(session.user, session)
    serving.replies.watch(reply, session.bot_id)
    return reply


def answer(serving: Serving, session: Session, stored: Sequence[Message], question: str) -> Reply:
    """Ask the bot for an answer to a stored message of the user's; one that it has stays, as another branch.

    `stored` are all messages of the session, in the order of the record.
    """
    branch = branch_of(stored, session.head)
    waiting = branch[:-1] if is_empty_reply(branch[-1]) else branch
    if waiting and waiting[-1].id == question:
        return retry(serving, session)
    before = chain([""], (message.id for message in stored))
    answers = [
        message.id for message, last in zip(stored, before, strict=False) if (message.parent or last) == question
    ]
    if not answers:
        serving.chat.show_branch(session.user, session, question)
        return retry(serving, session)
    reply = serving.chat.regenerate(session.user, session, answers[-1])
    serving.replies.watch(reply, session.bot_id)
    return reply


def ask_again(serving: Serving, user: str, session_id: str) -> Asked:
    """Ask the bot for the answer that the last message did not get.

    Raises:
        InvalidInput: it has its answer.
    """
    serving.replies.check(user)
    session = open_session(serving.chat, user, session_id)
    if not session.rev:
        raise InvalidInput("There is nothing to try again: the session has no message yet.")
    reply = retry(serving, session)
    return Asked(session_id=session_id, source=reply, parent=reply.message.parent)


def ask_instead(serving: Serving, user: str, session_id: str, message_id: str, content: str) -> Asked:
    """Store something else in the place of what someone said, and ask the bot; the old branch stays.

    Raises:
        SessionNotFound, MessageNotFound: the user has no such message.
        InvalidInput: the message is too long.
    """
    check_length(serving, content)
    serving.replies.check(user)
    session = serving.chat.open(user, session_id)
    reply = serving.chat.edit(user, session, message_id, content)
    serving.replies.watch(reply, session.bot_id)
    return _asked_now(reply, session.messages[-1])


def answer_anew(serving: Serving, user: str, session_id: str, message_id: str) -> Asked:
    """Ask the bot for another answer in the place of one, which stays as a branch.

    Raises:
        SessionNotFound, MessageNotFound: the user has no such message.
        InvalidInput: it is no answer.
    """
    serving.replies.check(user)
    session = serving.chat.open(user, session_id)
    reply = serving.chat.regenerate(user, session, message_id)
    serving.replies.watch(reply, session.bot_id)
    return Asked(session_id=session_id, source=reply, parent=reply.message.parent)


def check_length(serving: Serving, content: str) -> None:
    """Check that a message is not too long.

    Raises:
        InvalidInput: it is.
    """
    most = serving.settings.message_characters
    if len(content) > most:
        raise InvalidInput(f"A message has at most {most:,} characters here; this one has {len(content):,}.")


def _asked_now(reply: Reply, question: Message) -> Asked:
    return Asked(session_id=reply.session_id, source=reply, question_id=question.id, parent=question.parent)


def _newest(serving: Serving, session: Session) -> list[Message]:
    return open_session(serving.chat, session.user, session.id, _LOOKED_AT).messages


def _asked_before(serving: Serving, user: str, session_id: str, question: Message) -> Asked:
    """Find the answer to a question that was sent before; ask the bot now if it was never asked, or was killed.

    Raises:
        ReplyRunning: it is being answered.
    """
    if serving.chat.reply(user, session_id) is not None:
        raise ReplyRunning
    session = open_session(serving.chat, user, session_id, _LOOKED_AT)
    ids = [message.id for message in session.messages]
    if question.id not in ids:
        return _asked_now(send(serving, session, question), question)
    answer = next(iter(session.messages[ids.index(question.id) + 1 :]), None)
    if answer is None and is_unanswered(session):
        return Asked(session_id=session_id, source=retry(serving, session), question_id=question.id)
    if answer is None or answer.status == "streaming":
        raise ReplyRunning
    return Asked(session_id=session_id, question_id=question.id, source=answer)
