//! SIP URIs and the service's own URI forms, as spans.

/// `scheme:user@host:port;params`. `sip`, `sips` and `tel`-like schemes; others keep `rest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    /// As written, e.g. `sip`.
    pub scheme: &'a str,
    /// Part before `@`, without password.
    pub user: Option<&'a str>,
    /// Host name, IPv4 address or bracketed IPv6 address.
    pub host: &'a str,
    /// Port, when given.
    pub port: Option<u16>,
    /// Everything behind the first `;`, without it; may be empty.
    pub params: &'a str,
}

impl<'a> Uri<'a> {
    /// Reads a `sip:` or `sips:` URI; `None` for anything else or for controls, blanks, quotes, `<`
    /// and `>`. Headers (`?…`) are cut off.
    pub fn parse(text: &'a str) -> Option<Uri<'a>> {
        let _ = text;
        todo!()
    }

    /// Value of a parameter, ignoring case of its name; `Some("")` for one without value.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        let _ = name;
        todo!()
    }

    /// The identity spelling: `sip:user@host`, lower case, no port, no parameters. `None` without a
    /// user part. All comparisons of who somebody is use this form.
    pub fn identity(&self) -> Option<String> {
        todo!()
    }
}
