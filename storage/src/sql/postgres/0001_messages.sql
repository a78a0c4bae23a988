-- Small facts about the data, by name.
CREATE TABLE meta (
    name  text PRIMARY KEY,
    value uuid NOT NULL
);

-- The messages of one room and ownership period.
CREATE TABLE span (
    room         uuid NOT NULL,
    term         bigint NOT NULL,
    first_number bigint NOT NULL,
    last_number  bigint NOT NULL,
    last_ts      bigint NOT NULL,
    PRIMARY KEY (room, term)
);

-- `ts` is in ticks of 100 ns since 1970; `words` as `words.rs` cuts them.
CREATE TABLE message (
    room        uuid NOT NULL,
    term        bigint NOT NULL,
    number      bigint NOT NULL,
    ts          bigint NOT NULL,
    author      text NOT NULL,
    author_name text NOT NULL,
    alert       boolean NOT NULL,
    chat        text NOT NULL,
    rtf         text,
    words       tsvector NOT NULL,
    PRIMARY KEY (room, term, number)
);

CREATE INDEX message_by_date ON message (room, ts, term, number);
CREATE INDEX message_words ON message USING gin (words);

-- How far each reader of the log has got.
CREATE TABLE log_cursor (
    name     text PRIMARY KEY,
    position bigint NOT NULL
);

INSERT INTO meta (name, value) VALUES ('db_version', gen_random_uuid());
