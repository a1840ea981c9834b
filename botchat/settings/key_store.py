"""API keys that were entered on the page: in the operating system's keyring, or encrypted in files of the user."""

import json
import os
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from botchat.core.errors import ConfigError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

KeyPlace = Literal["keyring", "file"]

_SERVICE = "botchat"
_lock = threading.Lock()


class KeyStore:
    """Stores the API keys of bots for the user of this process.

    Each key belongs to a bot and the URL of its server, so that it is never sent to another server. Without a keyring,
    the keys are in a file that is encrypted with the key in a second one. Both files can be read only by the user. That
    protects a copy of one of the files, but not from others who can read the user's files.

    Args:
        folder: the folder of the two files; it is created when needed.
        keyring: the keyring to use; by default the operating system's.
    """

    def __init__(self, folder: Path, keyring: "KeyringBackend | None" = None) -> None:
        self._keys = folder / "api_keys"
        self._secret = folder / "api_keys.secret"
        self._keyring = keyring

    def get(self, place: KeyPlace, bot_id: str, base_url: str) -> str | None:
        """Return the key of a bot for this URL, or None if there is none.

        A keyring that is locked or missing has none.

        Raises:
            ConfigError: the files can't be read.
        """
        if place == "file":
            return self._read().get(_name(bot_id, base_url))
        from keyring.errors import KeyringError

        try:
            return self._backend().get_password(_SERVICE, _name(bot_id, base_url))
        except KeyringError:
            return None

    def set(self, bot_id: str, base_url: str, key: str) -> KeyPlace:
        """Store the key of a bot for this URL; return where: in the keyring if there is one that works.

        Raises:
            ConfigError: the files can't be written.
        """
        from keyring.errors import KeyringError

        name = _name(bot_id, base_url)
        try:
            backend = self._backend()
            backend.set_password(_SERVICE, name, key)
            if backend.get_password(_SERVICE, name) == key:  # one backend accepts everything and keeps nothing
                return "keyring"
        except (KeyringError, RuntimeError):
            pass  # no keyring, or the user didn't unlock it
        with _lock:
            self._write(self._read() | {name: key})
        return "file"

    def delete(self, place: KeyPlace, bot_id: str, base_url: str) -> None:
        """Delete the key of a bot for this URL, if there is one.

        Raises:
            ConfigError: it can't be deleted.
        """
        name = _name(bot_id, base_url)
        if place == "file":
            with _lock:
                keys = self._read()
                if keys.pop(name, None) is not None:
                    self._write(keys)
            return
        from keyring.errors import KeyringError, PasswordDeleteError

        try:
            self._backend().delete_password(_SERVICE, name)
        except PasswordDeleteError:
            pass  # it is already gone
        except KeyringError as error:
            raise ConfigError(f"Can't delete the API key of {bot_id!r} from the keyring. Unlock it first.") from error

    def _backend(self) -> "KeyringBackend":
        import keyring

        return self._keyring or keyring.get_keyring()

    def _read(self) -> dict[str, str]:
        from cryptography.fernet import Fernet, InvalidToken

        try:
            encrypted, secret = self._keys.read_bytes(), self._secret.read_bytes()
            return dict(json.loads(Fernet(secret).decrypt(encrypted)))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigError(f"Can't read the API keys in {self._keys.parent}: {error.strerror}.") from error
        except (InvalidToken, ValueError) as error:
            raise ConfigError(
                f"Can't decrypt {self._keys}. Restore it with {self._secret.name}, or delete both and enter the API "
                "keys again in the settings."
            ) from error

    def _write(self, keys: dict[str, str]) -> None:
        from cryptography.fernet import Fernet

        try:
            self._keys.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (self._secret.exists() and self._keys.exists()):
                write_private(self._secret, Fernet.generate_key())
            write_private(self._keys, Fernet(self._secret.read_bytes()).encrypt(json.dumps(keys).encode()))
        except OSError as error:
            raise ConfigError(f"Can't store the API key in {self._keys.parent}: {error.strerror}.") from error


def write_private(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file in one step, by default readable only by its user: a reader sees the old or the new content.

    Raises:
        OSError: it can't be written; the old file stays.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _name(bot_id: str, base_url: str) -> str:
    return f"{bot_id} at {base_url.rstrip('/')}"
