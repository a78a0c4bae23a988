//! Every bound of the broker in one place, with its reason.
//!
//! The defaults are right for the product's full size (`product.md` §4); the simulator runs with
//! tiny ones so that every bound is met in every run.

/// Bounds of one shard. Times are milliseconds unless the name says otherwise.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Links at once (20,000 connected users per server, `product.md` §4.1, with head-room).
    pub links_max: usize,
    /// Dialogs at once on one link; a front end carries thousands, a direct client a handful.
    pub link_sessions_max: usize,
    /// Dialogs at once on the shard (30,000 users a surviving server may carry × 1.5 endpoints).
    pub sessions_max: usize,
    /// Bytes waiting to be written on one link before its sessions count as lagging.
    pub link_outbox_bytes_max: usize,
    /// A link whose outbox makes no progress for this long is closed.
    pub link_stall_ms: u64,
    /// The first whole message must come within this time after the link is up.
    pub link_first_message_ms: u64,
    /// Once begun, a message must be complete within this time.
    pub link_message_ms: u64,
    /// A link without dialog and without registration is closed after this time.
    pub link_idle_ms: u64,
    /// New dialogs admitted per second, and the burst on top of an idle bucket.
    pub dialogs_per_second: u32,
    /// Size of that bucket.
    pub dialogs_burst: u32,
    /// Requests per second outside of dialogs one link may send on average.
    pub link_requests_per_second: u32,
    /// Size of that bucket.
    pub link_requests_burst: u32,
    /// Requests per second one session may send on average (INFO and UPDATE).
    pub session_requests_per_second: u32,
    /// Size of that bucket.
    pub session_requests_burst: u32,
    /// Unanswered INFOs per session; at most `parlance_wire::sip::window::WINDOW_MAX`.
    pub window: u32,
    /// An INFO unanswered for this long ends the dialog (RFC 3261 timer F).
    pub info_timeout_ms: u64,
    /// The ACK of an INVITE's 200 must come within this time (RFC 3261 §13.3.1.4).
    pub ack_timeout_ms: u64,
    /// A session lagging for this long without a break is ended.
    pub lag_ms_max: u64,
    /// Replies that wait for the window of one session, together with its open questions; a request
    /// beyond is answered 503.
    pub backlog_max: usize,
    /// Bytes of those replies; a session beyond is ended.
    pub backlog_bytes_max: usize,
    /// Session-Expires we offer, seconds (`xccos.md` §1.6).
    pub session_expires_s: u32,
    /// Smallest Session-Expires we accept, seconds (RFC 4028 §5).
    pub min_se_s: u32,
    /// Time beyond Session-Expires before a silent dialog is ended.
    pub session_expires_grace_ms: u64,
    /// Rooms one session may be in at once.
    pub session_rooms_max: usize,
    /// Items a room keeps on each shard for lagging sessions to catch up from.
    pub feed_items_max: usize,
    /// Messages a room keeps for history (`product.md` §1.6: 1 to 500 may be asked for).
    pub recent_max: usize,
    /// Most that the directory's configuration may set as the number of messages that a history
    /// reply shows (`DefaultChatHistory`, `product.md` §1.6: 1 to 500).
    pub history_max: usize,
    /// An author who has no answer by then is told 504: the outcome is not known. Below the 32 s
    /// that SIP gives a request (RFC 3261 timer F).
    pub post_ms_max: u64,
    /// Posts of one room that wait for the log; one more is answered 503.
    pub uncommitted_max: usize,
    /// Deliveries made for one room before other rooms get their turn; a link that has something to
    /// write because of one counts as 16 more. If others had more than that meanwhile, the room
    /// gets as much, up to 16 times this. A room of half as many sessions is done at once.
    pub fanout_slice: usize,
    /// Most that the directory's configuration may set as the number of participants above which a
    /// room stops sending its roster (`ParticipantUpdateLimit`, 75).
    pub participants_max: usize,
    /// Most participants below which it starts again: 80 % of the limit (`product.md` §4.1).
    pub participants_resume: usize,
    /// Roster changes of a room are told at most once in this time; the first at once.
    pub roster_tick_ms: u64,
    /// Writes a second that a shard makes for roster notices alone, on average; as many at once.
    /// Beyond, a notice waits for company: whatever else the link gets takes it along, and the
    /// notices of a session that wait together become one INFO.
    pub notice_writes_per_second: u32,
    /// How long a notice waits at most for company.
    pub notice_hold_ms: u64,
    /// How long a user whose link broke stays in the roster (`xccos.md` §5.3).
    pub rejoin_grace_ms: u64,
    /// How long the rooms of an endpoint that lost its dialog are remembered.
    pub remember_ms: u64,
    /// Endpoints remembered; the oldest is forgotten first.
    pub remembered_max: usize,
    /// Longest message, bytes of UTF-8 (announced as `messageSizeLimit`).
    pub message_bytes_max: usize,
    /// Longest story, bytes of UTF-8 (announced as `storySizeLimit`).
    pub story_bytes_max: usize,
    /// Rows a search for rooms or in history shows (announced as `searchLimit`).
    pub search_max: usize,
    /// How long a reply of history waits for the database; live messages of the reader's room wait
    /// for the reply.
    pub older_ms: u64,
    /// Questions to the database open at once, a quarter of them for older history only; a command
    /// that needs one more is refused.
    pub queries_max: usize,
    /// Preferences one session may be reading and writing; one more is refused.
    pub session_preferences_max: usize,
    /// Searches in history one session may have open; one more is refused.
    pub session_searches_max: usize,
    /// Longest preference content, bytes.
    pub preference_bytes_max: usize,
    /// While draining: how long before the links are closed in any case.
    pub drain_ms: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            links_max: 20_000,
            link_sessions_max: 20_000,
            sessions_max: 45_000,
            link_outbox_bytes_max: 4 * 1024 * 1024,
            link_stall_ms: 30_000,
            link_first_message_ms: 10_000,
            link_message_ms: 30_000,
            link_idle_ms: 60_000,
            dialogs_per_second: 2_000,
            dialogs_burst: 4_000,
            link_requests_per_second: 2_000,
            link_requests_burst: 8_000,
            session_requests_per_second: 50,
            session_requests_burst: 1_000,
            window: 64,
            info_timeout_ms: 32_000,
            ack_timeout_ms: 32_000,
            lag_ms_max: 60_000,
            backlog_max: 512,
            backlog_bytes_max: 4 * 1024 * 1024,
            session_expires_s: 1_800,
            min_se_s: 90,
            session_expires_grace_ms: 32_000,
            session_rooms_max: 500,
            feed_items_max: 1_024,
            recent_max: 500,
            history_max: 500,
            post_ms_max: 30_000,
            uncommitted_max: 4_096,
            fanout_slice: 512,
            participants_max: 1_000,
            participants_resume: 800,
            roster_tick_ms: 250,
            notice_writes_per_second: 4_000,
            notice_hold_ms: 1_000,
            rejoin_grace_ms: 2_000,
            remember_ms: 3_600_000,
            remembered_max: 100_000,
            message_bytes_max: 8_000,
            story_bytes_max: 64_000,
            search_max: 999,
            older_ms: 2_000,
            queries_max: 1_024,
            session_preferences_max: 16,
            session_searches_max: 4,
            preference_bytes_max: 16 * 1024,
            drain_ms: 5_000,
        }
    }
}
