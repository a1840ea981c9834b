"""`botchat doctor`: each check has a finding and advice, and a failed one doesn't stop the others."""

from support.bots.stub_server import refused, whole
from support.shell import findings_by_status

from botchat.core.storage import Account


def test_all_is_well_and_the_bot_was_asked_for_no_tokens(local_shell, store, stub_for):
    stub = stub_for(local_shell, [whole({"data": [{"id": "stub-1"}, {"id": "other"}]})])
    done = local_shell.run("doctor", "-F", "json")
    found = findings_by_status(done)
    assert (done.returncode, done.stderr, found["failed"], found["warning"]) == (0, "", [], [])
    said = " ".join(what for what, _ in found["ok"])
    for expected in ("Python 3.", "isn't a terminal", "config.toml", "(0 sessions of ann)", "GB free"):
        assert expected in said
    assert f"Bot 'stub' at {stub.url} is reachable and lists 2 models." in said
    assert [request.method for request in stub.requests] == ["GET"]


def test_a_config_with_a_mistake_is_a_finding_and_the_other_checks_go_on(local_shell, store):
    local_shell.configure("stor = 'x'")
    done = local_shell.run("doctor", "-F", "json")
    found = findings_by_status(done)
    assert done.returncode == 1
    assert done.stderr.startswith("botchat: 1 of ")
    ((_, advice),) = found["failed"]
    assert "Did you mean store?" in advice
    assert any(f"Store: {local_shell.store} (" in what for what, _ in found["ok"])
    assert any("Only the demo bot" in what for what, _ in found["warning"])


def test_a_store_that_is_down_is_a_finding_and_the_other_checks_go_on(local_shell, stub_for):
    stub_for(local_shell, [whole({"data": [{"id": "other"}]})])
    local_shell.environment["BOTCHAT_STORE"] = "mongodb://ann:geheim@127.0.0.1:1/x"
    done = local_shell.run("doctor", "-F", "json")
    found = findings_by_status(done)
    assert done.returncode == 1
    ((_, advice),) = found["failed"]
    assert "Can't reach MongoDB at mongodb://ann:***@127.0.0.1:1/x." in advice
    ((what, _),) = found["warning"]
    assert "doesn't list the model 'stub-1'" in what
    assert "GB free" not in done.stdout
    assert "geheim" not in done.stdout


def test_bots_that_can_not_be_asked_are_findings_and_the_store_is_checked_without_them(local_shell, store, stub_for):
    stub_for(local_shell, [refused(401, "no")])
    found = findings_by_status(local_shell.run("doctor", "-F", "json"))
    ((what, advice),) = found["failed"]
    assert "is unavailable" in what
    assert "API key required" in advice
    local_shell.environment["BOTCHAT_BOT"] = "nobody"
    found = findings_by_status(local_shell.run("doctor", "-F", "json"))
    ((what, advice),) = found["failed"]
    assert "Default bot 'nobody' not found" in advice
    assert any("sessions of ann" in what for what, _ in found["ok"])


def test_a_server_without_a_list_of_models_is_a_warning(local_shell, store, stub_for):
    stub_for(local_shell, [refused(404, "no such page")])
    done = local_shell.run("doctor", "-F", "json")
    ((what, _),) = findings_by_status(done)["warning"]
    assert (done.returncode, "lists no models" in what) == (0, True)


def test_a_misspelt_store_is_told_and_not_made(local_shell, tmp_path):
    typo = tmp_path / "typo.db"
    done = local_shell.run("doctor", "--store", str(typo), "-F", "json")
    ((_, advice),) = findings_by_status(done)["failed"]
    assert advice == f"{typo} not found. Check --store."
    assert not typo.exists()


def test_a_proxy_that_can_not_be_used_is_a_finding_named_by_its_variable(local_shell, store):
    local_shell.configure("[bots.far]\nmodel = 'm'\nbase_url = 'http://bot.invalid/v1'")
    for name, value in {"ALL_PROXY": "socks4://u:geheim@h:1", "HTTP_PROXY": "http://u:ge#heim@h:1"}.items():
        local_shell.environment[name] = value
        done = local_shell.run("doctor", "-F", "json")
        ((what, advice),) = findings_by_status(done)["failed"]
        assert (what, done.returncode) == ("Bot 'far' at http://bot.invalid/v1 is unavailable.", 1)
        assert advice.startswith(f"The proxy in {name} ")
        tried = local_shell.run("bots", "test")
        assert (tried.returncode, tried.stderr.startswith(f"botchat: The proxy in {name} ")) == (6, True)
        assert "heim" not in done.stdout + done.stderr + tried.stderr


def test_names_that_no_new_user_could_have_are_warned_of(local_shell, local_repository):
    for user in ("ann", "\u0430nn"):
        local_repository.accounts().add_account(Account(user=user))
    warned = findings_by_status(local_shell.run("doctor", "-F", "json"))["warning"]
    ((what, advice),) = [finding for finding in warned if "no longer allowed for new accounts" in finding[0]]
    assert "'\\u0430nn' is no longer allowed for new accounts: it mixes letters from several scripts" in what
    assert "The account still works" in advice


def test_secrets_that_the_page_and_the_api_need_are_looked_for(local_shell, store):
    local_shell.configure(
        '[web]\nsign_in = "oidc"\n[web.oidc]\nprovider = "https://id.invalid/.well-known/openid-configuration"\n'
        'client_id = "botchat"\naddress = "https://chat.invalid"\n'
    )
    local_shell.environment["BOTCHAT_SIGNING_KEY"] = "geheim"
    done = local_shell.run("doctor", "-F", "json")
    advice = [advice for _, advice in findings_by_status(done)["failed"]]
    assert [each.partition(" must")[0].partition(" to the")[0] for each in advice] == [
        "BOTCHAT_OIDC_SECRET isn't set. Set it",
        "BOTCHAT_SIGNING_KEY",
    ]
    assert "geheim" not in done.stdout + done.stderr
    local_shell.environment |= {"BOTCHAT_SIGNING_KEY": "x" * 32, "BOTCHAT_OIDC_SECRET": "s"}
    assert findings_by_status(local_shell.run("doctor", "-F", "json"))["failed"] == []
