//! Policies, configurations, endpoints, and the pool itself (`product.md` §1.5, §1.6, §1.8, §3.4 to
//! §3.7).

use super::act::{edited, is_history_depth};
use super::plan::{Planner, check_text, check_url};
use super::{Cause, ConfigurationEdit, PolicyEdit, Refusal};
use crate::directory::model::{
    CHAT_HISTORY, Configuration, LegacyEndpoint, NAME_BYTES_MAX, Policy, Pool, Principal, Scope,
};
use crate::directory::{Change, Person};
use parlance_wire::sip::Uri;
use parlance_wire::xccos::Guid;

impl Planner<'_> {
    pub(super) fn new_policy(&mut self, scope: &Scope, edit: &PolicyEdit) -> Result<(), Refusal> {
        check_scope_name(scope)?;
        if *scope == Scope::Global || self.directory.policies().contains_key(scope) {
            return Err(exists("policy", scope));
        }
        self.push_policy(default_policy(scope), edit)
    }

    pub(super) fn set_policy(&mut self, scope: &Scope, edit: &PolicyEdit) -> Result<(), Refusal> {
        let old = match (self.directory.policies().get(scope), scope) {
            (Some(policy), _) => policy.clone(),
            (None, Scope::Global) => default_policy(scope),
            (None, _) => return Err(missing("policy", scope)),
        };
        self.push_policy(old, edit)
    }

    fn push_policy(&mut self, old: Policy, edit: &PolicyEdit) -> Result<(), Refusal> {
        let mut policy = old.clone();
        policy.is_enabled = edit.is_enabled.unwrap_or(policy.is_enabled);
        if let Some(description) = &edit.description {
            check_text("description", description, NAME_BYTES_MAX)?;
            policy.description.clone_from(description);
        }
        let is_set = self.directory.policies().contains_key(&policy.scope);
        // The global one is there without being set; anything else that is not set is new.
        if policy != old || !is_set && policy.scope != Scope::Global {
            self.push(Change::Policy(policy));
        }
        Ok(())
    }

    pub(super) fn grant_policy(
        &mut self,
        user: &str,
        policy: Option<&str>,
    ) -> Result<Guid, Refusal> {
        self.administrators_only("granting policies")?;
        let id = self.principal_named(user, "user")?;
        let old = &self.directory.people().get(id).expect("found by its name").principal;
        if !matches!(old.kind, crate::directory::model::PrincipalKind::User) {
            let message = format!("{} is no user; policies are granted to users", old.uri);
            return Err(Refusal::invalid("user", message));
        }
        let policy = policy.map(|tag| self.policy_tag(tag)).transpose()?;
        if policy != old.policy {
            self.push(Change::Principal(Principal { policy, ..old.clone() }));
        }
        Ok(old.id)
    }

    /// The tag of a policy that is there, with or without the prefix.
    fn policy_tag(&self, text: &str) -> Result<String, Refusal> {
        let text = text.trim();
        let bare = text.split_once(':').filter(|(kind, _)| kind.eq_ignore_ascii_case("tag"));
        let tags = [Some(text), bare.map(|(_, tag)| tag.trim())].into_iter().flatten();
        let policies = self.directory.policies();
        let mut known = tags.filter(|tag| policies.contains_key(&Scope::Tag((*tag).to_owned())));
        known.next().map(str::to_owned).ok_or_else(|| {
            let message =
                format!("there is no policy {text:?} that could be granted; make it first");
            Refusal::new(Cause::NoSuchNode, "policy", message)
        })
    }

    pub(super) fn remove_policy(&mut self, scope: &Scope, force: bool) -> Result<(), Refusal> {
        match self.directory.policies().contains_key(scope) {
            true => {}
            // It has its defaults already.
            false if *scope == Scope::Global => return Ok(()),
            false => return Err(missing("policy", scope)),
        }
        if let Scope::Tag(tag) = scope {
            self.take_back_grants(tag, force)?;
        }
        self.push(Change::PolicyRemoved(scope.clone()));
        Ok(())
    }

    fn take_back_grants(&mut self, tag: &str, force: bool) -> Result<(), Refusal> {
        let has_it = |person: &Person| person.principal.policy.as_deref() == Some(tag);
        let people = self.directory.people();
        let granted: Vec<&Principal> =
            people.iter().filter(|(_, p)| has_it(p)).map(|(_, p)| &p.principal).collect();
        let Some(first) = granted.first() else { return Ok(()) };
        let count = granted.len();
        if !force {
            let message = format!(
                "the policy {tag:?} is granted to {count} users, {} among them; force it to take \
                 the grants back",
                first.uri
            );
            return Err(Refusal::new(Cause::InUse, "policy", message));
        }
        self.note(format!("{count} users have no policy of their own any more"));
        for principal in granted {
            self.push(Change::Principal(Principal { policy: None, ..principal.clone() }));
        }
        Ok(())
    }

    pub(super) fn new_configuration(
        &mut self,
        scope: &Scope,
        edit: &ConfigurationEdit,
    ) -> Result<(), Refusal> {
        check_scope_name(scope)?;
        no_tag(scope)?;
        if *scope == Scope::Global || self.directory.configurations().contains_key(scope) {
            return Err(exists("configuration", scope));
        }
        check_configuration(edit)?;
        let new = edited(Configuration::new(scope.clone()), edit);
        self.push(Change::Configuration(new));
        Ok(())
    }

    pub(super) fn set_configuration(
        &mut self,
        scope: &Scope,
        edit: &ConfigurationEdit,
    ) -> Result<(), Refusal> {
        no_tag(scope)?;
        let old = match (self.directory.configurations().get(scope), scope) {
            (Some(configuration), _) => configuration.clone(),
            (None, Scope::Global) => Configuration::new(Scope::Global),
            (None, _) => return Err(missing("configuration", scope)),
        };
        check_configuration(edit)?;
        let new = edited(old.clone(), edit);
        if new != old {
            self.push(Change::Configuration(new));
        }
        Ok(())
    }

    pub(super) fn remove_configuration(&mut self, scope: &Scope) -> Result<(), Refusal> {
        match self.directory.configurations().contains_key(scope) {
            true => self.push(Change::ConfigurationRemoved(scope.clone())),
            false if *scope == Scope::Global => {}
            false => return Err(missing("configuration", scope)),
        }
        Ok(())
    }

    pub(super) fn new_endpoint(&mut self, uri: &str, display_name: &str) -> Result<(), Refusal> {
        let directory = self.directory;
        let identity = Uri::parse(uri.trim()).and_then(|uri| uri.identity());
        let host =
            |uri: &String| uri.rsplit_once('@').is_some_and(|(_, host)| host == directory.domain);
        let Some(uri) = identity.filter(host).filter(|uri| uri.len() <= NAME_BYTES_MAX) else {
            let domain = &directory.domain;
            let message = format!("{uri:?} is no address of the form sip:name@{domain}");
            return Err(Refusal::invalid("uri", message));
        };
        check_text("display name", display_name, NAME_BYTES_MAX)?;
        let is_taken = directory.people().find_uri(&uri).is_some()
            || directory.endpoints().contains_key(&uri)
            || uri == directory.service_uri;
        if is_taken {
            let message = format!("{uri} is in use already; choose another address");
            return Err(Refusal::new(Cause::InUse, "uri", message));
        }
        let display_name = display_name.to_owned();
        self.push(Change::Endpoint(LegacyEndpoint { uri, display_name }));
        Ok(())
    }

    pub(super) fn remove_endpoint(&mut self, uri: &str) -> Result<(), Refusal> {
        let identity = Uri::parse(uri.trim()).and_then(|uri| uri.identity());
        let known = identity.filter(|uri| self.directory.endpoints().contains_key(uri));
        let Some(known) = known else {
            let message = format!("there is no endpoint {uri:?}");
            return Err(Refusal::new(Cause::NoSuchNode, "uri", message));
        };
        self.push(Change::EndpointRemoved(known));
        Ok(())
    }

    pub(super) fn set_pool(&mut self, pool: &Pool) -> Result<(), Refusal> {
        let old = &self.directory.pool;
        let fixed = |pool: &Pool| (pool.db_version, pool.root_category, pool.last_invitation);
        if fixed(pool) != fixed(old) {
            let message = "identifiers of the pool and its count of invitations never change";
            return Err(Refusal::invalid("pool", message));
        }
        let fqdn = pool.fqdn.trim().to_ascii_lowercase();
        let is_dns = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        if fqdn.is_empty() || !fqdn.bytes().all(is_dns) {
            return Err(Refusal::invalid("fqdn", format!("{:?} is no DNS name", pool.fqdn)));
        }
        check_text("fqdn", &fqdn, NAME_BYTES_MAX)?;
        check_text("display name", &pool.display_name, NAME_BYTES_MAX)?;
        check_text("site", &pool.site, NAME_BYTES_MAX)?;
        let (site, pool) = (pool.site.trim().to_owned(), pool.clone());
        let new = Pool { fqdn, site, ..pool };
        if new != *old {
            self.push(Change::Pool(new));
        }
        Ok(())
    }
}

