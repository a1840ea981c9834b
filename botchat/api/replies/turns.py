"""Starts turns for API callers, in stored and new sessions, once per Idempotency-Key."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from botchat.api import idempotency
from botchat.api.dependencies import Services
from botchat.api.replies.unsaved_sessions import forget_unsaved, open_session
from botchat.api.schemas.requests import MessageIn
from botchat.core.chat import Reply, branch_of, is_empty_reply, is_unanswered
from botchat.core.errors import BotchatError, InvalidInput, ReplyRunning
from botchat.core.models import Message, Session, read_file

_SEARCHED_MESSAGES = 500  # a repeated message is searched among this many of the newest: clients retry soon


@dataclass(kw_only=True, slots=True)
class StartedTurn:
    """A stored message of the user and its reply: in progress, or the stored one of an earlier request.

    Attributes:
        source: the reply, or the stored message.
        question_id: ID of the user's message; None if the turn has no new one.
        parent: ID of the message that the first new message follows, if it isn't the one before it.
    """

    session_id: str
    source: Reply | Message
    question_id: str | None = None
    parent: str | None = None


def send_message(
    services: Services, user: str, session_id: str, body: MessageIn, key: str | None = None
) -> StartedTurn:
    """Store a user's message and start the reply, once per Idempotency-Key.

    Raises:
        SessionNotFound: the user has no such session.
        InvalidInput: the message is too long, a file has an unsupported type, or the Idempotency-Key was used with
            another message.
        ReplyRunning: a reply is in progress, to this message or another.
        TooMany: the user has as many replies in progress as allowed.
    """
    check_message_length(services, body.content)
    services.running_replies.check_limit(user)
    files = [read_file(file.name, b64decode(file.data)) for file in body.files]
    session = open_session(services.chat, user, session_id, 1)
    question = Message(role="user", content=body.content, files=files)
    result = {"question_id": question.id}
    earlier = idempotency.reserve(services.chat, user, key, (f"message {session_id}", body), result)
    if earlier is not None:
        return _resume_turn(services, user, session_id, replace(question, id=earlier["question_id"]))
    try:
        return _started_turn(send(services, session, question), question)
    except BotchatError:
        if all(message.id != question.id for message in _newest_messages(services, session)):
            idempotency.release(services.chat, user, key)  # nothing was stored: the request can be retried
        raise


def send(services: Services, session: Session, question: Message) -> Reply:
    """Store a message of the session's user and start the reply."""
    is_new = not session.rev
    reply = services.chat.send(session.user, session, question)
    services.running_replies.track(reply, session.bot_id)
    if is_new:
        forget_unsaved(services.chat, session)
    return reply


def retry(services: Services, session: Session) -> Reply:
    """Start the reply to the last message of a session, which has none."""
    reply = services.chat.retry(session.user, session)
    services.running_replies.track(reply, session.bot_id)
    return reply


def answer_question(services: Services, session: Session, stored: Sequence[Message], question: str) -> Reply:
    """Start a reply to a stored message of the user; an earlier reply is kept as another branch.

    Args:
        services: the services of the API.
        session: the session, with its head.
        stored: all messages of the session, in the order of the record.
        question: ID of the message.
    """
    branch = branch_of(stored, session.head)
    waiting = branch[:-1] if is_empty_reply(branch[-1]) else branch
    if waiting and waiting[-1].id == question:
        return retry(services, session)
    before = chain([""], (message.id for message in stored))
    answers = [
        message.id for message, last in zip(stored, before, strict=False) if (message.parent or last) == question
    ]
    if not answers:
        services.chat.show_branch(session.user, session, question)
        return retry(services, session)
    reply = services.chat.regenerate(session.user, session, answers[-1])
    services.running_replies.track(reply, session.bot_id)
    return reply


def retry_reply(services: Services, user: str, session_id: str) -> StartedTurn:
    """Start the reply to the last message of a session, which has none.

    Raises:
        InvalidInput: the message has a reply.
    """
    services.running_replies.check_limit(user)
    session = open_session(services.chat, user, session_id)
    if not session.rev:
        raise InvalidInput("The session has no messages yet, so there is no reply to retry.")
    reply = retry(services, session)
    return StartedTurn(session_id=session_id, source=reply, parent=reply.message.parent)


def edit_message(services: Services, user: str, session_id: str, message_id: str, content: str) -> StartedTurn:
    """Store a new version of a user's message and start the reply; the old branch is kept.

    Raises:
        SessionNotFound, MessageNotFound: the user has no such message.
        InvalidInput: the message is too long.
    """
    check_message_length(services, content)
    services.running_replies.check_limit(user)
    session = services.chat.open(user, session_id)
    reply = services.chat.edit(user, session, message_id, content)
    services.running_replies.track(reply, session.bot_id)
    return _started_turn(reply, session.messages[-1])


def regenerate_reply(services: Services, user: str, session_id: str, message_id: str) -> StartedTurn:
    """Start another version of a reply; the old one is kept as a branch.

    Raises:
        SessionNotFound, MessageNotFound: the user has no such message.
        InvalidInput: the message is not a reply.
    """
    services.running_replies.check_limit(user)
    session = services.chat.open(user, session_id)
    reply = services.chat.regenerate(user, session, message_id)
    services.running_replies.track(reply, session.bot_id)
    return StartedTurn(session_id=session_id, source=reply, parent=reply.message.parent)


def check_message_length(services: Services, content: str) -> None:
    """Check the length of a message.

    Raises:
        InvalidInput: it exceeds `message_characters` of the settings.
    """
    limit = services.settings.message_characters
    if len(content) > limit:
        raise InvalidInput(f"Message too long: {len(content):,} characters. The limit is {limit:,}.")


def _started_turn(reply: Reply, question: Message) -> StartedTurn:
    return StartedTurn(session_id=reply.session_id, source=reply, question_id=question.id, parent=question.parent)


def _newest_messages(services: Services, session: Session) -> list[Message]:
    return open_session(services.chat, session.user, session.id, _SEARCHED_MESSAGES).messages


def _resume_turn(services: Services, user: str, session_id: str, question: Message) -> StartedTurn:
    """Return the turn of a message that was sent before; start its reply if there is none, as after a crash.

    Raises:
        ReplyRunning: the reply is in progress.
    """
    if services.chat.reply(user, session_id) is not None:
        raise ReplyRunning
    session = open_session(services.chat, user, session_id, _SEARCHED_MESSAGES)
    ids = [message.id for message in session.messages]
    if question.id not in ids:
        return _started_turn(send(services, session, question), question)
    answer = next(iter(session.messages[ids.index(question.id) + 1 :]), None)
    if answer is None and is_unanswered(session):
        return StartedTurn(session_id=session_id, source=retry(services, session), question_id=question.id)
    if answer is None or answer.status == "streaming":
        raise ReplyRunning
    return StartedTurn(session_id=session_id, question_id=question.id, source=answer)
