"""`botchat api` as a process: clients that disconnect, a killed process, and many streams at once."""

import asyncio
import json
import os
import signal
import threading

import httpx2
import pytest
from support.api.client import ApiProcess, delta_text, parse_events
from support.bots.stub_server import streamed
from support.shell import error_line

from botchat.core.auth import AuthService


@pytest.fixture
def client(local_repository):
    token = AuthService(local_repository.accounts()).create_token("ann")[1]
    with httpx2.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False) as client:
        yield client


def create_session(client, api: ApiProcess) -> str:
    return client.post(f"{api.address}/session/create", json={}).json()["id"]


def send_message(client, api: ApiProcess, session_id: str, **more):
    body = {"content": "Hi", "stream": True} | more
    return client.stream("POST", f"{api.address}/session/{session_id}/message", json=body)


def test_the_words_are_there_whoever_leaves_and_whatever_is_killed(
    local_shell, stub_for, start_api, client, local_repository
):
    hold, after = threading.Event(), threading.Event()
    stub_for(local_shell, [streamed(["Hel", hold, "lo"]), streamed(["Good", after, "bye"]), streamed(["Yes"])])
    api = start_api()
    session_id = create_session(client, api)
    with send_message(client, api, session_id) as answer:
        events = parse_events(answer.iter_lines())
        next(events)
        left_at = next(events)
        assert left_at["data"] == {"content": "Hel"}
    hold.set()  # the client has gone, and nobody listens
    headers = {"Last-Event-ID": left_at["id"]}
    attached = client.get(f"{api.address}/session/{session_id}/events", headers=headers)
    events = list(parse_events(iter(attached.text.splitlines())))
    assert (delta_text(events), events[-1]["data"]["content"]) == ("lo", "Hello")

    with send_message(client, api, session_id) as answer:
        events = parse_events(answer.iter_lines())
        next(events)
        assert next(events)["data"] == {"content": "Good"}
        while local_repository.get("ann", session_id).messages[-1].content != "Good":
            pass  # stored each second
        api.stop(signal.SIGKILL)
    after.set()
    api = start_api()
    stored = client.get(f"{api.address}/session/{session_id}").json()["messages"]
    assert [m["content"] for m in stored] == ["Hi", "Hello", "Hi", "Good"]
    attached = client.get(f"{api.address}/session/{session_id}/events")  # until its heartbeat is too old
    *_, last = parse_events(iter(attached.text.splitlines()))
    assert (last["event"], last["data"]["status"], last["data"]["content"]) == ("end", "interrupted", "Good")
    with send_message(client, api, session_id) as answer:
        assert delta_text(parse_events(answer.iter_lines())) == "Yes"
    assert api.stop(signal.SIGTERM) == 143


def test_a_server_that_ends_tells_those_who_listen(local_shell, stub_for, start_api, client, local_repository):
    stub_for(local_shell, [streamed(["Hel", threading.Event()])])
    api = start_api()
    session_id = create_session(client, api)
    with send_message(client, api, session_id) as answer:
        events = parse_events(answer.iter_lines())
        next(events), next(events)
        os.kill(api.process.pid, signal.SIGTERM)
        last = list(events)[-1]
    assert (last["event"], last["data"]["status"], last["data"]["content"]) == ("end", "interrupted", "Hel")
    assert local_repository.get("ann", session_id).messages[-1].status == "interrupted"


def test_a_token_that_another_process_revokes_ends_what_it_listens_to_and_not_the_reply(
    local_shell, stub_for, start_api, client, local_repository
):
    hold = threading.Event()
    stub_for(local_shell, [streamed(["Hel", hold, "lo"])])
    api = start_api()
    session_id = create_session(client, api)
    token = client.headers["Authorization"].split("_")[1]
    with send_message(client, api, session_id) as answer:
        events = parse_events(answer.iter_lines())
        assert [next(events)["event"], next(events)["data"]["content"]] == ["begin", "Hel"]
        assert local_shell.run("tokens", "revoke", token).returncode == 0
        (last,) = events
    assert (last["event"], last["data"]["code"], last["data"]["status"]) == ("error", "not_signed_in", 401)
    assert client.get(f"{api.address}/me").status_code == 401
    hold.set()
    while local_repository.get("ann", session_id).messages[-1].status == "streaming":
        pass
    assert local_repository.get("ann", session_id).messages[-1].content == "Hello"
    assert api.stop(signal.SIGTERM) == 143


def test_two_hundred_replies_at_once_are_all_heard_and_stored_whole_and_in_order(
    local_shell, stub_for, start_api, client, local_repository, tmp_path
):
    together = threading.Event()
    pieces = [f"{i} " for i in range(50)]
    stub_for(local_shell, lambda _: streamed([*pieces[:25], together, *pieces[25:]]))
    config = tmp_path / "config.toml"
    config.write_text(
        config.read_text() + "[api]\nreplies_at_once = 200\nrequests_per_minute = 10000\n"
        "requests_per_minute_by_address = 10000\n"
    )
    api = start_api()
    heard = asyncio.run(_stream_many(api, dict(client.headers), together, 200))
    whole = "".join(pieces)
    assert [text for _, text in heard] == [whole] * 200
    for session_id, _ in heard:
        while local_repository.get("ann", session_id).messages[-1].status == "streaming":
            pass  # a disk that is busy takes longer than a listener is kept waiting
        question, answer = local_repository.get("ann", session_id).messages
        assert (question.content, answer.content, answer.status) == ("Hi", whole, None)


async def _stream_many(api: ApiProcess, headers, together: threading.Event, people: int) -> list[tuple[str, str]]:
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(headers=headers, timeout=120, limits=limits, trust_env=False) as client:
        half = asyncio.Semaphore(0)

        async def person() -> tuple[str, str]:
            session_id = (await client.post(f"{api.address}/session/create", json={})).json()["id"]
            body, heard, event = {"content": "Hi", "stream": True}, [], ""
            async with client.stream("POST", f"{api.address}/session/{session_id}/message", json=body) as answer:
                assert answer.status_code == 200
                async for line in answer.aiter_lines():
                    name, _, value = line.partition(": ")
                    event = value if name == "event" else event
                    if (name, event) == ("data", "delta"):
                        heard.append(json.loads(value)["content"])
                        if heard[-1].endswith("24 "):
                            half.release()
            return session_id, "".join(heard)

        everybody = [asyncio.create_task(person()) for _ in range(people)]
        for _ in range(people):
            await half.acquire()
        together.set()  # now all of them are in the middle of a reply
        return await asyncio.gather(*everybody)


def test_it_does_not_start_where_it_would_not_be_safe(local_shell):
    assert "would give everyone who can reach 0.0.0.0 access" in error_line(
        local_shell.run("api", "--host", "0.0.0.0", "--no-sign-in")
    )
    local_shell.environment["BOTCHAT_SIGNING_KEY"] = "short"
    refused = local_shell.run("api", "--port", "0")
    assert (refused.returncode, "at least 32 bytes" in error_line(refused)) == (2, True)
