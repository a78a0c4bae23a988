//! How full the log may get, and is.

/// Share of the quota from which on the alarm is on, in percent.
const ALARM_PERCENT: u64 = 80;
/// Room on the disk that messages leave for the log's own records and for the file system, in
/// bytes.
const RESERVE_BYTES: u64 = 256 * 1024;

/// A bound on the bytes of all segments together.
///
/// The log's own records (marks, seals, trims) pass it, so that a full log can be trimmed; they are
/// 80 bytes each, one per segment, trim and idle moment. The last segment counts with what is
/// waiting for the next commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quota {
    quota_bytes: u64,
    /// By the disk's own account; above `quota_bytes` when it does not tell.
    disk_bytes: u64,
}

impl Quota {
    pub fn new(quota_bytes: u64) -> Quota {
        assert!(quota_bytes > 0, "a log holds something");
        Quota { quota_bytes, disk_bytes: u64::MAX }
    }

    /// Takes in what the disk says: a log that fills the disk before its quota refuses posts
    /// instead of failing in the middle of a write.
    pub fn observe(&mut self, used_bytes: u64, available_bytes: Option<u64>) {
        self.disk_bytes = available_bytes.map_or(u64::MAX, |available| {
            used_bytes.saturating_add(available).saturating_sub(RESERVE_BYTES)
        });
    }

    pub fn limit_bytes(&self) -> u64 {
        self.quota_bytes.min(self.disk_bytes)
    }

    /// Is there room for `more_bytes`?
    pub fn admits(&self, used_bytes: u64, more_bytes: u64) -> bool {
        used_bytes.saturating_add(more_bytes) <= self.limit_bytes()
    }

    pub fn is_alarm(&self, used_bytes: u64) -> bool {
        assert!(self.limit_bytes() <= self.quota_bytes, "a disk does not raise the quota");
        let limit = u128::from(self.limit_bytes()) * u128::from(ALARM_PERCENT);
        u128::from(used_bytes) * 100 >= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alarm_comes_before_the_end() {
        let quota = Quota::new(1000);
        assert!(!quota.is_alarm(799));
        assert!(quota.is_alarm(800));
        assert!(quota.admits(800, 200));
        assert!(!quota.admits(801, 200));
        assert!(!quota.admits(u64::MAX, 1));
    }

    #[test]
    fn a_disk_that_is_smaller_than_the_quota_counts() {
        let mut quota = Quota::new(u64::MAX);
        assert!(quota.admits(1 << 60, 1 << 60));
        assert!(!quota.is_alarm(1 << 60));
        quota.observe(1000, Some(RESERVE_BYTES + 50));
        assert!(quota.admits(1000, 50));
        assert!(!quota.admits(1000, 51));
        quota.observe(1000, Some(0));
        assert_eq!(quota.limit_bytes(), 0);
        quota.observe(1000, None);
        assert!(quota.admits(1000, 51));
    }
}
