-- Numbered texts that clients keep here.
CREATE TABLE preference (
    owner   text NOT NULL,
    label   text NOT NULL,
    seqid   bigint NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (owner, label)
);
