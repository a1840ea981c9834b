"""What users prefer, in MongoDB: a document each in the collection `preferences`."""

from pymongo.collection import Collection
from pymongo.database import Database

from botchat.core.models import PreferenceChanges, Preferences, check_name, preferences_from, split_preference_changes
from botchat.core.storage.mongo.client import Document, translated


class MongoPreferences:
    """Keeps preferences in a database."""

    def __init__(self, database: Database[Document], *, name: str) -> None:
        self._preferences: Collection[Document] = database["preferences"]
        self._name = name

    def read(self, user: str) -> Preferences:
        with translated(self._name):
            return preferences_from(self._preferences.find_one({"_id": {"$eq": user}}) or {})

    def change(self, user: str, changes: PreferenceChanges) -> None:
        to_set, to_unset = split_preference_changes(changes)
        update = {"$set": to_set, "$unset": dict.fromkeys(to_unset, "")}
        wanted = {"_id": {"$eq": check_name("The user", user)}}
        if changes:
            with translated(self._name):
                self._preferences.update_one(wanted, {how: what for how, what in update.items() if what}, upsert=True)
