//! `[people]`: what is accepted, and what each refusal says.

use super::*;
use crate::config::Config;
use std::path::Path;

const GOOD: &str = "[people.ldap]\nurl = \"ldaps://ldap.example.com\"\n\
                    base = \"dc=example,dc=com\"\n\
                    schema = \"inetorgperson\"\n";

fn accepted(text: &str) -> People {
    Config::parse(None, text).unwrap_or_else(|error| panic!("{text}\n{error}")).people
}

fn refused(text: &str, line: usize, key: &str, says: &str) {
    let error = Config::parse(Some(Path::new("p.toml")), text).expect_err(text);
    assert_eq!((error.line, error.key.as_str()), (Some(line), key), "{error}");
    assert!(error.message.contains(says), "{error}\n  does not say {says:?}");
}

#[test]
fn without_the_section_everybody_of_the_domain_is_let_in() {
    assert_eq!(accepted(""), People { admits_unknown: true, ldap: None });
    let config = Config::parse(None, "[people]\nunknown = \"refuse\"").expect("good");
    assert!(!config.people.admits_unknown && !config.directory.admits_unknown);
}

#[test]
fn a_short_section_has_good_defaults() {
    let ldap = accepted(GOOD).ldap.expect("configured");
    assert_eq!((ldap.security, ldap.page_size), (Security::Tls, 500));
    assert_eq!(ldap.schema, Schema::new(Preset::InetOrgPerson, "example.test"));
    assert_eq!((ldap.credentials, ldap.interval.as_secs()), (None, 300));
}

#[test]
fn a_full_section_is_read() {
    let text = r#"
        [people.ldap]
        url = "ldap://[::1]:1389"
        start_tls = true
        ca_file = "ca.pem"
        bind_dn = "cn=reader,dc=example,dc=com"
        password_file = "password"
        base = "OU=People,DC=example,DC=com"
        schema = "active-directory"
        page_size = 1000
        timeout_s = 10
        interval_s = 60
        sweep_every = 5
        full_every = 100
        departures_percent_max = 10
        user_filter = "(&(objectClass=user)(mail=*))"
        folder_filter = ""
        [people.ldap.attributes]
        sip = ["mail"]
        sip_template = "{sAMAccountName}@example.com"
        id = "objectGUID"
        display_name = ["cn"]
        account = ["sAMAccountName"]
        email = "mail"
        company = ["o"]
        member = ["member"]
    "#;
    let ldap = accepted(text).ldap.expect("configured");
    assert_eq!(ldap.security, Security::StartTls);
    assert_eq!(ldap.base_dn.as_str(), "ou=people,dc=example,dc=com");
    assert_eq!((&*ldap.schema.folder_filter, ldap.schema.sip), ("", vec!["mail".to_owned()]));
    assert_eq!(ldap.schema.sip_template.as_deref(), Some("{sAMAccountName}@example.com"));
    assert_eq!(ldap.departures_percent_max, 10);
}

#[test]
fn refusals_say_what_to_write() {
    refused("[people]\nunknown = \"maybe\"", 2, "people.unknown", "\"refuse\"");
    refused("[people]\nknown = 1", 2, "", "unknown field");
    refused("[people.ldap]\nbase = \"dc=x\"", 1, "people.ldap.url", "ldaps://");
    let change = |from: &str, to: &str| {
        assert!(GOOD.contains(from));
        GOOD.replace(from, to)
    };
    let url = "people.ldap.url";
    refused(&change("ldaps://", "ldap://"), 2, url, "start_tls = true");
    refused(&change("ldaps://", "http://"), 2, url, "no URL of an LDAP server");
    refused(&change("ldaps://ldap.example.com", "ldaps://"), 2, url, "no URL of an LDAP server");
    refused(&format!("{GOOD}start_tls = true"), 2, url, "protected already");
    accepted(&change("ldaps://ldap.example.com", "ldap://127.0.0.1:1389"));
    refused(&change("dc=example,dc=com", "example.com"), 3, "people.ldap.base", "distinguished");
    refused(&change("inetorgperson", "ad"), 4, "people.ldap.schema", "\"active-directory\"");
    for (more, key, says) in [
        ("bind_dn = \"cn=x\"", "bind_dn", "password_file"),
        ("password_file = \"x\"", "password_file", "bind_dn"),
        ("page_size = 0", "page_size", "1 to 10000"),
        ("interval_s = 1", "interval_s", "10 to 86400"),
        ("user_filter = \"\"", "user_filter", "in parentheses"),
        ("group_filter = \"(cn=x))(\"", "group_filter", "in parentheses"),
        ("attributes.email = \"a)(b=*\"", "attributes.email", "no name of an attribute"),
        ("attributes.sip_template = \"x@y\"", "attributes.sip_template", "{uid}@example.com"),
    ] {
        refused(&format!("{GOOD}{more}\n"), 5, &format!("people.ldap.{key}"), says);
    }
    let plain = change("ldaps://ldap.example.com", "ldap://localhost");
    refused(&format!("{plain}ca_file = \"x\""), 5, "people.ldap.ca_file", "no effect");
}
