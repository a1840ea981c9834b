"""The contract for accounts, tokens, sign-ins and values that expire, on every store."""

import sqlite3
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from support.api.client import CHEAP_PASSWORDS

from botchat.core.auth import REVOCATION_POLL_SECONDS, AuthService, invalid_usernames
from botchat.core.errors import AccountNotFound, InvalidInput, NotSignedIn, TokenNotFound
from botchat.core.models import now
from botchat.core.storage import Account, SignIn
from botchat.core.storage.accounts import KEPT_REVOCATIONS
from botchat.core.storage.sqlite.repository import SqliteRepository

ODD = 'ann.$ö"{}/ '
LATER, EARLIER = timedelta(hours=1), -timedelta(seconds=1)


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def access(repository, clock):
    return opened(repository, clock)


def opened(repository, clock) -> AuthService:
    """Return an access service of another process."""
    return AuthService(repository.accounts(), CHEAP_PASSWORDS, clock=clock)


def test_an_account_is_made_once_and_knows_its_password_alone(access):
    access.add_account(ODD, "correct horse")
    with pytest.raises(InvalidInput, match="already has an account"):
        access.add_account(ODD, "another one")
    assert access.check_password(ODD, "correct horse") == ODD
    wrong = [(ODD, "another one"), ("bob", "correct horse"), ("", ""), (ODD, "x" * 2000), (ODD, "\ud800")]
    for user, password in wrong:
        with pytest.raises(NotSignedIn, match="Incorrect username or password"):
            access.check_password(user, password)
    (account,) = access.accounts()
    assert account.password_hash.startswith("$argon2id$")
    assert "correct horse" not in repr(account) + account.password_hash


@pytest.mark.parametrize(
    "name",
    ["a\u200bnn", "ann\u202e", "ann\n", "\u0430nn", "ann\u3164", "ann\ufe0f", "\u2066bob", "b\u03bfb", "a\u00adnn"],
)
def test_no_new_user_has_a_name_that_looks_like_anothers(access, name):
    for make in (access.add_account, access.create_token, access.external_sign_in):
        with pytest.raises(InvalidInput, match="Invalid username"):
            make(name)
    assert list(access.accounts()) == []


@pytest.mark.parametrize("name", ["Ann", "ANN", "\uff41nn", "ann ", "\u24d0nn"])
def test_no_new_user_has_a_name_that_differs_from_anothers_by_nothing_that_is_seen(access, name):
    access.add_account("ann")
    for make in (access.add_account, access.create_token, access.external_sign_in):
        with pytest.raises(InvalidInput, match=r"already has an account|is too similar|Use 'ann'"):
            make(name)
    with pytest.raises(NotSignedIn):
        access.external_sign_in(name, require_account=True)
    assert [account.user for account in access.accounts()] == ["ann"]


@pytest.mark.parametrize(
    "name",
    [
        "Ann M\u00fcller",
        "\u0430\u043d\u043d\u0430",
        "\u4f50\u3005\u6728 Ken",
        "\uae40 kim",
        "ann@h.org",
        "\u30ab\u30fc\u30eb",
    ],
)
def test_a_name_in_any_script_is_stored_in_its_normal_form(access, name):
    assert access.add_account(unicodedata.normalize("NFD", name)) == name
    assert [account.user for account in access.accounts()] == [name]


def test_a_name_that_a_proxy_writes_in_parts_is_one_user(access):
    parted = unicodedata.normalize("NFD", "m\u00fcller")
    assert [access.external_sign_in(parted).user for _ in range(2)] == ["m\u00fcller"] * 2
    assert access.external_sign_in(parted, require_account=True).user == "m\u00fcller"
    assert access.create_token(parted)[0].user == "m\u00fcller"
    assert [account.user for account in access.accounts()] == ["m\u00fcller"]


def test_a_user_who_was_there_before_names_were_checked_comes_in_as_ever(access, repository, clock):
    old = ["\u0430nn", "a\u200bnn", "ANN", "ann"]
    for user in old:
        repository.accounts().add_account(Account(user=user, password_hash=CHEAP_PASSWORDS.hash("correct horse")))
    assert [access.check_password(user, "correct horse") for user in old] == old
    assert [access.external_sign_in(user).user for user in old] == old
    assert [access.create_token(user)[0].user for user in old] == old
    assert dict(invalid_usernames(old)) == {
        "\u0430nn": "it mixes letters from several scripts (cyrillic, latin)",
        "a\u200bnn": "it contains invisible characters",
        "ANN": "it is too similar to 'a\\u200bnn'",
        "ann": "it is too similar to 'a\\u200bnn'",
    }


