-- How many batches the directory is made of, and the pool's own settings once there are any.
CREATE TABLE directory (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    revision        INTEGER NOT NULL,
    last_invitation INTEGER NOT NULL,
    fqdn            TEXT,
    display_name    TEXT,
    site            TEXT,
    db_version      BLOB,
    root_category   BLOB
) STRICT;

INSERT INTO directory (id, revision, last_invitation) VALUES (1, 0, 0);

-- What rooms and categories have in common: an id, lists, and a name that is unique among both.
-- `folded` is the name as `sql/directory.rs` compares it.
CREATE TABLE node (
    key     INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    folded  TEXT NOT NULL UNIQUE,
    is_room INTEGER NOT NULL
) STRICT;

CREATE TABLE category (
    key          INTEGER PRIMARY KEY REFERENCES node (key) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    description  TEXT NOT NULL,
    invites      INTEGER NOT NULL,
    file_upload  INTEGER NOT NULL,
    chat_history INTEGER NOT NULL,
    created_by   TEXT NOT NULL,
    created_on   INTEGER NOT NULL,
    updated_by   TEXT NOT NULL,
    updated_on   INTEGER NOT NULL,
    version      INTEGER NOT NULL
) STRICT;

CREATE TABLE addin (
    id      BLOB PRIMARY KEY CHECK (length(id) = 16),
    name    TEXT NOT NULL UNIQUE,
    url     TEXT NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Rooms of the directory; `room` has those with messages. Numbers mean what `sql/directory.rs`
-- says. An add-in may go in the same batch before the room lets go of it.
CREATE TABLE chat_room (
    key         INTEGER PRIMARY KEY REFERENCES node (key) ON DELETE CASCADE,
    category    INTEGER NOT NULL REFERENCES category (key),
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    privacy     INTEGER NOT NULL,
    behavior    INTEGER NOT NULL,
    invitations INTEGER NOT NULL,
    addin       BLOB REFERENCES addin (id) DEFERRABLE INITIALLY DEFERRED,
    is_disabled INTEGER NOT NULL,
    created_by  TEXT NOT NULL,
    created_on  INTEGER NOT NULL,
    updated_by  TEXT NOT NULL,
    updated_on  INTEGER NOT NULL,
    version     INTEGER NOT NULL
) STRICT;

CREATE INDEX chat_room_by_category ON chat_room (category);
CREATE INDEX chat_room_by_addin ON chat_room (addin) WHERE addin IS NOT NULL;

CREATE TABLE principal (
    key          INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    kind         INTEGER NOT NULL,
    uri          TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    account      TEXT NOT NULL,
    email        TEXT NOT NULL,
    company      TEXT NOT NULL,
    path         TEXT NOT NULL,
    state        INTEGER NOT NULL,
    policy       TEXT
) STRICT;

-- What principals stand in directly.
CREATE TABLE principal_parent (
    child  INTEGER NOT NULL REFERENCES principal (key) ON DELETE CASCADE,
    parent INTEGER NOT NULL REFERENCES principal (key) ON DELETE CASCADE,
    PRIMARY KEY (child, parent)
) STRICT, WITHOUT ROWID;

CREATE INDEX principal_parent_by_parent ON principal_parent (parent);

-- The lists of rooms and categories.
CREATE TABLE access_entry (
    node      INTEGER NOT NULL REFERENCES node (key) ON DELETE CASCADE,
    role      INTEGER NOT NULL,
    principal INTEGER NOT NULL REFERENCES principal (key) ON DELETE CASCADE,
    PRIMARY KEY (node, role, principal)
) STRICT, WITHOUT ROWID;

CREATE INDEX access_entry_by_principal ON access_entry (principal);

CREATE TABLE policy (
    scope       INTEGER NOT NULL,
    name        TEXT NOT NULL,
    is_enabled  INTEGER NOT NULL,
    description TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE configuration (
    scope                    INTEGER NOT NULL,
    name                     TEXT NOT NULL,
    default_chat_history     INTEGER NOT NULL,
    max_file_size_kb         INTEGER NOT NULL,
    participant_update_limit INTEGER NOT NULL,
    room_management_url      TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE legacy_endpoint (
    uri          TEXT PRIMARY KEY,
    display_name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A user's invitations lie side by side, some dozens: they are put in order when asked for.
CREATE TABLE invitation (
    principal  INTEGER NOT NULL REFERENCES principal (key) ON DELETE CASCADE,
    room       INTEGER NOT NULL REFERENCES chat_room (key) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    created_on INTEGER NOT NULL,
    PRIMARY KEY (principal, room)
) STRICT, WITHOUT ROWID;

CREATE INDEX invitation_by_room ON invitation (room);

-- Who did what, and the revision of the directory after it. Never changed, never removed.
CREATE TABLE admin_record (
    key         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    revision    INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    actor       TEXT NOT NULL,
    surface     TEXT NOT NULL,
    act         TEXT NOT NULL,
    target      TEXT NOT NULL,
    detail      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    request_key TEXT UNIQUE,
    outcome     TEXT NOT NULL
) STRICT;

-- Rooms whose messages are gone up to a place, and rooms that are gone themselves: what is appended
-- again of them stays away.
CREATE TABLE erased (
    room       INTEGER PRIMARY KEY REFERENCES room (key),
    term       INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    is_removed INTEGER NOT NULL
) STRICT;

-- Messages that were deleted or have another text since: what is appended again stays away.
CREATE TABLE amended (
    room   INTEGER NOT NULL REFERENCES room (key),
    term   INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (room, term, number)
) STRICT, WITHOUT ROWID;
