//! Documents as clients and the server write them, against the values they stand for.

mod client;
mod errors;
mod manage;
mod server;

use super::*;

const TIDE: &str = "ma-chan://harbour.example/5b0c7a52-3d1e-4f7c-9a44-0e6f2b91c8d7";

fn room(value: &str) -> RoomRef {
    RoomRef { domain: "harbour.example".into(), value: value.into() }
}

fn tide() -> RoomRef {
    room("5b0c7a52-3d1e-4f7c-9a44-0e6f2b91c8d7")
}

fn time() -> Timestamp {
    Timestamp::parse("2025-05-06T07:08:09.0123456Z").unwrap()
}
