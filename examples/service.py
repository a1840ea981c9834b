"""Agents as an HTTP service with one connection pool: `uvicorn --app-dir examples service:app`.

Here the user is part of the URL. A real service takes it from its authentication, never from the request.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from demo_model import DemoModel
from fastapi import FastAPI
from pydantic import BaseModel
from strands import Agent

from botchat.library import close_shared_store, open_shared_store, shared_store
from botchat.strands import BotchatSessionManager


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the store at startup, and close it at shutdown."""
    open_shared_store()
    try:
        yield
    finally:
        close_shared_store()


app = FastAPI(lifespan=lifespan)


class NewMessage(BaseModel):
    """A message from the user."""

    text: str


@app.post("/{user}/sessions/{session_id}/messages")
def send(user: str, session_id: str, message: NewMessage) -> dict[str, str]:
    """Return the agent's reply. FastAPI runs `def` routes in threads, so this may block."""
    manager = BotchatSessionManager(session_id, store=shared_store(), user=user)
    agent = Agent(model=DemoModel(), session_manager=manager, callback_handler=None)
    return {"answer": str(agent(message.text))}


@app.get("/{user}/sessions/{session_id}/messages")
def messages(user: str, session_id: str) -> list[dict[str, Any]]:
    """Return the messages of a session."""
    session = shared_store().session(session_id, user=user)
    return [{"role": message.role, "content": message.content} for message in session.messages()]


@app.get("/{user}/sessions")
def sessions(user: str) -> list[dict[str, Any]]:
    """List the user's sessions."""
    return [{"id": summary.id, "name": summary.name} for summary in shared_store().page(user=user).sessions]
