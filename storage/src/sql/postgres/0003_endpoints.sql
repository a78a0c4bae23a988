-- Rooms that endpoints are in, for those that find out by a 481 that the server was started anew.
-- `rooms`: GUIDs with blanks between.
CREATE TABLE endpoint (
    owner   text NOT NULL,
    epid    text NOT NULL,
    rooms   text NOT NULL,
    is_told boolean NOT NULL,
    PRIMARY KEY (owner, epid)
);