def test_another_password_ends_sign_ins_and_leaves_tokens(access, repository, clock):
    access.add_account("ann", "correct horse")
    _, text = access.create_token("ann")
    signed = access.sign_in("ann")
    access.set_password("ann", "battery staple")
    assert access.check_password("ann", "battery staple") == "ann"
    with pytest.raises(NotSignedIn):
        access.check_password("ann", "correct horse")
    for each in (access, opened(repository, clock)):
        assert each.check_token(text).user == "ann"
        with pytest.raises(NotSignedIn):
            each.active_sign_in(signed.sign_in.id)
    with pytest.raises(AccountNotFound):
        access.set_password("bob", "long enough")
    with pytest.raises(InvalidInput, match="8 to 1,024"):
        access.set_password("ann", "short")


def test_who_is_disabled_comes_in_with_nothing_until_enabled_again(access, repository, clock):
    access.add_account("ann", "correct horse")
    _, text = access.create_token("ann")
    signed = access.sign_in("ann")
    access.disable("ann")
    for each in (access, opened(repository, clock)):
        with pytest.raises(NotSignedIn):
            each.check_token(text)
        with pytest.raises(NotSignedIn):
            each.refresh(signed.refresh_token)
        with pytest.raises(NotSignedIn):
            each.check_password("ann", "correct horse")
    access.enable("ann")
    assert access.check_token(text).user == access.check_password("ann", "correct horse") == "ann"
    with pytest.raises(AccountNotFound):
        access.disable("bob")
    with pytest.raises(AccountNotFound):
        access.enable("bob")


def test_a_token_is_kept_as_a_hash_with_what_it_is_for(access, repository):
    token, text = access.create_token("ann", "laptop", scopes=("read", "metrics"), lifetime=LATER)
    assert text.split("_", 2)[:2] == ["bc", token.id]
    found = repository.accounts().token(token.id)
    assert found == token
    assert text.split("_", 2)[2] not in str([found.hash, repr(found)])
    assert access.check_token(text).scopes == ("read", "metrics")
    assert repository.accounts().token(token.id).last_used is not None
    access.create_token("bob")
    assert [t.id for t in access.tokens("ann")] == [token.id]
    listed = list(access.tokens())
    assert {t.user for t in listed} == {"ann", "bob"}
    assert listed == sorted(listed, key=lambda t: (t.create_time, t.id))
    another = text[:-1] + ("A" if text[-1] != "A" else "B")
    for wrong in (another, text.replace("bc_", "br_"), "bc_", "", "\ud800", text + "x"):
        with pytest.raises(NotSignedIn):
            access.check_token(wrong)
    for scopes in ((), ("everything",)):
        with pytest.raises(InvalidInput, match="read, write, admin, metrics"):
            access.create_token("ann", scopes=scopes)


def test_a_token_that_is_over_is_gone_even_before_the_store_removes_it(access, repository):
    token, text = access.create_token("ann", lifetime=EARLIER)
    with pytest.raises(NotSignedIn):
        access.check_token(text)
    assert list(access.tokens()) == []
    assert repository.accounts().token(token.id) is None


def test_a_token_revoked_elsewhere_is_good_for_half_a_second_and_here_not_at_all(access, repository, clock):
    elsewhere = opened(repository, clock)
    token, text = access.create_token("ann")
    assert access.check_token(text).id == elsewhere.check_token(text).id == token.id
    with pytest.raises(TokenNotFound):
        access.revoke_token(token.id, "bob")
    access.revoke_token(token.id, "ann")
    with pytest.raises(NotSignedIn):
        access.check_token(text)
    assert elsewhere.cached_token(text) == elsewhere.check_token(text)
    clock.time += REVOCATION_POLL_SECONDS
    assert elsewhere.cached_token(text) is None
    with pytest.raises(NotSignedIn):
        elsewhere.check_token(text)
    with pytest.raises(TokenNotFound):
        access.revoke_token(token.id)


ENDINGS = {
    "sign_out": lambda access, sign_in: access.sign_out(sign_in.id),
    "sign_out_everywhere": lambda access, sign_in: access.sign_out_everywhere(sign_in.user),
    "set_password": lambda access, sign_in: access.set_password(sign_in.user, "battery staple"),
    "disable": lambda access, sign_in: access.disable(sign_in.user),
    "remove": lambda access, sign_in: access.remove_account(sign_in.user),
    "more than are named": lambda access, sign_in: [
        access.sign_out(sign_in.id),
        *(access.sign_out_everywhere("carl") for _ in range(KEPT_REVOCATIONS)),
    ],
}


