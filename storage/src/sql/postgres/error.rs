//! What PostgreSQL's error codes mean to us.

use crate::sql::Error;
use std::error::Error as _;
use tokio_postgres::error::SqlState;

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Error {
        // The library's own text names the stage only; the causes say what happened.
        let mut cause = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            cause = format!("{cause}: {inner}");
            source = inner.source();
        }
        match error.code() {
            Some(code) => classify(code, cause),
            // No answer of the server: closed, refused, cut. A value of the wrong type would be a
            // fault of this program, and does not heal by itself.
            None if is_our_fault(&error) => Error::Permanent(cause),
            None => Error::Unavailable(cause),
        }
    }
}

fn is_our_fault(error: &tokio_postgres::Error) -> bool {
    let text = error.to_string();
    ["error serializing", "error deserializing", "unexpected number", "invalid configuration"]
        .iter()
        .any(|start| text.starts_with(start))
}

fn classify(code: &SqlState, cause: String) -> Error {
    // A server that is read only has become a standby: the connection is to be made anew.
    let is_passing = [
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::OBJECT_IN_USE,
    ];
    if *code == SqlState::QUERY_CANCELED {
        return Error::TimedOut;
    }
    if matches!(*code, SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED) {
        return Error::Corrupt(cause);
    }
    match &code.code()[..2] {
        // Connection, resources, shutting down or starting up, the system under it; deadlock or
        // serialization, after which the transaction may be done again.
        "08" | "53" | "57" | "58" | "40" => Error::Unavailable(cause),
        _ if is_passing.contains(code) => Error::Unavailable(cause),
        _ => Error::Permanent(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_whether_to_try_again() {
        let check = |code: &str, expected: Error| {
            let error = classify(&SqlState::from_code(code), String::new());
            assert_eq!(error, expected, "{code}");
        };
        let away = || Error::Unavailable(String::new());
        let refused = || Error::Permanent(String::new());
        // Shutting down, starting up, too many clients, disk full, I/O error, deadlock.
        for code in ["57P01", "57P03", "53300", "53100", "58030", "40P01", "08006"] {
            check(code, away());
        }
        // A standby; a lock that somebody else holds.
        check("25006", away());
        check("55P03", away());
        // Password, database, right, table; a value that is no value.
        for code in ["28P01", "3D000", "42501", "42P01", "22P02", "23505"] {
            check(code, refused());
        }
        check("57014", Error::TimedOut);
        check("XX001", Error::Corrupt(String::new()));
    }
}
