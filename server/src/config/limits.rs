//! `[limits]`: overrides of the core's bounds, each within what makes sense.
//!
//! All of them are per shard, as in the core. What is not here is either a law of the program or
//! has no reader yet who could say what to set it to.

use super::error::{ConfigError, Faults};
use super::file;
use parlance_core::Limits;
use parlance_core::directory::model::{Configuration, Scope};
use parlance_storage::sql::LAST_ROWS_MAX;
use std::ops::RangeInclusive;
use toml::Spanned;

/// Applies what the file says to the defaults: those of the bounds, and those of the directory's
/// configuration, which hold until an administrator sets it.
///
/// # Errors
/// The first value outside its range.
pub fn resolve(
    faults: Faults<'_>,
    file: &file::Limits,
) -> Result<(Limits, Configuration), ConfigError> {
    let mut limits = Limits::default();
    let mut defaults = Configuration::new(Scope::Global);
    let l = &mut limits;
    let window_max = parlance_wire::sip::window::WINDOW_MAX as u64;
    // A day in milliseconds: longer timers are typing errors.
    const DAY_MS: u64 = 86_400_000;
    let set = Setter { faults };
    set.usize("links_max", &file.links_max, 1..=1_000_000, &mut l.links_max)?;
    set.usize("sessions_max", &file.sessions_max, 1..=1_000_000, &mut l.sessions_max)?;
    let outbox = 64 * 1024..=1024 * 1024 * 1024;
    set.usize(
        "link_outbox_bytes_max",
        &file.link_outbox_bytes_max,
        outbox,
        &mut l.link_outbox_bytes_max,
    )?;
    set.u64("link_stall_ms", &file.link_stall_ms, 100..=DAY_MS, &mut l.link_stall_ms)?;
    set.u64("link_idle_ms", &file.link_idle_ms, 100..=DAY_MS, &mut l.link_idle_ms)?;
    let rate = 1..=1_000_000;
    set.u32(
        "dialogs_per_second",
        &file.dialogs_per_second,
        rate.clone(),
        &mut l.dialogs_per_second,
    )?;
    set.u32("dialogs_burst", &file.dialogs_burst, rate.clone(), &mut l.dialogs_burst)?;
    set.u32(
        "session_requests_per_second",
        &file.session_requests_per_second,
        rate.clone(),
        &mut l.session_requests_per_second,
    )?;
    set.u32(
        "session_requests_burst",
        &file.session_requests_burst,
        rate,
        &mut l.session_requests_burst,
    )?;
    set.u32("window", &file.window, 1..=window_max, &mut l.window)?;
    set.u64("info_timeout_ms", &file.info_timeout_ms, 100..=DAY_MS, &mut l.info_timeout_ms)?;
    set.u64("lag_ms_max", &file.lag_ms_max, 100..=DAY_MS, &mut l.lag_ms_max)?;
    // RFC 4028 §5: no session expires sooner than Min-SE.
    let expires = u64::from(l.min_se_s)..=86_400;
    set.u32("session_expires_s", &file.session_expires_s, expires, &mut l.session_expires_s)?;
    set.usize("session_rooms_max", &file.session_rooms_max, 1..=10_000, &mut l.session_rooms_max)?;
    set.usize("feed_items_max", &file.feed_items_max, 1..=1_000_000, &mut l.feed_items_max)?;
    set.usize("recent_max", &file.recent_max, 1..=100_000, &mut l.recent_max)?;
    // So many the database gives at once.
    let history_most = (l.recent_max as u64).min(LAST_ROWS_MAX as u64);
    l.history_max = l.history_max.min(l.recent_max).min(history_most as usize);
    let mut depth = usize::from(defaults.default_chat_history).min(l.history_max);
    set.usize("history_max", &file.history_max, 1..=history_most.min(500), &mut depth)?;
    defaults.default_chat_history = depth as u16;
    set.usize("uncommitted_max", &file.uncommitted_max, 1..=1_000_000, &mut l.uncommitted_max)?;
    let participants = &mut defaults.participant_update_limit;
    let most = 1..=l.participants_max as u64;
    set.u32("participants_max", &file.participants_max, most, participants)?;
    set.u64("roster_tick_ms", &file.roster_tick_ms, 1..=60_000, &mut l.roster_tick_ms)?;
    set.u32(
        "notice_writes_per_second",
        &file.notice_writes_per_second,
        1..=1_000_000,
        &mut l.notice_writes_per_second,
    )?;
    set.u64("notice_hold_ms", &file.notice_hold_ms, 0..=60_000, &mut l.notice_hold_ms)?;
    set.u64("rejoin_grace_ms", &file.rejoin_grace_ms, 0..=600_000, &mut l.rejoin_grace_ms)?;
    set.usize("message_bytes_max", &file.message_bytes_max, 1..=64_000, &mut l.message_bytes_max)?;
    set.u64("drain_ms", &file.drain_ms, 0..=600_000, &mut l.drain_ms)?;
    Ok((limits, defaults))
}

/// Writes a value over a default if it is given and within its range.
struct Setter<'a> {
    faults: Faults<'a>,
}

impl Setter<'_> {
    fn u64(
        &self,
        key: &str,
        value: &Option<Spanned<u64>>,
        range: RangeInclusive<u64>,
        slot: &mut u64,
    ) -> Result<(), ConfigError> {
        let Some(value) = value else { return Ok(()) };
        if !range.contains(value.get_ref()) {
            let (given, low, high) = (value.get_ref(), range.start(), range.end());
            let message = format!("{given} is outside {low} to {high}; choose a value within");
            return Err(self.faults.at(Some(value.span()), &format!("limits.{key}"), message));
        }
        *slot = *value.get_ref();
        Ok(())
    }

    fn u32(
        &self,
        key: &str,
        value: &Option<Spanned<u64>>,
        range: RangeInclusive<u64>,
        slot: &mut u32,
    ) -> Result<(), ConfigError> {
        let mut wide = u64::from(*slot);
        self.u64(key, value, range, &mut wide)?;
        *slot = u32::try_from(wide).expect("ranges of 32-bit limits end below 2^32");
        Ok(())
    }

    fn usize(
        &self,
        key: &str,
        value: &Option<Spanned<u64>>,
        range: RangeInclusive<u64>,
        slot: &mut usize,
    ) -> Result<(), ConfigError> {
        let mut wide = *slot as u64;
        self.u64(key, value, range, &mut wide)?;
        *slot = usize::try_from(wide).expect("ranges end below 2^32");
        Ok(())
    }
}
