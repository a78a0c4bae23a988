//! One suite for both engines, and what only one of them can be asked.
//!
//! The PostgreSQL tests start a server of their own; where none is installed they say SKIPPED.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod fixture;
mod history;
mod keeping;
mod only_postgres;
mod only_sqlite;
#[path = "../postgres/mod.rs"]
mod postgres;
mod schema;
mod search;

/// Runs each test of the suite on both engines.
macro_rules! on_both {
    ($($module:ident :: $test:ident,)*) => {
        mod sqlite {
            $(#[test]
            fn $test() {
                crate::$module::$test(&crate::fixture::Sqlite::new());
            })*
        }

        mod postgresql {
            $(#[test]
            fn $test() {
                if let Some(fixture) = crate::fixture::Postgres::new() {
                    crate::$module::$test(&fixture);
                }
            })*
        }
    };
}

on_both! {
    keeping::appending_again_changes_nothing,
    keeping::an_unknown_outcome_is_answered_by_doing_it_again,
    keeping::another_message_at_the_same_place_is_refused,
    keeping::the_cursor_moves_with_the_messages_and_never_back,
    keeping::what_engines_cannot_keep_is_refused,
    keeping::hostile_texts_come_back_unchanged,
    keeping::preferences_collide,
    keeping::endpoints_are_kept_and_forgotten,
    keeping::a_reader_sees_whole_batches_while_another_writes,
    history::the_last_of_a_room,
    history::recent_messages_of_many_rooms,
    history::rooms_end_where_they_ended,
    history::an_export_is_imported_elsewhere,
    history::an_export_goes_on_where_it_stopped,
    search::by_date,
    search::words_of_many_scripts,
    search::words_authors_and_case,
    search::hostile_searches_find_what_they_say,
    search::pages_have_neither_gap_nor_duplicate,
    search::a_number_to_start_from_overrides_the_dates,
    search::bounds_hold,
    search::random_searches_agree_with_a_plain_filter,
    schema::an_empty_database_is_migrated,
    schema::every_earlier_version_is_migrated,
    schema::a_newer_version_is_refused,
    schema::two_that_migrate_at_once_agree,
    schema::the_version_of_the_data_stays,
    schema::health_names_the_engine,
}
