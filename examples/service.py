"""A service of agents over HTTP with one pool of connections: `uvicorn --app-dir examples service:app`.

Who calls is `user` here; a real service takes them from its sign-in, never from what is sent.
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
    """Open the store when the service starts, and close it when it ends."""
    open_shared_store()
    try:
        yield
    finally:
        close_shared_store()


app = FastAPI(lifespan=lifespan)


class Said(BaseModel):
    """What somebody says."""

    text: str


@app.post("/{user}/sessions/{session_id}/messages")
def say(user: str, session_id: str, said: Said) -> dict[str, str]:
    """Let the session's agent answer. FastAPI calls this in a thread: the store waits for nobody else."""
    manager = BotchatSessionManager(session_id, store=shared_store(), user=user)
    agent = Agent(model=DemoModel(), session_manager=manager, callback_handler=None)
    return {"answer": str(agent(said.text))}


@app.get("/{user}/sessions/{session_id}/messages")
def messages(user: str, session_id: str) -> list[dict[str, Any]]:
    """Read what was said."""
    session = shared_store().session(session_id, user=user)
    return [{"role": message.role, "content": message.content} for message in session.messages()]


@app.get("/{user}/sessions")
def sessions(user: str) -> list[dict[str, Any]]:
    """List the user's sessions."""
    return [{"id": summary.id, "name": summary.name} for summary in shared_store().page(user=user).sessions]
