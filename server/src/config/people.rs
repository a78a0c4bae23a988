//! `[people]`: who may chat who is in no list of people, and where people come from.

use super::error::{ConfigError, Faults};
use super::file::At;
use parlance_people::ldap::dn::Dn;
use parlance_people::ldap::{Credentials, PAGE_SIZES, Preset, Schema, Security, Settings};
use serde::Deserialize;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;
use toml::Spanned;

/// `[people]`, as the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    unknown: At<String>,
    ldap: Option<Spanned<Ldap>>,
}

/// `[people.ldap]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Ldap {
    url: At<String>,
    start_tls: At<bool>,
    ca_file: At<String>,
    bind_dn: At<String>,
    password_file: At<String>,
    base: At<String>,
    schema: At<String>,
    page_size: At<u64>,
    timeout_s: At<u64>,
    interval_s: At<u64>,
    sweep_every: At<u64>,
    full_every: At<u64>,
    departures_percent_max: At<u64>,
    user_filter: At<String>,
    group_filter: At<String>,
    folder_filter: At<String>,
    attributes: Attributes,
}

/// `[people.ldap.attributes]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Attributes {
    sip: Option<Vec<Spanned<String>>>,
    sip_template: At<String>,
    id: At<String>,
    display_name: Option<Vec<Spanned<String>>>,
    account: Option<Vec<Spanned<String>>>,
    email: At<String>,
    company: Option<Vec<Spanned<String>>>,
    member: Option<Vec<Spanned<String>>>,
}

/// `[people]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    /// Users of the domain who are in no list of people are let in, as members of the domain.
    pub admits_unknown: bool,
    /// Where people are read from.
    pub ldap: Option<Settings>,
}

/// Checks `[people]`.
///
/// # Errors
/// The first fault found.
pub fn resolve(faults: Faults<'_>, file: &File, domain: &str) -> Result<People, ConfigError> {
    let admits_unknown = match file.unknown.as_ref().map(|unknown| unknown.get_ref().as_str()) {
        None | Some("admit") => true,
        Some("refuse") => false,
        Some(other) => {
            let message = format!(
                "{other:?} is unknown; write \"admit\" (users of the domain who are in no list of \
                 people may chat) or \"refuse\" (only those who are known)"
            );
            return Err(faults.at(
                file.unknown.as_ref().map(Spanned::span),
                "people.unknown",
                message,
            ));
        }
    };
    let ldap = file.ldap.as_ref().map(|ldap| Reader { faults, ldap }.settings(domain));
    Ok(People { admits_unknown, ldap: ldap.transpose()? })
}

const DAY_S: u64 = 86_400;

struct Reader<'a> {
    faults: Faults<'a>,
    ldap: &'a Spanned<Ldap>,
}

