//! A server that carries requests out, by HTTP.

use super::Carrier;
use super::call::Call;
use super::output::Answer;
use crate::tools::Fault;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, http};

/// How long a connection may take.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long an answer may take: clearing a large room takes its time.
const ANSWER_WAIT: Duration = Duration::from_secs(300);
/// Longest answer, bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A server and a token for it.
pub struct Remote {
    agent: Agent,
    server: String,
    token: String,
}

impl Remote {
    /// A server by its URL; the token is in a file.
    ///
    /// # Errors
    /// Cause, effect, next step.
    pub fn new(server: &str, token: &Path, ca: Option<&Path>) -> Result<Remote, Fault> {
        let server = server.trim_end_matches('/').to_owned();
        let is_secure = server.starts_with("https://");
        if !is_secure && !server.starts_with("http://") {
            return Err(Fault::Told(format!(
                "{server:?} is no URL, so nobody was asked; write it like https://chat.example.com"
            )));
        }
        let said = std::fs::read_to_string(token).map_err(|e| {
            format!(
                "the token in {} cannot be read ({e}), so nobody was asked; run this as a user \
                 who may, or make a token with `parlance admin token new`",
                token.display()
            )
        })?;
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(CONNECT_WAIT))
            .timeout_global(Some(ANSWER_WAIT));
        if is_secure {
            config = config.tls_config(tls(ca)?);
        }
        let token = said.trim().to_owned();
        Ok(Remote { agent: config.build().into(), server, token })
    }

    fn ask(
        &self,
        call: &Call,
        content: Option<(&'static str, String)>,
    ) -> Result<Answer, Box<dyn std::error::Error>> {
        let uri = format!("{}{}", self.server, call.target());
        let mut request = http::Request::builder().method(call.method.name()).uri(uri);
        request = request.header("authorization", format!("Bearer {}", self.token));
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let response = match content {
            Some((kind, text)) => {
                self.agent.run(request.header("content-type", kind).body(text)?)?
            }
            None => self.agent.run(request.body(())?)?,
        };
        let status = response.status().as_u16();
        let mut body = response.into_body();
        let text = body.with_config().limit(ANSWER_BYTES_MAX).read_to_string()?;
        // What is no JSON comes from something else, such as a proxy; it is shown as it is.
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, body })
    }
}

impl Carrier for Remote {
    fn carry_out(&mut self, call: &Call) -> Result<Answer, Fault> {
        let content = call.content()?;
        self.ask(call, content).map_err(|error| {
            let server = &self.server;
            let effect = match call.is_act() {
                true => {
                    "it is not known whether the act was carried out; ask again with the \
                         same --request-key, or look with `parlance admin audit`"
                }
                false => "nothing was learned; see whether the server runs and can be reached",
            };
            Fault::Told(format!("{server} does not answer ({error}): {effect}"))
        })
    }
}

fn tls(ca: Option<&Path>) -> Result<TlsConfig, Fault> {
    let trusted = match ca {
        Some(file) => {
            let pem = std::fs::read(file).map_err(|e| {
                format!("{} cannot be read ({e}), so nobody was asked", file.display())
            })?;
            let items = parse_pem(&pem).filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            });
            items.collect::<Vec<_>>()
        }
        None => {
            let of_machine = rustls_native_certs::load_native_certs().certs;
            let owned = of_machine.iter().map(|der| Certificate::from_der(der).to_owned());
            owned.collect()
        }
    };
    if trusted.is_empty() {
        return Err(Fault::Told(
            "no certificate of an authority was found, so no server could be trusted; name a \
             file of them with --ca"
                .into(),
        ));
    }
    let provider = rustls::crypto::ring::default_provider();
    let config = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&trusted));
    Ok(config.unversioned_rustls_crypto_provider(provider.into()).build())
}