def test_a_process_hears_in_one_read_what_ended_in_others_and_asks_for_nobody_else(access, repository, clock):
    for user in ("ann", "bob"):
        access.add_account(user, "correct horse")
    asked = Asked(repository.accounts())
    elsewhere = AuthService(asked, CHEAP_PASSWORDS, clock=clock)
    bob, token = elsewhere.sign_in("bob").sign_in, elsewhere.create_token("bob")[1]
    access.sign_out_everywhere("carl")
    for what, end in ENDINGS.items():
        ann = access.sign_in("ann").sign_in
        assert elsewhere.active_sign_in(ann.id).user == elsewhere.external_sign_in("ann").user == "ann"
        assert (
            elsewhere.check_token(token).user
            == elsewhere.active_sign_in(bob.id).user
            == elsewhere.external_sign_in("bob").user
        )
        end(access, ann)
        clock.time += REVOCATION_POLL_SECONDS
        asked.names.clear()
        assert (
            elsewhere.check_token(token).user
            == elsewhere.active_sign_in(bob.id).user
            == elsewhere.external_sign_in("bob").user
        )
        assert asked.names == ["revocations"] or what == "more than are named", what
        with pytest.raises(NotSignedIn):
            elsewhere.active_sign_in(ann.id)
        access.remove_account("ann")
        access.add_account("ann", "correct horse")


class Asked:
    """A store that records its calls."""

    def __init__(self, accounts) -> None:
        self.accounts = accounts
        self.names = []

    def __getattr__(self, name):
        self.names.append(name)
        return getattr(self.accounts, name)


def test_a_file_of_an_older_program_tells_of_endings_too(tmp_path, clock):
    with closing(SqliteRepository(tmp_path / "botchat.db")) as repository:
        repository.prepare()
        here, elsewhere = opened(repository, clock), opened(repository, clock)
        text = here.create_token("ann")[1]
        with closing(sqlite3.connect(tmp_path / "botchat.db")) as db:
            db.execute("DROP TABLE IF EXISTS endings")
        elsewhere.check_token(text)
        here.disable("ann")
        clock.time += REVOCATION_POLL_SECONDS
        with pytest.raises(NotSignedIn):
            elsewhere.check_token(text)


def test_a_refresh_token_is_good_once_and_its_second_use_ends_the_sign_in(access, repository, clock):
    access.add_account("ann", "correct horse")
    first = access.sign_in("ann")
    second = access.refresh(first.refresh_token)
    assert second.sign_in.id == first.sign_in.id
    assert access.active_sign_in(first.sign_in.id).user == "ann"
    with pytest.raises(NotSignedIn):
        opened(repository, clock).refresh(first.refresh_token)
    with pytest.raises(NotSignedIn):
        access.refresh(second.refresh_token)
    clock.time += REVOCATION_POLL_SECONDS
    with pytest.raises(NotSignedIn):
        access.active_sign_in(first.sign_in.id)


def test_of_many_who_refresh_with_the_same_token_one_gets_the_next(access):
    access.add_account("ann", "correct horse")
    token = access.sign_in("ann").refresh_token

    def refreshed(_) -> bool:
        try:
            access.refresh(token)
        except NotSignedIn:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(refreshed, range(16))) <= 1  # none where the family ended between its two steps


def test_signing_out_ends_one_sign_in_or_all_of_a_user(access, repository):
    access.add_account("ann", "correct horse")
    access.add_account("bob", "correct horse")
    one, two, bobs = (access.sign_in(user).sign_in.id for user in ("ann", "ann", "bob"))
    access.sign_out(one)
    access.sign_out("none")
    assert (repository.accounts().sign_in(one), access.active_sign_in(two).user) == (None, "ann")
    access.sign_out_everywhere("ann")
    assert (repository.accounts().sign_in(two), access.active_sign_in(bobs).user) == (None, "bob")
    over = SignIn(user="bob", hash="x", expire_time=now() + EARLIER)
    repository.accounts().add_sign_in(over)
    assert repository.accounts().sign_in(over.id) is None
    assert not repository.accounts().renew_sign_in(over.id, "x", "y", now() + LATER)


def test_nothing_is_left_of_a_user_who_is_removed(access, repository):
    access.add_account("ann", "correct horse")
    token, text = access.create_token("ann")
    sign_in = access.sign_in("ann").sign_in
    access.create_token("bob")
    access.check_token(text)
    access.remove_account("ann")
    accounts = repository.accounts()
    assert (accounts.account("ann"), accounts.token(token.id), accounts.sign_in(sign_in.id)) == (None, None, None)
    assert [account.user for account in access.accounts()] == ["bob"]
    with pytest.raises(NotSignedIn):
        access.check_token(text)


def test_what_is_kept_for_a_while_is_added_once_replaced_and_removed(repository):
    kept = repository.expiring_values()
    assert (kept.get("k"), kept.remove("k")) == (None, None)
    assert kept.add("k", {"a": [1, "ö"]}, now() + LATER)
    assert not kept.add("k", {"a": 2}, now() + LATER)
    assert kept.get("k") == {"a": [1, "ö"]}
    kept.put("k", {"a": 3}, now() + EARLIER)
    assert kept.get("k") is None
    assert kept.add("k", {"a": 4}, now() + LATER)
    kept.remove("k")
    assert kept.get("k") is None
