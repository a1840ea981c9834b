"""Accounts in MongoDB (`users`, `tokens`, `auth_sessions`, `auth_endings`) and values that expire (`short_lived`)."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pymongo import ReadPreference
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from botchat.core.models import check_name, now
from botchat.core.storage.accounts import KEPT_REVOCATIONS, Account, Revocations, SharedLink, SignIn, Token
from botchat.core.storage.mongo.client import Document, translate_errors
from botchat.core.storage.mongo.indexes import (
    create_expiry_index,
    create_link_indexes,
    create_sign_in_indexes,
    create_token_indexes,
)

_ALL = "all"
"""The ID of the only document, which counts the revocations."""


class MongoAccounts:
    """Stores accounts, tokens and sign-ins. The server removes expired ones within about a minute."""

    def __init__(self, database: Database[Document], *, name: str) -> None:
        self._name = name
        # A lagging secondary would still accept a user whom the primary has removed.
        database = database.with_options(read_preference=ReadPreference.PRIMARY)
        self._users: Collection[Document] = database["users"]
        self._tokens: Collection[Document] = database["tokens"]
        self._sign_ins: Collection[Document] = database["auth_sessions"]
        self._endings: Collection[Document] = database["auth_endings"]

    def add_account(self, account: Account) -> bool:
        return _inserted(self._users, self._name, _document(account, "user"))

    def account(self, user: str) -> Account | None:
        found = self._find(self._users, user)
        return _account(found) if found else None

    def accounts(self) -> Iterator[Account]:
        with translate_errors(self._name):
            yield from map(_account, self._users.find().sort("_id", 1))

    def set_password(self, user: str, password_hash: str) -> bool:
        return self._changed(self._users, {"_id": {"$eq": user}}, {"$set": {"password_hash": password_hash}})

    def set_disabled(self, user: str, disabled_time: datetime | None) -> bool:
        return self._changed(
            self._users,
            {"_id": {"$eq": user}},
            {"$set": {"disabled_time": disabled_time}} if disabled_time else {"$unset": {"disabled_time": ""}},
        )

    def remove_account(self, user: str) -> None:
        with translate_errors(self._name):
            self._users.delete_one({"_id": {"$eq": user}})
            self._tokens.delete_many({"user": {"$eq": user}})
            self._sign_ins.delete_many({"user": {"$eq": user}})

    def add_token(self, token: Token) -> None:
        with translate_errors(self._name):
            create_token_indexes(self._tokens)
            self._tokens.insert_one(_document(token, "id"))

    def token(self, token_id: str) -> Token | None:
        found = self._find(self._tokens, token_id)
        return _token(found) if found else None

    def tokens(self, user: str | None = None) -> Iterator[Token]:
        wanted = _unexpired({} if user is None else {"user": {"$eq": user}})
        with translate_errors(self._name):
            yield from map(_token, self._tokens.find(wanted).sort([("create_time", 1), ("_id", 1)]))

    def mark_token_used(self, token_id: str, at: datetime) -> None:
        self._changed(self._tokens, {"_id": {"$eq": token_id}}, {"$set": {"last_used": at}})

    def remove_token(self, token_id: str, user: str | None = None) -> bool:
        wanted = {"_id": {"$eq": token_id}} | ({} if user is None else {"user": {"$eq": user}})
        with translate_errors(self._name):
            return self._tokens.delete_one(wanted).deleted_count == 1

    def add_sign_in(self, sign_in: SignIn) -> None:
        with translate_errors(self._name):
            create_sign_in_indexes(self._sign_ins)
            self._sign_ins.insert_one(_document(sign_in, "id"))

    def sign_in(self, sign_in_id: str) -> SignIn | None:
        found = self._find(self._sign_ins, sign_in_id)
        return SignIn(id=found.pop("_id"), **found) if found else None

    def renew_sign_in(self, sign_in_id: str, old: str, new: str, expire_time: datetime) -> bool:
        wanted = _unexpired({"_id": {"$eq": sign_in_id}, "hash": {"$eq": old}})
        return self._changed(self._sign_ins, wanted, {"$set": {"hash": new, "expire_time": expire_time}})

    def remove_sign_in(self, sign_in_id: str) -> bool:
        with translate_errors(self._name):
            return self._sign_ins.delete_one({"_id": {"$eq": sign_in_id}}).deleted_count == 1

    def remove_sign_ins(self, user: str) -> None:
        with translate_errors(self._name):
            self._sign_ins.delete_many({"user": {"$eq": user}})

    def add_revocation(self, key: str) -> None:
        newest = {"$each": [key], "$slice": -KEPT_REVOCATIONS}
        with translate_errors(self._name):
            self._endings.update_one({"_id": _ALL}, {"$inc": {"number": 1}, "$push": {"newest": newest}}, upsert=True)

    def revocations(self) -> Revocations:
        with translate_errors(self._name):
            found = self._endings.find_one({"_id": _ALL})
        return Revocations(found["number"], tuple(found["newest"])) if found else Revocations(0, ())

    def _find(self, collection: Collection[Document], key: str) -> Document | None:
        with translate_errors(self._name):
            return collection.find_one(_unexpired({"_id": {"$eq": key}}))

    def _changed(self, collection: Collection[Document], wanted: Mapping[str, Any], update: Document) -> bool:
        with translate_errors(self._name):
            return collection.update_one(wanted, update).matched_count == 1


class MongoExpiringValues:
    """Stores values that expire, in the collection `short_lived`."""

    def __init__(self, database: Database[Document], *, name: str) -> None:
        self._name = name
        self._documents: Collection[Document] = database["short_lived"]
        self._has_index = False

    def add(self, key: str, value: dict[str, Any], expire_time: datetime) -> bool:
        self._prepare()
        with translate_errors(self._name):
            self._documents.delete_one({"_id": key, "expire_time": {"$lte": now()}})
        return _inserted(self._documents, self._name, {"_id": key, "value": value, "expire_time": expire_time})

    def get(self, key: str) -> dict[str, Any] | None:
        with translate_errors(self._name):
            found = self._documents.find_one(_unexpired({"_id": {"$eq": key}}))
        return dict(found["value"]) if found else None

    def put(self, key: str, value: dict[str, Any], expire_time: datetime) -> None:
        self._prepare()
        document = {"_id": key, "value": value, "expire_time": expire_time}
        with translate_errors(self._name):
            self._documents.replace_one({"_id": key}, document, upsert=True)

    def remove(self, key: str) -> None:
        with translate_errors(self._name):
            self._documents.delete_one({"_id": key})

    def _prepare(self) -> None:
        if not self._has_index:
            with translate_errors(self._name):
                create_expiry_index(self._documents)
            self._has_index = True


def _inserted(collection: Collection[Document], name: str, document: Document) -> bool:
    with translate_errors(name):
        try:
            collection.insert_one(document)
        except DuplicateKeyError:
            return False
    return True


def _unexpired(wanted: Document) -> Document:
    return wanted | {"$nor": [{"expire_time": {"$lte": now()}}]}


def _document(record: Account | Token | SignIn, key: str) -> Document:
    values = {name: value for name, value in asdict(record).items() if value is not None}
    return {"_id": values.pop(key), **values}


def _account(document: Document) -> Account:
    return Account(user=document.pop("_id"), **document)


def _token(document: Document) -> Token:
    return Token(id=document.pop("_id"), scopes=tuple(document.pop("scopes")), **document)


class MongoLinks:
    """Stores shared links. A revoked link ends at once, so reads go to the primary."""

    def __init__(self, database: Database[Document], *, name: str) -> None:
        self._name = name
        database = database.with_options(read_preference=ReadPreference.PRIMARY)
        self._links: Collection[Document] = database["shared_links"]

    def add(self, link: SharedLink) -> None:
        check_name("The user", link.user)
        document = {name: value for name, value in asdict(link).items() if value is not None}
        with translate_errors(self._name):
            create_link_indexes(self._links)
            self._links.insert_one({"_id": document.pop("id"), **document})

    def by_hash(self, hash_: str) -> SharedLink | None:
        return next(iter(self._read({"hash": {"$eq": hash_}})), None)

    def of(self, user: str, session_id: str | None = None) -> list[SharedLink]:
        return self._read(_links_of(user, session_id))

    def remove(self, user: str, link_id: str) -> bool:
        with translate_errors(self._name):
            return self._links.delete_one({"_id": {"$eq": link_id}} | _links_of(user)).deleted_count > 0

    def remove_all(self, user: str, session_id: str | None = None) -> None:
        with translate_errors(self._name):
            self._links.delete_many(_links_of(user, session_id))

    def _read(self, wanted: Document) -> list[SharedLink]:
        valid: dict[str, Any] = {"$or": [{"expire_time": None}, {"expire_time": {"$gt": now()}}]}
        with translate_errors(self._name):
            found = self._links.find(wanted | valid).sort([("create_time", -1), ("_id", -1)])
            return [SharedLink(id=document.pop("_id"), **document) for document in found]


def _links_of(user: str, session_id: str | None = None) -> Document:
    return {"user": {"$eq": user}} | ({} if session_id is None else {"session_id": {"$eq": session_id}})