impl Reader<'_> {
    fn settings(&self, domain: &str) -> Result<Settings, ConfigError> {
        let ldap = self.ldap.get_ref();
        let (url, security) = self.url()?;
        let (base, base_dn) = self.base()?;
        let number = |key, value, range, default| self.number(key, value, range, default);
        let page_sizes = u64::from(*PAGE_SIZES.start())..=u64::from(*PAGE_SIZES.end());
        let seconds = |value| Duration::from_secs(value);
        Ok(Settings {
            credentials: self.credentials()?,
            ca_file: given(&ldap.ca_file).map(|file| self.ca_file(file, &security)).transpose()?,
            url,
            security,
            base,
            base_dn,
            schema: self.schema(domain)?,
            page_size: number("page_size", &ldap.page_size, page_sizes, 500)? as u16,
            timeout: seconds(number("timeout_s", &ldap.timeout_s, 1..=600, 30)?),
            interval: seconds(number("interval_s", &ldap.interval_s, 10..=DAY_S, 300)?),
            sweep_every: number("sweep_every", &ldap.sweep_every, 1..=1_000, 12)? as u32,
            full_every: number("full_every", &ldap.full_every, 1..=10_000, 288)? as u32,
            departures_percent_max: number(
                "departures_percent_max",
                &ldap.departures_percent_max,
                0..=100,
                25,
            )? as u8,
        })
    }

    /// A fault of a key, or of the section where the key is missing.
    fn fault(&self, key: &str, at: Option<std::ops::Range<usize>>, message: String) -> ConfigError {
        let at = at.unwrap_or_else(|| self.ldap.span());
        self.faults.at(Some(at), &format!("people.ldap.{key}"), message)
    }

    fn url(&self) -> Result<(String, Security), ConfigError> {
        let ldap = self.ldap.get_ref();
        let Some(url) = given(&ldap.url) else {
            let message = "is missing, so nobody would be read; write it like \
                           \"ldaps://ldap.example.com\"";
            return Err(self.fault("url", None, message.into()));
        };
        let refuse = |message: String| Err(self.fault("url", Some(url.span()), message));
        let starts_tls = ldap.start_tls.as_ref().is_some_and(|start| *start.get_ref());
        let text = url.get_ref().trim();
        let scheme = text.split_once("://");
        let security = match scheme.map(|(scheme, rest)| (scheme, host(rest))) {
            Some(("ldaps", Some(_))) if !starts_tls => Security::Tls,
            Some(("ldap", Some(_))) if starts_tls => Security::StartTls,
            Some(("ldap", Some(host))) if is_loopback(host) => Security::Plain,
            Some(("ldapi", _)) if !starts_tls => Security::Plain,
            Some(("ldaps" | "ldapi", _)) if starts_tls => {
                return refuse("is protected already; leave start_tls away".into());
            }
            Some(("ldap", Some(_))) => {
                return refuse(format!(
                    "{text:?} is not protected, so the password and who may chat could be read \
                     and changed on the way; write ldaps://, or start_tls = true"
                ));
            }
            _ => {
                return refuse(format!(
                    "{text:?} is no URL of an LDAP server; write it like \
                     \"ldaps://ldap.example.com\" or \"ldap://127.0.0.1:389\""
                ));
            }
        };
        Ok((text.to_owned(), security))
    }

    fn base(&self) -> Result<(String, Dn), ConfigError> {
        let Some(base) = given(&self.ldap.get_ref().base) else {
            let message = "is missing, so nobody would be read; write what everybody stands in, \
                           such as \"dc=example,dc=com\"";
            return Err(self.fault("base", None, message.into()));
        };
        let text = base.get_ref().trim();
        let dn = Dn::parse(text).ok_or_else(|| {
            let message =
                format!("{text:?} is no distinguished name; write it like \"dc=example,dc=com\"");
            self.fault("base", Some(base.span()), message)
        })?;
        Ok((text.to_owned(), dn))
    }

    fn credentials(&self) -> Result<Option<Credentials>, ConfigError> {
        let ldap = self.ldap.get_ref();
        match (given(&ldap.bind_dn), given(&ldap.password_file)) {
            (None, None) => Ok(None),
            (Some(bind_dn), Some(file)) => Ok(Some(Credentials {
                bind_dn: bind_dn.get_ref().clone(),
                password_file: file.get_ref().into(),
            })),
            (Some(only), None) => {
                let message = "is given without password_file; give both, or neither to read as \
                               nobody";
                Err(self.fault("bind_dn", Some(only.span()), message.into()))
            }
            (None, Some(only)) => {
                let message = "is given without bind_dn; give both, or neither to read as nobody";
                Err(self.fault("password_file", Some(only.span()), message.into()))
            }
        }
    }

    fn ca_file(
        &self,
        file: &Spanned<String>,
        security: &Security,
    ) -> Result<std::path::PathBuf, ConfigError> {
        if *security == Security::Plain {
            let message = "would have no effect without TLS; leave it away, or use ldaps://";
            return Err(self.fault("ca_file", Some(file.span()), message.into()));
        }
        Ok(file.get_ref().into())
    }

    fn schema(&self, domain: &str) -> Result<Schema, ConfigError> {
        let ldap = self.ldap.get_ref();
        let names = Preset::ALL.map(|preset| format!("{:?}", preset.name())).join(", ");
        let Some(given_schema) = given(&ldap.schema) else {
            let message = format!("is missing; write one of {names}");
            return Err(self.fault("schema", None, message));
        };
        let preset = Preset::ALL.into_iter().find(|p| p.name() == given_schema.get_ref());
        let Some(preset) = preset else {
            let message = format!("{:?} is unknown; write one of {names}", given_schema.get_ref());
            return Err(self.fault("schema", Some(given_schema.span()), message));
        };
        let mut schema = Schema::new(preset, domain);
        self.filter("user_filter", &ldap.user_filter, &mut schema.user_filter)?;
        self.filter("group_filter", &ldap.group_filter, &mut schema.group_filter)?;
        self.filter("folder_filter", &ldap.folder_filter, &mut schema.folder_filter)?;
        let names = &ldap.attributes;
        self.attributes("sip", &names.sip, &mut schema.sip)?;
        self.attributes("display_name", &names.display_name, &mut schema.display_name)?;
        self.attributes("account", &names.account, &mut schema.account)?;
        self.attributes("company", &names.company, &mut schema.company)?;
        self.attributes("member", &names.member, &mut schema.member)?;
        self.attribute("id", &names.id, &mut schema.id)?;
        self.attribute("email", &names.email, &mut schema.email)?;
        if let Some(template) = &names.sip_template {
            schema.sip_template = given(&names.sip_template).map(|t| t.get_ref().clone());
            let text = template.get_ref();
            let is_template = text.contains('{') && text.contains('@');
            if !text.is_empty() && !is_template {
                let message = format!(
                    "{text:?} gives everybody one address, or none; write it \
                     like \"{{uid}}@example.com\""
                );
                return Err(self.fault("attributes.sip_template", Some(template.span()), message));
            }
        }
        Ok(schema)
    }

    /// A filter, or none at all to leave such entries out: but somebody must be read.
    fn filter(&self, key: &str, value: &At<String>, slot: &mut String) -> Result<(), ConfigError> {
        let Some(value) = value else { return Ok(()) };
        let text = value.get_ref().trim();
        let is_empty = text.is_empty() && key != "user_filter";
        let is_closed = text.starts_with('(') && text.ends_with(')');
        let depth = text.chars().try_fold(0_i32, |depth, c| match c {
            '(' => Some(depth + 1),
            ')' => Some(depth - 1).filter(|depth| *depth >= 0),
            _ => Some(depth),
        });
        let is_filter = is_closed && depth == Some(0);
        if !is_empty && !is_filter {
            let message = format!(
                "{text:?} is no filter; write it in parentheses, such as \"(objectClass=person)\""
            );
            return Err(self.fault(key, Some(value.span()), message));
        }
        text.clone_into(slot);
        Ok(())
    }

    fn attributes(
        &self,
        key: &str,
        values: &Option<Vec<Spanned<String>>>,
        slot: &mut Vec<String>,
    ) -> Result<(), ConfigError> {
        let Some(values) = values else { return Ok(()) };
        let names = values.iter().map(|value| self.name(key, value));
        *slot = names.collect::<Result<_, _>>()?;
        Ok(())
    }

    fn attribute(
        &self,
        key: &str,
        value: &At<String>,
        slot: &mut String,
    ) -> Result<(), ConfigError> {
        if let Some(value) = value {
            *slot = self.name(key, value)?;
        }
        Ok(())
    }

    /// A name goes into filters, so it must be one (RFC 4512 §2.5, without options).
    fn name(&self, key: &str, value: &Spanned<String>) -> Result<String, ConfigError> {
        let name = value.get_ref();
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if name.is_empty() || !name.bytes().all(is_name) {
            let message = format!("{name:?} is no name of an attribute; write it like \"mail\"");
            return Err(self.fault(&format!("attributes.{key}"), Some(value.span()), message));
        }
        Ok(name.clone())
    }

    fn number(
        &self,
        key: &str,
        value: &At<u64>,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Result<u64, ConfigError> {
        let Some(value) = value else { return Ok(default) };
        if !range.contains(value.get_ref()) {
            let (given, low, high) = (value.get_ref(), range.start(), range.end());
            let message = format!("{given} is outside {low} to {high}; choose a value within");
            return Err(self.fault(key, Some(value.span()), message));
        }
        Ok(*value.get_ref())
    }
}

/// A text that is there and not empty.
fn given(value: &At<String>) -> Option<&Spanned<String>> {
    value.as_ref().filter(|value| !value.get_ref().trim().is_empty())
}

/// Host of what stands behind `://`; `None` where there is none.
fn host(rest: &str) -> Option<&str> {
    let authority = rest.split('/').next()?;
    let host = match authority.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?.0,
        None => authority.split(':').next()?,
    };
    (!host.is_empty() && !host.contains('@')).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    let is_address = |ip: IpAddr| ip.to_canonical().is_loopback();
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_address)
}

#[cfg(test)]
mod tests;
