"""Times in the future, after a clock was set back: they lock nobody out and block nothing."""

from datetime import timedelta

import jwt
import pytest
from support.api.client import CHEAP_PASSWORDS
from support.stores.memory_mongo import memory_database

from botchat.api.jwt import Claims, JwtSigner
from botchat.core.auth import AuthService
from botchat.core.models import now
from botchat.core.storage.mongo.messages.cleanup import SWEEP_INTERVAL, claim_sweep

KEY = "k" * 32
AHEAD = timedelta(hours=1)


def test_a_sign_in_that_lies_ahead_lets_in():
    signer = JwtSigner(KEY)
    made = jwt.decode(signer.sign(Claims("ann", "1")), options={"verify_signature": False})
    later = {name: value + 3600 if name in {"iat", "exp"} else value for name, value in made.items()}
    assert signer.verify(jwt.encode(later, KEY, algorithm="HS256")) == Claims("ann", "1")


def test_the_last_use_of_a_token_is_kept_although_the_one_before_lies_ahead(repository):
    access = AuthService(repository.accounts(), CHEAP_PASSWORDS)
    access.add_account("ann", "correct horse")
    token, text = access.create_token("ann")
    repository.accounts().mark_token_used(token.id, now() + AHEAD)
    access.check_token(text)
    assert repository.accounts().token(token.id).last_used <= now()


@pytest.mark.parametrize(("off", "is_due"), [(-SWEEP_INTERVAL, True), (AHEAD * 2, True), (timedelta(), False)])
def test_a_sweep_is_due_although_the_last_one_lies_ahead(database, off, is_due):
    for sweeps in (database["sweeps"], memory_database()["sweeps"]):
        at = now()
        sweeps.insert_one({"_id": "files", "time": at + off})
        assert (claim_sweep(sweeps, "files", at) is not None) is is_due
        assert claim_sweep(sweeps, "files", at) is None
        assert claim_sweep(sweeps, "blocks", at) is not None
