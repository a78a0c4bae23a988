-- Small facts about the data, by name.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Rooms that have messages; `key` stands for the 16 bytes of `id` in the tables below.
CREATE TABLE room (
    key INTEGER PRIMARY KEY,
    id  BLOB NOT NULL UNIQUE CHECK (length(id) = 16)
) STRICT;

-- The messages of one room and ownership period.
CREATE TABLE span (
    key          INTEGER PRIMARY KEY CHECK (key < 1 << 31),
    room         INTEGER NOT NULL REFERENCES room (key),
    term         INTEGER NOT NULL,
    first_number INTEGER NOT NULL,
    last_number  INTEGER NOT NULL,
    last_ts      INTEGER NOT NULL,
    UNIQUE (room, term)
) STRICT;

-- `id` is the span's key and the message's number in 32 bits: so messages lie in the order of
-- their room, and the last n of a room are neighbours. `ts` is in ticks of 100 ns since 1970.
CREATE TABLE message (
    id          INTEGER PRIMARY KEY,
    room        INTEGER NOT NULL REFERENCES room (key),
    ts          INTEGER NOT NULL,
    author      TEXT NOT NULL,
    author_name TEXT NOT NULL,
    alert       INTEGER NOT NULL,
    chat        TEXT NOT NULL,
    rtf         TEXT
) STRICT;

CREATE INDEX message_by_date ON message (room, ts);

-- Words as `words.rs` cuts them; the text itself is in `message`.
CREATE VIRTUAL TABLE message_words USING fts5 (
    words, content = '', contentless_delete = 1, tokenize = 'ascii'
);

-- How far each reader of the log has got.
CREATE TABLE log_cursor (
    name     TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES ('db_version', randomblob(16));
