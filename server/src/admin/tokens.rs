//! Who may speak to the API: bearer tokens, kept as checksums.
//!
//! A token is 256 random bits, so a plain SHA-256 of it tells a thief of the file nothing. It is
//! shown once, when it is made.

use super::fresh::{fresh_guid, now, random};
use crate::files::write_whole;
use parlance_core::directory::model::NAME_BYTES_MAX;
use parlance_wire::xccos::{Guid, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use subtle::ConstantTimeEq;

/// Most tokens at once: each request is compared with all of them.
const TOKENS_MAX: usize = 1_000;
/// Where they are kept, below the data directory.
const FILE: &str = "tokens.json";
/// Where the token for commands on this machine is, below the data directory.
pub const LOCAL_TOKEN: &str = "admin-token";
/// What the local token is called.
const LOCAL_NAME: &str = "local";
/// How tokens begin, so that one is known for what it is where it should not be.
const PREFIX: &str = "parlance_";

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRole {
    /// Everything.
    Administrator,
    /// Reading everything, changing nothing.
    Auditor,
    /// What this user may, by `sip:` URI in canonical spelling.
    User(String),
}

impl TokenRole {
    /// Reads `administrator`, `auditor` or `user:sip:name@domain`.
    pub fn parse(text: &str) -> Option<TokenRole> {
        match text {
            "administrator" => Some(TokenRole::Administrator),
            "auditor" => Some(TokenRole::Auditor),
            _ => {
                let uri = text.strip_prefix("user:")?.trim().to_lowercase();
                let (user, domain) = uri.strip_prefix("sip:")?.split_once('@')?;
                let is_plain = |part: &str| {
                    !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && b != b'@')
                };
                (is_plain(user) && is_plain(domain)).then_some(TokenRole::User(uri.clone()))
            }
        }
    }
}

impl fmt::Display for TokenRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenRole::Administrator => f.write_str("administrator"),
            TokenRole::Auditor => f.write_str("auditor"),
            TokenRole::User(uri) => write!(f, "user:{uri}"),
        }
    }
}

/// A token, without what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Permanent identifier.
    pub id: Guid,
    /// Who or what has it; unique.
    pub name: String,
    /// What it is good for.
    pub role: TokenRole,
    /// When it was made.
    pub created_on: Timestamp,
    hash: [u8; 32],
}

/// A token that was just made.
#[derive(Debug)]
pub struct NewToken {
    /// What is kept of it.
    pub token: Token,
    /// What its holder says. Shown once.
    pub secret: String,
}

/// Why tokens stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// Empty, too long, or with control characters.
    BadName,
    /// Another token has the name.
    DuplicateName,
    /// There are as many as may be.
    TooMany,
    /// There is none with that id or name.
    NoSuchToken,
    /// The file cannot be written.
    File(String),
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenError::BadName => write!(
                f,
                "the name is empty, longer than {NAME_BYTES_MAX} bytes or has control \
                 characters, so no token was made; name who will use it"
            ),
            TokenError::DuplicateName => f.write_str(
                "another token has that name, so none was made; revoke that one or choose \
                 another name",
            ),
            TokenError::TooMany => write!(
                f,
                "there are {TOKENS_MAX} tokens, so none was made; revoke those that nobody uses"
            ),
            TokenError::NoSuchToken => f.write_str(
                "there is no such token, so nothing was revoked; `parlance admin token list` \
                 shows all",
            ),
            TokenError::File(cause) => {
                write!(f, "{cause}, so tokens stay as they were; see the data directory's rights")
            }
        }
    }
}

impl std::error::Error for TokenError {}

/// One token in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    id: String,
    name: String,
    role: String,
    created_on: String,
    sha256: String,
}

/// All tokens of a data directory.
#[derive(Debug)]
pub struct Tokens {
    data: PathBuf,
    all: Mutex<Vec<Token>>,
}

