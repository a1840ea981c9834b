"""What the API does for its server: a request sent twice, a failed save, signing in, limits, scopes and admins."""

import pytest
from support.api.client import KEY, REASONED, Client, clients_of, events_of
from support.fakes import DONE, Gate

from botchat.api.jwt import Signer
from botchat.settings import ApiSettings


@pytest.fixture
def client_with(store):
    yield from clients_of(store)


def test_a_request_sent_again_with_its_key_is_done_once(client_with, store):
    client = client_with(*REASONED)
    headers = {"Idempotency-Key": "k1"}
    made = [client.post("/session/create", json={"name": "x"}, headers=headers).json()["id"] for _ in range(2)]
    assert made[0] == made[1]
    assert client.post("/session/create", json={"name": "y"}, headers=headers).status_code == 422
    session_id, headers = made[0], {"Idempotency-Key": "k2"}
    answers = [client.say(session_id, headers=headers).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert client.say(session_id, "Other", headers=headers).status_code == 422
    assert store.get("ann", session_id).message_count == 2
    missing = client.say("none", headers={"Idempotency-Key": "k3"})
    assert missing.status_code == client.say("none", headers={"Idempotency-Key": "k3"}).status_code == 404


def test_a_key_whose_answer_still_comes_is_a_conflict_and_one_whose_save_failed_may_be_tried_again(client_with, store):
    gate = Gate()
    client = client_with("Hel", gate, "lo", DONE)
    session_id, headers = client.begin(), {"Idempotency-Key": "k"}
    store.down = True
    assert client.say(session_id, headers=headers).status_code == 503
    store.down = False
    body = {"content": "Hi", "stream": True}
    with client.stream("POST", f"/session/{session_id}/message", json=body, headers=headers) as answer:
        events = events_of(answer.iter_lines())
        next(events), next(events)
        again = client.post(f"/session/{session_id}/message", json=body, headers=headers)
        assert again.status_code == 409
        gate.open()
        assert list(events)[-1]["data"]["content"] == "Hello"
    assert client.post(f"/session/{session_id}/message", json=body, headers=headers).status_code == 200
    assert store.get("ann", session_id).message_count == 2


def test_a_save_that_failed_is_told_with_the_words(client_with, store):
    client = client_with("Hel", lambda: setattr(store, "down", True), "lo", DONE)
    session_id = client.begin()
    answer = client.say(session_id)
    assert (answer.status_code, answer.json()["message"]["content"]) == (503, "Hello")
    store.down = False


def test_people_sign_in_refresh_and_sign_out(client_with):
    client = client_with(*REASONED, signer=Signer(KEY))
    client.chat.auth.set_password("ann", "correct horse")
    who = {"user": "ann", "password": "correct horse"}
    assert client.post("/auth/sign-in", json=who | {"password": "wrong"}).status_code == 401
    signed = client.post("/auth/sign-in", json=who).json()

    def me(token: str) -> int:
        return client.get("/me", headers={"Authorization": f"Bearer {token}"}).status_code

    assert (signed["expires_in"], me(signed["access_token"])) == (900, 200)
    following = client.post("/auth/refresh", json={"refresh_token": signed["refresh_token"]}).json()
    assert me(following["access_token"]) == 200
    headers = {"Authorization": f"Bearer {following['access_token']}"}
    assert client.post("/auth/sign-out", headers=headers).status_code == 204
    assert me(signed["access_token"]) == me(following["access_token"]) == 401
    assert client.post("/auth/refresh", json={"refresh_token": following["refresh_token"]}).status_code == 401
    assert client_with().post("/auth/sign-in", json=who).status_code == 403


def test_who_asks_too_much_is_told_when_to_come_back(client_with):
    gate = Gate()
    client = client_with("x", gate, settings=ApiSettings(replies_at_once=1, message_characters=10, body_bytes=1000))
    session_id = client.begin()
    with client.stream("POST", f"/session/{session_id}/message", json={"content": "Hi", "stream": True}) as answer:
        next(answer.iter_lines())
        refused = client.say(client.begin())
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        client.post(f"/session/{session_id}/stop")
    assert client.say(session_id, "x" * 11).status_code == 422
    assert client.say(session_id, "x" * 2000).status_code == 413
    hasty = client_with(settings=ApiSettings(requests_per_minute=2))
    answers = [hasty.get("/me") for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60
    crowd = client_with(settings=ApiSettings(requests_per_minute_by_address=1))
    assert [crowd.get("/healthz").status_code for _ in range(2)] == [200, 429]
    guessing = client_with(signer=Signer(KEY))
    who = {"user": "bob", "password": "12345678"}
    assert [guessing.post("/auth/sign-in", json=who).status_code for _ in range(11)] == [401] * 10 + [429]


def test_scopes_say_what_a_token_is_for(client_with):
    reader = client_with(scopes=("read",))
    assert reader.get("/sessions").status_code == 200
    assert reader.post("/session/create", json={}).status_code == 403
    assert reader.get("/metrics").status_code == 403
    meter = client_with(scopes=("metrics",))
    assert (meter.get("/metrics").status_code, meter.get("/sessions").status_code) == (200, 403)


def test_the_server_tells_of_itself(client_with, store):
    client = client_with(*REASONED, scopes=("read", "write", "metrics"))
    client.say(client.begin())
    text = client.get("/metrics").text
    for line in (
        'botchat_requests_total{method="POST",route="/session/{session_id}/message",status="200"} 1.0',
        'botchat_replies_total{bot="b",status="complete"} 1.0',
        "botchat_replies_in_flight 0.0",
        'botchat_first_token_seconds_count{bot="b"} 1.0',
        "botchat_save_failures_total 0.0",
    ):
        assert line in text
    nobody = Client(client.app.state.serving)
    assert [nobody.get(path).status_code for path in ("/healthz", "/readyz", "/docs", "/openapi.json")] == [200] * 4
    assert [bot["bot_id"] for bot in client.get("/bots").json()] == ["b"]


def test_where_nobody_signs_in_another_sites_page_can_do_nothing(client_with):
    client = client_with(sole_user="ann")
    nobody = Client(client.app.state.serving)
    nobody.base_url = "http://127.0.0.1:8600"
    assert nobody.get("/me").json()["user"] == "ann"
    assert nobody.get("/me", headers={"Host": "evil.example"}).status_code == 403
    assert nobody.get("/me", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert nobody.get("/me", headers={"Host": "[::1]:8600"}).status_code == 200
    assert nobody.get("/me", headers={"Origin": "http://127.0.0.1:9999"}).status_code == 403
    assert nobody.get("/me", headers={"Origin": "http://127.0.0.1:8600"}).status_code == 200


def test_admins_read_others_sessions_only_where_the_config_says_so_and_it_is_logged(client_with, caplog):
    ann = client_with(*REASONED)
    session_id = ann.begin()
    ann.say(session_id)
    all_scopes = ("read", "write", "admin")
    for scopes, admins, allowed in ((all_scopes, (), True), (("read",), ("bob",), True), (all_scopes, ("bob",), False)):
        client = client_with(user="bob", scopes=scopes, admins=admins, settings=ApiSettings(admins_read=allowed))
        assert client.get(f"/admin/session/{session_id}").status_code == 404
        assert client.get("/admin/sessions", params={"user": "ann"}).status_code == 404
    assert caplog.text == ""
    admin = client_with(user="bob", scopes=all_scopes, admins=("bob",), settings=ApiSettings(admins_read=True))
    assert admin.get(f"/admin/session/{session_id}").json()["messages"][0]["content"] == "Hi"
    assert admin.get("/admin/sessions", params={"user": "ann"}).json()["sessions"][0]["id"] == session_id
    assert admin.get(f"/session/{session_id}").status_code == 404
    assert f'read_session admin="bob" user="ann" session="{session_id}"' in caplog.text
