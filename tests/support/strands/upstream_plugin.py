"""A pytest plugin for Strands' own tests: replaces their in-memory repository with botchat's, on BOTCHAT_STORE."""

import asyncio
import inspect
import os
import sys
import uuid
from types import ModuleType

import pymongo
import pytest

from botchat.bootstrap import is_mongodb
from botchat.library import Store
from botchat.strands import BotchatSessionRepository

ADDRESS = os.environ["BOTCHAT_STORE"]
CLIENT = pymongo.MongoClient(ADDRESS) if is_mongodb(ADDRESS) else None


class MockedSessionRepository(BotchatSessionRepository):
    """An empty repository with its own database or file."""

    def __init__(self):
        name = f"own_{uuid.uuid4().hex}"
        super().__init__(Store.from_client(CLIENT, name) if CLIENT else Store.open_lazy(f"{ADDRESS}.{name}"))


repository = ModuleType("tests.fixtures.mock_session_repository")
repository.MockedSessionRepository = MockedSessionRepository
sys.modules[repository.__name__] = repository
sys.modules["moto"] = ModuleType("moto")  # a mock of AWS, which only other tests use


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run async tests without another plugin."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}))
    return True


def pytest_collection_modifyitems(items):
    """Deselect tests that don't use a repository."""
    items[:] = [
        item
        for item in items
        if "test_repository_session_manager" in item.nodeid or "MockedSessionRepository" in inspect.getsource(item.obj)
    ]