impl Tokens {
    /// Reads them, and sees to it that there is one for commands on this machine.
    ///
    /// # Errors
    /// Cause, effect, next step.
    pub fn open(data: &Path) -> Result<Tokens, String> {
        let path = data.join(FILE);
        let all = match std::fs::read_to_string(&path) {
            Ok(text) => parse(&text).ok_or_else(|| {
                format!(
                    "{} is not a list of tokens, so nobody could be let in; put it back as it \
                     was, or take it away and make new tokens",
                    path.display()
                )
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(format!("{} cannot be read ({error})", path.display())),
        };
        let tokens = Tokens { data: data.to_owned(), all: Mutex::new(all) };
        tokens.ensure_local().map_err(|error| error.to_string())?;
        Ok(tokens)
    }

    /// The local token is in its file and is known; else a new one is made.
    fn ensure_local(&self) -> Result<(), TokenError> {
        let path = self.data.join(LOCAL_TOKEN);
        let said = std::fs::read_to_string(&path).unwrap_or_default();
        if self.holder(said.trim()).is_some_and(|token| token.name == LOCAL_NAME) {
            return Ok(());
        }
        let mut all = self.lock().clone();
        all.retain(|token| token.name != LOCAL_NAME);
        let made = make(LOCAL_NAME, TokenRole::Administrator);
        all.push(made.token);
        // First the file: a token that nobody knows does no harm.
        write_whole(&path, &format!("{}\n", made.secret), 0o600)
            .map_err(|e| TokenError::File(format!("{} cannot be written ({e})", path.display())))?;
        self.put(all)
    }

    /// Whose token is it?
    pub fn holder(&self, secret: &str) -> Option<Token> {
        let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let all = self.lock();
        // All of them, so that the time tells nothing about where it was found.
        let is_its = |token: &&Token| bool::from(token.hash.ct_eq(&hash));
        all.iter().filter(is_its).fold(None, |_, token| Some(token)).cloned()
    }

    /// All, in the order in which they were made.
    pub fn list(&self) -> Vec<Token> {
        self.lock().clone()
    }

    /// Makes one.
    ///
    /// # Errors
    /// Why not.
    pub fn new_token(&self, name: &str, role: TokenRole) -> Result<NewToken, TokenError> {
        let name = name.trim();
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
            return Err(TokenError::BadName);
        }
        let mut all = self.list();
        if all.iter().any(|token| token.name == name) {
            return Err(TokenError::DuplicateName);
        }
        if all.len() >= TOKENS_MAX {
            return Err(TokenError::TooMany);
        }
        let made = make(name, role);
        all.push(made.token.clone());
        self.put(all)?;
        Ok(made)
    }

    /// Takes one away, by id or name; it is of no use from now on.
    ///
    /// # Errors
    /// Why not.
    pub fn revoke(&self, which: &str) -> Result<Token, TokenError> {
        let mut all = self.list();
        let id = Guid::parse(which);
        let at = all.iter().position(|token| Some(token.id) == id || token.name == which);
        let gone = all.remove(at.ok_or(TokenError::NoSuchToken)?);
        self.put(all)?;
        Ok(gone)
    }

    fn put(&self, all: Vec<Token>) -> Result<(), TokenError> {
        let kept: Vec<Kept> = all.iter().map(keep).collect();
        let text = serde_json::to_string_pretty(&kept).expect("texts are JSON");
        let path = self.data.join(FILE);
        write_whole(&path, &text, 0o600)
            .map_err(|e| TokenError::File(format!("{} cannot be written ({e})", path.display())))?;
        *self.lock() = all;
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Token>> {
        self.all.lock().expect("no holder of the lock panics")
    }
}

fn make(name: &str, role: TokenRole) -> NewToken {
    let secret = format!("{PREFIX}{}", hex(&random::<32>()));
    let hash = Sha256::digest(secret.as_bytes()).into();
    let (id, created_on) = (fresh_guid(), now());
    NewToken { token: Token { id, name: name.to_owned(), role, created_on, hash }, secret }
}

fn keep(token: &Token) -> Kept {
    Kept {
        id: token.id.to_string(),
        name: token.name.clone(),
        role: token.role.to_string(),
        created_on: token.created_on.to_string(),
        sha256: hex(&token.hash),
    }
}

fn parse(text: &str) -> Option<Vec<Token>> {
    let kept: Vec<Kept> = serde_json::from_str(text).ok()?;
    let token = |kept: Kept| {
        Some(Token {
            id: Guid::parse(&kept.id)?,
            name: kept.name,
            role: TokenRole::parse(&kept.role)?,
            created_on: Timestamp::parse(&kept.created_on)?,
            hash: unhex(&kept.sha256)?.try_into().ok()?,
        })
    };
    kept.into_iter().map(token).collect()
}

/// Two digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from(b"0123456789abcdef"[usize::from(n)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Reads [`hex`].
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: &u8| char::from(*b).to_digit(16).map(|n| n as u8);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_is_known_until_it_is_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(folder.path()).unwrap();
        let local = std::fs::read_to_string(folder.path().join(LOCAL_TOKEN)).unwrap();
        assert_eq!(tokens.holder(local.trim()).unwrap().role, TokenRole::Administrator);
        let made = tokens.new_token("nightly", TokenRole::Auditor).unwrap();
        assert_eq!(
            tokens.new_token("nightly", TokenRole::Auditor).err(),
            Some(TokenError::DuplicateName)
        );
        assert_eq!(tokens.new_token("\n", TokenRole::Auditor).err(), Some(TokenError::BadName));

        let again = Tokens::open(folder.path()).unwrap();
        assert_eq!(again.holder(&made.secret), Some(made.token.clone()));
        assert_eq!(again.holder(local.trim()).unwrap().name, LOCAL_NAME, "it stays");
        assert_eq!(again.holder(""), None);
        assert_eq!(again.revoke("nightly").unwrap(), made.token);
        assert_eq!(again.holder(&made.secret), None);
        assert_eq!(again.revoke("nightly"), Err(TokenError::NoSuchToken));
        for file in [FILE, LOCAL_TOKEN] {
            let path = folder.path().join(file);
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file}");
            assert!(!std::fs::read_to_string(path).unwrap().contains(&made.secret));
        }
    }

    #[test]
    fn a_lost_local_token_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        Tokens::open(folder.path()).unwrap();
        let path = folder.path().join(LOCAL_TOKEN);
        let first = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let tokens = Tokens::open(folder.path()).unwrap();
        assert_eq!(tokens.holder(first.trim()), None);
        assert!(tokens.holder(std::fs::read_to_string(&path).unwrap().trim()).is_some());
        assert_eq!(tokens.list().len(), 1);
        std::fs::write(folder.path().join(FILE), "[{}]").unwrap();
        assert!(Tokens::open(folder.path()).unwrap_err().contains("not a list"));
    }

    #[test]
    fn roles_are_read_as_they_are_written() {
        for text in ["administrator", "auditor", "user:sip:ann@example.com"] {
            assert_eq!(TokenRole::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "root", "user:", "user:ann", "user:sip:@x", "user:sip:a@b@c"] {
            assert_eq!(TokenRole::parse(text), None, "{text:?}");
        }
    }
}
