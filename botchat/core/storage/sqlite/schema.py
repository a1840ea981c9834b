"""The tables and indexes of the SQLite file, and the statements that upgrade a file of an earlier format.

For a new column, table or index: raise `SCHEMA_VERSION`, change `SCHEMA` for new files, and add an entry to `UPGRADES`
for existing ones. A new table that older programs can ignore needs no new version.
"""

SCHEMA_VERSION = 3
APPLICATION_ID = int.from_bytes(b"bcht")

# The start of an element `tags` in the BSON of a session's other fields: rows with it are decoded to read the tags.
TAGGED = "instr(more, x'047461677300') > 0"

_TAG_INDEX = f"CREATE INDEX tagged ON sessions (user, state, create_time DESC, id DESC) WHERE {TAGGED};"

# An attachment is in the same file as its message: there is one file to copy, and both are stored or neither.
_FILES_AND_PREFERENCES = """
CREATE TABLE files (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    id TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (session_id, id)
);
CREATE TABLE preferences (
    user TEXT PRIMARY KEY,
    record BLOB NOT NULL            -- BSON
);
"""

SCHEMA = f"""
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user TEXT NOT NULL,
    state TEXT NOT NULL,
    create_time INTEGER NOT NULL,   -- milliseconds since 1970, UTC
    name TEXT NOT NULL,
    bot_id TEXT NOT NULL,
    update_time INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    pinned INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    expire_time INTEGER,            -- when it is permanently deleted, NULL for never
    bytes INTEGER NOT NULL,         -- of the messages, as elements of one BSON array
    more BLOB NOT NULL              -- BSON of the fields that have no column
);
CREATE INDEX page ON sessions (user, state, create_time DESC, id DESC);
CREATE INDEX everybody ON sessions (state, create_time DESC, id DESC);
CREATE INDEX expiry ON sessions (expire_time) WHERE expire_time IS NOT NULL;
CREATE TABLE messages (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    position INTEGER NOT NULL,      -- 0 is the first of the session
    id TEXT NOT NULL,
    record BLOB NOT NULL,           -- BSON
    PRIMARY KEY (session_id, position),
    UNIQUE (session_id, id)
);
{_FILES_AND_PREFERENCES}{_TAG_INDEX}"""

# The statements that upgrade a file of the given format to the next one.
UPGRADES = {
    1: """
ALTER TABLE sessions ADD COLUMN expire_time INTEGER;
CREATE INDEX everybody ON sessions (state, create_time DESC, id DESC);
CREATE INDEX expiry ON sessions (expire_time) WHERE expire_time IS NOT NULL;
""",
    2: _FILES_AND_PREFERENCES + _TAG_INDEX,
}

# A file without accounts has none of these tables, and older versions that don't know them ignore them. So the
# version of the file's format doesn't depend on them.
ACCOUNT_TABLES = (
    """CREATE TABLE IF NOT EXISTS users (
    user TEXT PRIMARY KEY,
    create_time INTEGER NOT NULL,
    password_hash TEXT,
    disabled_time INTEGER
)""",
    """CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY,
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    scopes TEXT NOT NULL,           -- separated by spaces
    create_time INTEGER NOT NULL,
    expire_time INTEGER,
    last_used INTEGER
)""",
    """CREATE TABLE IF NOT EXISTS auth_sessions (
    id TEXT PRIMARY KEY,
    user TEXT NOT NULL,
    hash TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    expire_time INTEGER NOT NULL
)""",
    """CREATE TABLE IF NOT EXISTS short_lived (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,            -- JSON
    expire_time INTEGER NOT NULL
)""",
)
ENDINGS_TABLE = "CREATE TABLE IF NOT EXISTS endings (number INTEGER PRIMARY KEY, key TEXT NOT NULL)"

# Older versions don't know the table and ignore it, so the version of the format stays the same.
AUDIT_TABLE = """CREATE TABLE IF NOT EXISTS audit_events (
    id TEXT PRIMARY KEY,
    time INTEGER NOT NULL,
    admin TEXT NOT NULL,
    action TEXT NOT NULL,
    user TEXT NOT NULL,
    session_id TEXT,
    expire_time INTEGER NOT NULL
)"""
AUDIT_INDEX = "CREATE INDEX IF NOT EXISTS audit_events_by_time ON audit_events (time)"

# The same applies to shared links.
LINKS_TABLE = """CREATE TABLE IF NOT EXISTS shared_links (
    id TEXT PRIMARY KEY,
    user TEXT NOT NULL,
    session_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,      -- SHA-256 of the secret in the link
    is_live INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    expire_time INTEGER             -- NULL for never
)"""
