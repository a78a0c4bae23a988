//! One suite for both engines, and what only one of them can be asked.
//!
//! The PostgreSQL tests start a server of their own; where none is installed they say SKIPPED.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod directory;
mod erasing;
mod fixture;
mod history;
mod keeping;
mod only_postgres;
mod only_sqlite;
mod organisation;
#[path = "../postgres/mod.rs"]
mod postgres;
mod replica;
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
    keeping::of_what_is_no_history_only_the_place_is_kept,
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
    directory::every_change_comes_back,
    directory::a_loaded_directory_can_be_applied,
    directory::a_batch_for_another_revision_is_refused,
    directory::a_repeated_batch_is_known_by_its_record,
    directory::a_batch_that_does_not_fit_leaves_nothing,
    directory::names_and_uris_change_hands_in_one_batch,
    directory::what_no_engine_can_keep_is_refused_whole,
    directory::acts_are_recorded,
    directory::invitations_come_oldest_first,
    directory::who_is_made_later_in_a_batch_is_not_invited,
    directory::random_batches_agree_with_plain_maps,
    erasing::a_cleared_room_goes_on_where_it_was,
    erasing::more_is_cleared_than_fits_one_transaction,
    erasing::deleted_messages_stay_away,
    erasing::replaced_messages_keep_their_new_text,
    erasing::an_export_passes_over_what_is_gone,
    erasing::a_removed_room_takes_its_messages_along,
    erasing::rooms_have_a_size,
    replica::a_replica_follows_its_database,
    replica::a_replica_that_lacks_a_batch_is_not_made,
    schema::an_empty_database_is_migrated,
    schema::every_earlier_version_is_migrated,
    schema::a_newer_version_is_refused,
    schema::two_that_migrate_at_once_agree,
    schema::the_version_of_the_data_stays,
    schema::health_names_the_engine,
}
