//! Writing messages. One buffer, one pass; the caller supplies texts free of CR and LF.

use super::Message;

/// A response under construction. Copies Via, From, To, Call-ID and CSeq from the request.
#[derive(Debug)]
pub struct Response<'o> {
    out: &'o mut Vec<u8>,
}

/// The headers of a request that its response must repeat, kept while the response is held open
/// (a post waits for the log). `to_tag` is already part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo(Box<[u8]>);

impl Echo {
    /// Takes Via, From, To (with `to_tag` added when the request has none), Call-ID, CSeq.
    pub fn of(request: &Message<'_>, to_tag: Option<&str>) -> Echo {
        let _ = (request, to_tag);
        todo!()
    }

    /// Starts the held response.
    pub fn respond<'o>(&self, out: &'o mut Vec<u8>, status: u16) -> Response<'o> {
        let _ = (out, status);
        todo!()
    }

    /// Bytes kept.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never true; exists for symmetry with `len`.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'o> Response<'o> {
    /// Starts a response; `to_tag` is added to To when the request's To has none. The reason phrase
    /// is [`reason`]'s.
    pub fn to(
        request: &Message<'_>,
        out: &'o mut Vec<u8>,
        status: u16,
        to_tag: Option<&str>,
    ) -> Response<'o> {
        let _ = (request, out, status, to_tag);
        todo!()
    }

    /// Adds a header line.
    pub fn header(self, name: &str, value: impl std::fmt::Display) -> Self {
        let _ = (name, value);
        todo!()
    }

    /// Repeats the request's Record-Route lines (RFC 3261 §12.1.1).
    pub fn record_routes(self, request: &Message<'_>) -> Self {
        let _ = request;
        todo!()
    }

    /// Ends the message with a body.
    pub fn body(self, content_type: &str, body: &[u8]) {
        let _ = (content_type, body, self.out);
        todo!()
    }

    /// Ends the message without one.
    pub fn empty(self) {
        todo!()
    }
}

/// A request under construction, for clients (load generator, simulator, tests).
#[derive(Debug)]
pub struct Request<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> Request<'o> {
    /// Writes the request line.
    pub fn new(out: &'o mut Vec<u8>, method: &str, uri: &str) -> Request<'o> {
        let _ = (method, uri);
        Request { out }
    }

    /// Adds a header line.
    pub fn header(self, name: &str, value: impl std::fmt::Display) -> Self {
        let _ = (name, value);
        todo!()
    }

    /// Ends the message with a body.
    pub fn body(self, content_type: &str, body: &[u8]) {
        let _ = (content_type, body, self.out);
        todo!()
    }

    /// Ends the message without one.
    pub fn empty(self) {
        todo!()
    }
}

/// Standard reason phrase of a status code (RFC 3261 §21 and extensions); `"Unknown"` otherwise.
pub fn reason(status: u16) -> &'static str {
    let _ = status;
    todo!()
}
