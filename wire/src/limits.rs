//! What a peer may send: laws of the program, not settings.
//!
//! Sources: `reliability.md` §4 (attack list) for the SIP and XML bounds, `xccos.md` §1.8 and §4.5
//! for the documents. A message beyond a bound is refused by name, never cut short.

/// Longest SIP message, start line to end of body, in bytes.
pub const SIP_MESSAGE_BYTES_MAX: usize = 256 * 1024 + SIP_HEAD_BYTES_MAX;
/// Longest head (start line, header lines, the blank line), in bytes.
pub const SIP_HEAD_BYTES_MAX: usize = 32 * 1024;
/// Longest single line of a head, in bytes without its CRLF.
pub const SIP_LINE_BYTES_MAX: usize = 8 * 1024;
/// Most header lines in one message.
pub const SIP_HEADERS_MAX: usize = 64;
/// Most CRLFs that may lie unread between two messages before the link is called a flood.
pub const SIP_KEEPALIVES_MAX: usize = 16;

/// Longest XCCOS document from a client, in bytes (`xccos.md` §1.8: request body 256 KiB).
pub const XCCOS_REQUEST_BYTES_MAX: usize = 256 * 1024;
/// Longest XCCOS document the server writes, in bytes (`xccos.md` §1.8: reply body 1 MiB).
pub const XCCOS_REPLY_BYTES_MAX: usize = 1024 * 1024;
/// Deepest nesting of elements.
pub const XML_DEPTH_MAX: usize = 16;
/// Most attributes on one element.
pub const XML_ATTRIBUTES_MAX: usize = 32;
/// Longest element or attribute name, in bytes.
pub const XML_NAME_BYTES_MAX: usize = 128;
/// Longest attribute value, in bytes before entities are resolved.
pub const XML_VALUE_BYTES_MAX: usize = 8 * 1024;
/// Most elements in one document.
pub const XML_ELEMENTS_MAX: usize = 8 * 1024;
/// Most elements in one document of a server: what fits into `XCCOS_REPLY_BYTES_MAX`, since a join
/// of hundreds of rooms names thousands of participants.
pub const XML_REPLY_ELEMENTS_MAX: usize = 32 * 1024;

/// Most commands in one document.
pub const XCCOS_COMMANDS_MAX: usize = 16;
/// Most rooms in one `cmd:bjoin` (`xccos.md` §1.8).
pub const XCCOS_BJOIN_ROOMS_MAX: usize = 500;
/// Longest `envid`, in digits (`xccos.md` §2.1).
pub const XCCOS_ENVID_DIGITS_MAX: usize = 20;
/// Longest room or category name, description or URI, in bytes (`xccos.md` §4.5).
pub const XCCOS_NAME_BYTES_MAX: usize = 256;
/// Longest label of a preference, in bytes (`xccos.md` §4.5).
pub const XCCOS_PREFERENCE_LABEL_BYTES_MAX: usize = 255;
/// Most principals in one `cmd:chancreate` or `cmd:chanmodify`, all its lists together: as many as
/// fit into `XCCOS_REQUEST_BYTES_MAX` if their URIs are of the usual length, several times over.
pub const XCCOS_PRINCIPALS_MAX: usize = 1000;
/// Most authors in one `cmd:bcbydate`.
pub const XCCOS_SEARCH_AUTHORS_MAX: usize = 64;
/// Longest text of a `cmd:bcbydate`, in bytes.
pub const XCCOS_SEARCH_TEXT_BYTES_MAX: usize = 1024;