fn default_policy(scope: &Scope) -> Policy {
    Policy { scope: scope.clone(), is_enabled: false, description: String::new() }
}

fn check_scope_name(scope: &Scope) -> Result<(), Refusal> {
    let (Scope::Site(name) | Scope::Service(name) | Scope::Tag(name)) = scope else {
        return Ok(());
    };
    if name.trim().is_empty() {
        return Err(Refusal::invalid("identity", "a name is missing after the colon"));
    }
    check_text("identity", name, NAME_BYTES_MAX)
}

fn no_tag(scope: &Scope) -> Result<(), Refusal> {
    match scope {
        Scope::Tag(_) => {
            let message =
                format!("{scope} is for policies; configurations are for sites and pools");
            Err(Refusal::invalid("identity", message))
        }
        _ => Ok(()),
    }
}

fn check_configuration(edit: &ConfigurationEdit) -> Result<(), Refusal> {
    if let Some(depth) = edit.default_chat_history
        && !is_history_depth(depth)
    {
        let (least, most) = CHAT_HISTORY.into_inner();
        let message = format!("{depth} messages on entering; it must be {least} to {most}");
        return Err(Refusal::invalid("default chat history", message));
    }
    match edit.room_management_url.as_deref() {
        None | Some("") => Ok(()),
        Some(url) => check_url("room management url", url, NAME_BYTES_MAX),
    }
}

fn exists(what: &str, scope: &Scope) -> Refusal {
    Refusal::invalid("identity", format!("there is a {what} {scope} already; set it instead"))
}

fn missing(what: &str, scope: &Scope) -> Refusal {
    let message = format!("there is no {what} {scope}; make it first");
    Refusal::new(Cause::NoSuchNode, "identity", message)
}
