//! The sans-io boundary and `unsafe`: laws of the design.

use crate::source::has_word;
use crate::tree::{File, Finding, Tree};

/// Code without socket, file, clock, thread, randomness or `await`.
const PURE: [&str; 3] = ["wire/src/", "core/src/", "storage/src/log/"];

/// Words that reach the world outside. `std::net` is looked at on its own: addresses are data.
const OUTSIDE: [&str; 27] = [
    "std::fs",
    "std::thread",
    "std::process",
    "std::env",
    "std::os",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "UnixListener",
    "ToSocketAddrs",
    "std::time::Instant",
    "Instant::now",
    "SystemTime",
    "UNIX_EPOCH",
    "getrandom",
    "thread_rng",
    "OsRng",
    "SysRng",
    "RandomState",
    "thread::spawn",
    "tokio",
    "tokio_uring",
    "glommio",
    "rustix",
    "libc",
    "mio",
];

/// Modules of `std` that may not be named inside `std::{…}` either.
const GROUPED: [&str; 6] = ["fs", "thread", "process", "env", "os", "time::Instant"];

/// Types of `std::net` that are only data.
const ADDRESSES: [&str; 6] =
    ["SocketAddr", "SocketAddrV4", "SocketAddrV6", "IpAddr", "Ipv4Addr", "Ipv6Addr"];

/// What is pure names nothing that acts.
pub fn sans_io(tree: &Tree) -> Vec<Finding> {
    let pure = tree.rust().filter(|f| PURE.iter().any(|p| f.path.starts_with(p)));
    pure.flat_map(|file| {
        file.numbered().filter_map(|(at, line)| {
            let word = impurity(&line.code)?;
            Some(file.finding(at, format!("`{word}` in pure code: do it in server/ or a `Disk`")))
        })
    })
    .collect()
}

fn impurity(code: &str) -> Option<&str> {
    let named = OUTSIDE.iter().find(|word| has_word(code, word)).copied();
    named
        .or_else(|| has_word(code, "async").then_some("async"))
        .or_else(|| {
            if code.contains(".await") {
                return Some("await");
            }
            let grouped = code.trim_start().starts_with("use std::{");
            grouped.then(|| GROUPED.into_iter().find(|word| has_word(code, word))).flatten()
        })
        .or_else(|| socket(code))
}

/// Something of `std::net` that is not an address.
fn socket(code: &str) -> Option<&str> {
    let rest = &code[code.find("std::net")? + "std::net".len()..];
    let names = rest.trim_start_matches("::").trim_start_matches('{');
    let end = names.find(|c: char| !(c.is_alphanumeric() || "_, ".contains(c)));
    let mut names = names[..end.unwrap_or(names.len())].split([',', ' ']);
    let is_address = |name: &str| name.is_empty() || ADDRESSES.contains(&name);
    let first = rest.trim_start_matches("::").chars().next();
    match first {
        Some(c) if c.is_alphanumeric() || c == '{' => {
            names.find(|n| !is_address(n)).map(|_| "std::net")
        }
        _ => Some("std::net"),
    }
}

/// Packages without any `unsafe`; each says so itself, so that the compiler proves it.
const SAFE: [&str; 5] = ["wire", "core", "web", "compliance", "loadgen"];

/// How far above an `unsafe` its reason may stand.
const REASON_LINES_MAX: usize = 8;

/// No `unsafe` in the safe packages; a reason at each one elsewhere.
pub fn unsafe_code(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        let is_safe = SAFE.contains(&file.package());
        for (at, line) in file.numbered().filter(|(_, line)| has_word(&line.code, "unsafe")) {
            if is_safe {
                let advice = format!("`unsafe` in {}: move it into server/", file.package());
                findings.push(file.finding(at, advice));
            } else if !has_reason(file, at) && !line.comment.contains("SAFETY:") {
                findings.push(file.finding(at, "say above it why it is sound: `// SAFETY: …`"));
            }
        }
        let is_root = is_safe && file.path == format!("{}/src/lib.rs", file.package());
        if is_root && !file.lines.iter().any(|l| l.code.contains("#![forbid(unsafe_code)]")) {
            findings.push(file.finding(0, "add `#![forbid(unsafe_code)]` to this crate"));
        }
    }
    findings
}

/// A `SAFETY:` (or, for an `unsafe fn`, a `# Safety`) in the comment right above.
fn has_reason(file: &File, at: usize) -> bool {
    let above = file.lines[..at].iter().rev().take(REASON_LINES_MAX);
    let attached = above.take_while(|line| {
        let code = line.code.trim();
        code.is_empty() && !line.comment.trim().is_empty() || code.starts_with("#[")
    });
    let mut comments = attached.map(|line| line.comment.as_str());
    comments.any(|c| c.contains("SAFETY:") || c.contains("# Safety"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{accepts, fires};

    #[test]
    fn outside_words_are_found() {
        for code in [
            "use std::fs;",
            "use std::{fmt, fs};",
            "use std::net::TcpStream;",
            "use std::net::{SocketAddr, TcpListener};",
            "use std::net::*;",
            "use std::net;",
            "let now = Instant::now();",
            "let t = std::time::SystemTime::now();",
            "std::thread::sleep(d);",
            "getrandom::fill(&mut seed)?;",
            "async fn f() {}",
            "let x = f().await;",
            "use rustix::io;",
        ] {
            let text = format!("//! Pure.\n{code}\n");
            fires(sans_io, &[("core/src/a.rs", &text)], ("core/src/a.rs", 2));
            accepts(sans_io, &[("server/src/a.rs", &text)]);
        }
    }

    #[test]
    fn data_and_prose_are_accepted() {
        for code in [
            "use std::net::SocketAddr;",
            "use std::net::{IpAddr, SocketAddr};",
            "fn at(peer: std::net::SocketAddr) {}",
            "use crate::time::Instant;",
            "// never Instant::now() here",
            "let text = \"std::fs\";",
            "use std::{fmt, sync::Arc};",
        ] {
            accepts(sans_io, &[("wire/src/a.rs", code)]);
        }
    }

    #[test]
    fn unsafe_is_found() {
        let block = "fn f() {\n    unsafe { g() }\n}\n";
        fires(unsafe_code, &[("core/src/a.rs", block)], ("core/src/a.rs", 2));
        fires(unsafe_code, &[("server/src/a.rs", block)], ("server/src/a.rs", 2));
        let far = "// SAFETY: too far away.\nfn f() {\n    unsafe { g() }\n}\n";
        fires(unsafe_code, &[("server/src/a.rs", far)], ("server/src/a.rs", 3));
        let root = "//! A crate.\n";
        fires(unsafe_code, &[("wire/src/lib.rs", root)], ("wire/src/lib.rs", 1));
    }

    #[test]
    fn unsafe_with_a_reason_is_accepted() {
        let block =
            "fn f() {\n    // SAFETY: g has no\n    // conditions.\n    unsafe { g() }\n}\n";
        accepts(unsafe_code, &[("server/src/a.rs", block)]);
        let attribute =
            "// SAFETY: checked above.\n#[allow(unsafe_code)]\nunsafe impl A for B {}\n";
        accepts(unsafe_code, &[("server/src/a.rs", attribute)]);
        let root = "//! A crate.\n#![forbid(unsafe_code)]\n";
        accepts(unsafe_code, &[("wire/src/lib.rs", root)]);
    }
}
