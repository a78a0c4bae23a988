//! Who a client is and how it signs in.

/// Transport as the Via header names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Transport {
    Tcp,
    Tls,
}

impl Transport {
    /// As it stands in Via.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
        }
    }
}

/// Which steps come before the long dialog. Each step waits for the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignIn {
    /// REGISTER first, as a client without a front end does.
    pub register: bool,
    /// Ask for the provisioning document (`sipe-client.md` §2.3).
    pub provision: bool,
    /// Open a short dialog and ask `requri` where to go (`xccos.md` §1.2).
    pub look_up: bool,
}

impl SignIn {
    /// Straight to the long dialog, as official clients of 2013 go.
    pub const DIRECT: SignIn = SignIn { register: false, provision: false, look_up: false };
    /// Everything SIPE does.
    pub const FULL: SignIn = SignIn { register: true, provision: true, look_up: true };
}

/// One endpoint's constants. All texts must be free of CR and LF.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Number of the client, unique in the run: it stands in Call-IDs and in posts.
    pub number: u32,
    /// User part of the sign-in name.
    pub user: String,
    /// SIP domain of the user.
    pub domain: String,
    /// Endpoint identifier, 12 hex digits; the server knows a returning endpoint by it.
    pub epid: String,
    /// Where the long dialog (or the look-up dialog) goes, e.g. `sip:ocschat@example.test`.
    pub service_uri: String,
    /// Transport named in Via.
    pub transport: Transport,
    /// `host:port` of our side, for Via and SDP.
    pub sent_by: String,
    /// Tags and Call-IDs follow from it and from the number.
    pub seed: u64,
    /// Steps before the long dialog.
    pub sign_in: SignIn,
}

impl ClientConfig {
    /// A client named `u<number>` of `domain` that goes straight to `ocschat` over TCP.
    pub fn numbered(number: u32, domain: &str, sent_by: &str, seed: u64) -> ClientConfig {
        ClientConfig {
            number,
            user: format!("u{number}"),
            domain: domain.to_owned(),
            epid: format!("{number:012x}"),
            service_uri: format!("sip:ocschat@{domain}"),
            transport: Transport::Tcp,
            sent_by: sent_by.to_owned(),
            seed,
            sign_in: SignIn::DIRECT,
        }
    }

    /// The user's URI, which is its identity.
    pub fn user_uri(&self) -> String {
        format!("sip:{}@{}", self.user, self.domain)
    }
}
