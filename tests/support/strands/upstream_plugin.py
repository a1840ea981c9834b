"""A plugin for Strands' own tests: their repository in memory becomes ours, on the store that BOTCHAT_STORE names."""

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
    """An empty repository each time: a database, or a file, of its own."""

    def __init__(self):
        name = f"own_{uuid.uuid4().hex}"
        super().__init__(Store.from_client(CLIENT, name) if CLIENT else Store.open_lazy(f"{ADDRESS}.{name}"))


repository = ModuleType("tests.fixtures.mock_session_repository")
repository.MockedSessionRepository = MockedSessionRepository
sys.modules[repository.__name__] = repository
sys.modules["moto"] = ModuleType("moto")  # Amazon's clouds, for other tests than these


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run async tests, which need no plugin more."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}))
    return True


def pytest_collection_modifyitems(items):
    """Leave out what has nothing to do with a repository."""
    items[:] = [
        item
        for item in items
        if "test_repository_session_manager" in item.nodeid or "MockedSessionRepository" in inspect.getsource(item.obj)
    ]
