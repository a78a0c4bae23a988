#!/usr/bin/env bash
# Runs all tests of Parlance from a fresh clone. Arguments go to `cargo test`.
#
#   tests/run.sh                         everything
#   tests/run.sh -p parlance-core        one package
#
# Most tests need nothing but Rust. Some drive the server with an independent client, pidgin-sipe,
# or with a real PostgreSQL or OpenLDAP (slapd), or put it on a faulty disk that a C compiler makes,
# or count instructions with valgrind, and need Debian packages for that; they are installed here
# where that is possible without asking, and the tests say that they are skipped where it is not.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  pidgin-sipe libpurple0 libpurple-bin libpurple-dev libglib2.0-dev libxml2-dev
  gcc libc6-dev make pkg-config python3 openssl postgresql slapd valgrind
)

say() { printf '==> %s\n' "$*" >&2; }

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
      printf '%s\n' "$package"
  done
}

# Prints the words that make a command run as root, or fails.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    echo env
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    echo sudo -n
  else
    return 1
  fi
}

apt_get() {
  local root
  read -ra root <<<"$(as_root)"
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -qq \
    -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Dpkg::Use-Pty=0 "$@" >&2
}

install_packages() {
  local missing
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "not a Debian system: the real client and PostgreSQL are skipped unless installed"
    return
  fi
  mapfile -t missing < <(missing_packages)
  if [ "${#missing[@]}" = 0 ]; then
    return
  fi
  if ! as_root >/dev/null; then
    say "the real client and PostgreSQL need root to install: ${missing[*]}; going on without"
    return
  fi
  say "installing for the real client and PostgreSQL: ${missing[*]}"
  apt_get install --no-install-recommends -y "${missing[@]}" ||
    { apt_get update && apt_get install --no-install-recommends -y "${missing[@]}"; } ||
    say "could not install them; the real client will be skipped"
}

if ! command -v cargo >/dev/null; then
  say "cargo is not in PATH: install Rust (rust-version in Cargo.toml) first"
  exit 1
fi

install_packages
# The end-to-end tests run the real binaries, which `cargo test` alone would not build.
say "building the server and the load generator"
if [ "$#" = 0 ]; then
  set -- --workspace --no-fail-fast
  # With all that the tests depend on, so that nothing is built twice: alone the server would be
  # built with fewer features, and tests that run it build it so, unless they are told where it is.
  cargo build --workspace --bins --tests
  programs=$(realpath "${CARGO_TARGET_DIR:-target}")/debug
  export PARLANCE_BIN=$programs/parlance PARLANCE_LOADGEN_BIN=$programs/parlance-loadgen
else
  cargo build -p parlance -p parlance-loadgen
fi
say "running the tests"
cargo test "$@"
