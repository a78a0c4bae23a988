-- How many batches the directory is made of, and the pool's own settings once there are any.
-- Whoever commits a batch holds the lock of this row.
CREATE TABLE directory (
    id              integer PRIMARY KEY CHECK (id = 1),
    revision        bigint NOT NULL,
    last_invitation bigint NOT NULL,
    fqdn            text,
    display_name    text,
    site            text,
    db_version      uuid,
    root_category   uuid
);

INSERT INTO directory (id, revision, last_invitation) VALUES (1, 0, 0);

-- What rooms and categories have in common: an id, lists, and a name that is unique among both.
-- `folded` is the name as `sql/directory.rs` compares it. Names and URIs are compared when a batch
-- is through, because its statements are not in the order of its changes.
CREATE TABLE node (
    key     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id      uuid NOT NULL UNIQUE,
    folded  text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
    is_room boolean NOT NULL
);

CREATE TABLE category (
    key          integer PRIMARY KEY REFERENCES node ON DELETE CASCADE,
    name         text NOT NULL,
    description  text NOT NULL,
    invites      boolean NOT NULL,
    file_upload  boolean NOT NULL,
    chat_history boolean NOT NULL,
    created_by   text NOT NULL,
    created_on   bigint NOT NULL,
    updated_by   text NOT NULL,
    updated_on   bigint NOT NULL,
    version      bigint NOT NULL
);

CREATE TABLE addin (
    id      uuid PRIMARY KEY,
    name    text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
    url     text NOT NULL,
    version bigint NOT NULL
);

-- Rooms of the directory. Numbers mean what `sql/directory.rs` says. An add-in may go in the same
-- batch before the room lets go of it.
CREATE TABLE chat_room (
    key         integer PRIMARY KEY REFERENCES node ON DELETE CASCADE,
    category    integer NOT NULL REFERENCES category,
    name        text NOT NULL,
    description text NOT NULL,
    privacy     smallint NOT NULL,
    behavior    smallint NOT NULL,
    invitations smallint NOT NULL,
    addin       uuid REFERENCES addin DEFERRABLE INITIALLY DEFERRED,
    is_disabled boolean NOT NULL,
    created_by  text NOT NULL,
    created_on  bigint NOT NULL,
    updated_by  text NOT NULL,
    updated_on  bigint NOT NULL,
    version     bigint NOT NULL
);

CREATE INDEX chat_room_by_category ON chat_room (category);
CREATE INDEX chat_room_by_addin ON chat_room (addin) WHERE addin IS NOT NULL;

CREATE TABLE principal (
    key          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           uuid NOT NULL UNIQUE,
    kind         smallint NOT NULL,
    uri          text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
    display_name text NOT NULL,
    account      text NOT NULL,
    email        text NOT NULL,
    company      text NOT NULL,
    path         text NOT NULL,
    state        smallint NOT NULL,
    policy       text
);

-- What principals stand in directly.
--
-- This table and the other two of pairs have no foreign keys: checked row by row, they take more
-- than half of the time of a large batch. Instead whoever commits a batch, alone with the
-- directory, looks the keys up in the same transaction, and removes pairs with what they name.
CREATE TABLE principal_parent (
    child  integer NOT NULL,
    parent integer NOT NULL,
    PRIMARY KEY (child, parent)
);

CREATE INDEX principal_parent_by_parent ON principal_parent (parent);

-- The lists of rooms and categories.
CREATE TABLE access_entry (
    node      integer NOT NULL,
    principal integer NOT NULL,
    role      smallint NOT NULL,
    PRIMARY KEY (node, role, principal)
);

CREATE INDEX access_entry_by_principal ON access_entry (principal);

CREATE TABLE policy (
    scope       smallint NOT NULL,
    name        text NOT NULL,
    is_enabled  boolean NOT NULL,
    description text NOT NULL,
    PRIMARY KEY (scope, name)
);

CREATE TABLE configuration (
    scope                    smallint NOT NULL,
    name                     text NOT NULL,
    default_chat_history     integer NOT NULL,
    max_file_size_kb         bigint NOT NULL,
    participant_update_limit bigint NOT NULL,
    room_management_url      text NOT NULL,
    PRIMARY KEY (scope, name)
);

CREATE TABLE legacy_endpoint (
    uri          text PRIMARY KEY,
    display_name text NOT NULL
);

-- A user has some dozens of invitations: they are put in order when asked for.
CREATE TABLE invitation (
    principal  integer NOT NULL,
    room       integer NOT NULL,
    number     bigint NOT NULL,
    created_on bigint NOT NULL,
    PRIMARY KEY (principal, room)
);

CREATE INDEX invitation_by_room ON invitation (room);

-- Who did what, and the revision of the directory after it. Never changed, never removed.
CREATE TABLE admin_record (
    key         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          uuid NOT NULL UNIQUE,
    revision    bigint NOT NULL,
    at          bigint NOT NULL,
    actor       text NOT NULL,
    surface     text NOT NULL,
    act         text NOT NULL,
    target      text NOT NULL,
    detail      text NOT NULL,
    reason      text NOT NULL,
    request_key text UNIQUE,
    outcome     text NOT NULL
);

-- Rooms whose messages are gone up to a place, and rooms that are gone themselves: what is appended
-- again of them stays away.
CREATE TABLE erased (
    room       uuid PRIMARY KEY,
    term       bigint NOT NULL,
    number     bigint NOT NULL,
    is_removed boolean NOT NULL
);

-- Messages that were deleted or have another text since: what is appended again stays away.
CREATE TABLE amended (
    room   uuid NOT NULL,
    term   bigint NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (room, term, number)
);
