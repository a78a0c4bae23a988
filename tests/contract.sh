#!/usr/bin/env bash
# Holds the API to its own OpenAPI document: schemathesis asks a server of its own for whatever the
# document allows and forbids, and for what follows from earlier answers. Nothing may end in a 5xx,
# and no status, header or document may contradict what is described.
#
#   tests/contract.sh [EXAMPLES] [SEED]
#
# Not part of tests/run.sh: it fetches a program of its own, with Python's pip, into the target
# folder. That a valid request may be refused for what it means (a name that is taken, a cursor that
# nobody was given) is no contradiction, nor that a thing is still there whose removal was only tried
# (dry_run): schemathesis' checks of that are left out. A token that is taken away would end the test.
set -euo pipefail
cd "$(dirname "$0")/.."

examples=${1:-30}
seed=${2:-1}
target=${CARGO_TARGET_DIR:-target}
venv=$target/schemathesis
checks=not_a_server_error,status_code_conformance,content_type_conformance
checks+=,response_headers_conformance,response_schema_conformance,negative_data_rejection
checks+=,unsupported_method,allow_header_conformance,ensure_resource_availability

# As tests/run.sh builds, so that nothing is built twice.
cargo build --workspace --bins --tests
if [ ! -x "$venv/bin/schemathesis" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet schemathesis==4.32.5
fi

data=$(mktemp -d)
cat >"$data/parlance.toml" <<END
[server]
domain = "example.test"
data = "$data/data"

[listen]
sip = ["127.0.0.1:0"]
sips = ["127.0.0.1:0"]
http = "127.0.0.1:0"
END
parlance=("$target/debug/parlance" --config "$data/parlance.toml")
"${parlance[@]}" serve >"$data/out" 2>&1 &
server=$!
trap 'kill "$server"; wait "$server" || true; rm -rf "$data"' EXIT
for _ in $(seq 100); do
  if [ -s "$data/data/http-address" ]; then break; fi
  sleep 0.1
done
"${parlance[@]}" admin user new sip:ann@example.test --display-name Ann
"${parlance[@]}" admin room new Lab --category General

# It writes down what it found where it stands.
program=$(realpath "$venv/bin/schemathesis")
cd "$data"
"$program" run "http://$(cat "$data/data/http-address")/api/v1/openapi.json" \
  -H "Authorization: Bearer $(cat "$data/data/admin-token")" \
  --checks "$checks" --exclude-path "/api/v1/tokens/{token}" \
  --max-examples "$examples" --seed "$seed" --continue-on-failure --no-color
