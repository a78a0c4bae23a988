-- Rooms that endpoints are in, for those that find out by a 481 that the server was started anew.
-- `rooms`: GUIDs with blanks between.
CREATE TABLE endpoint (
    owner   TEXT NOT NULL,
    epid    TEXT NOT NULL,
    rooms   TEXT NOT NULL,
    is_told INTEGER NOT NULL,
    PRIMARY KEY (owner, epid)
) STRICT, WITHOUT ROWID;
