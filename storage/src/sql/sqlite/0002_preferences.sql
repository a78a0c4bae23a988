-- Numbered texts that clients keep here.
CREATE TABLE preference (
    owner   TEXT NOT NULL,
    label   TEXT NOT NULL,
    seqid   INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (owner, label)
) STRICT, WITHOUT ROWID;
