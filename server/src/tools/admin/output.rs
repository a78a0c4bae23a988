//! Answers, as JSON or as tables for people.

use super::super::{Fault, shown};
use crate::{Exit, refuse};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;
use std::io::Write;

/// Heads of a table, and where its cells are in a document.
pub type Columns = &'static [(&'static str, &'static str)];

/// Of categories.
pub const CATEGORIES: Columns = &[
    ("NAME", "/name"),
    ("ROOMS", "/rooms"),
    ("INVITES", "/invites"),
    ("FILES", "/file_upload"),
    ("HISTORY", "/chat_history"),
    ("VERSION", "/version"),
    ("ID", "/id"),
];
/// Of rooms.
pub const ROOMS: Columns = &[
    ("NAME", "/name"),
    ("CATEGORY", "/category/name"),
    ("PRIVACY", "/privacy"),
    ("TYPE", "/type"),
    ("DISABLED", "/disabled"),
    ("MEMBERS", "/member_count"),
    ("VERSION", "/version"),
    ("ID", "/id"),
];
/// Of add-ins.
pub const ADDINS: Columns = &[
    ("NAME", "/name"),
    ("URL", "/url"),
    ("ROOMS", "/rooms"),
    ("VERSION", "/version"),
    ("ID", "/id"),
];
/// Of policies.
pub const POLICIES: Columns =
    &[("IDENTITY", "/identity"), ("ENABLED", "/enabled"), ("DESCRIPTION", "/description")];
/// Of configurations.
pub const CONFIGURATIONS: Columns = &[
    ("IDENTITY", "/identity"),
    ("HISTORY", "/default_chat_history"),
    ("FILE KB", "/max_file_size_kb"),
    ("PARTICIPANTS", "/participant_update_limit"),
    ("ROOM MANAGEMENT", "/room_management_url"),
];
/// Of endpoints.
pub const ENDPOINTS: Columns = &[("URI", "/uri"), ("NAME", "/display_name")];
/// Of people.
pub const PEOPLE: Columns = &[
    ("URI", "/uri"),
    ("NAME", "/display_name"),
    ("KIND", "/kind"),
    ("STATE", "/state"),
    ("POLICY", "/policy"),
];
/// Of people in lists.
pub const PRINCIPALS: Columns =
    &[("URI", "/uri"), ("NAME", "/display_name"), ("KIND", "/kind"), ("ID", "/id")];
/// Of invitations.
pub const INVITATIONS: Columns =
    &[("NUMBER", "/number"), ("ROOM", "/room/name"), ("ON", "/on"), ("ID", "/room/id")];
/// Of records.
pub const RECORDS: Columns = &[
    ("AT", "/at"),
    ("ACTOR", "/actor"),
    ("WAY", "/surface"),
    ("ACT", "/act"),
    ("TARGET", "/target"),
    ("OUTCOME", "/outcome"),
    ("REASON", "/reason"),
];
/// Of tokens.
pub const TOKENS: Columns =
    &[("NAME", "/name"), ("ROLE", "/role"), ("MADE", "/created_on"), ("ID", "/id")];

/// What a request came to.
#[derive(Debug)]
pub struct Answer {
    /// HTTP's status.
    pub status: u16,
    /// The document.
    pub body: Value,
}

impl Answer {
    fn is_refusal(&self) -> bool {
        self.status >= 400
    }

    fn items(&mut self) -> Option<&mut Vec<Value>> {
        match self.is_refusal() {
            true => None,
            false => self.body.get_mut("items")?.as_array_mut(),
        }
    }

    /// Where the page behind this one begins.
    pub fn next(&self) -> Option<String> {
        self.body.get("next")?.as_str().map(str::to_owned)
    }

    /// Things in the list.
    pub fn count(&mut self) -> usize {
        self.items().map_or(0, |items| items.len())
    }

    /// Adds a page; a refusal takes the place of all.
    pub fn extend(&mut self, mut page: Answer) {
        let next = page.body.get("next").cloned().unwrap_or_default();
        match (self.items(), page.items()) {
            (Some(items), Some(more)) => {
                items.append(more);
                self.body["next"] = next;
            }
            _ => *self = page,
        }
    }

    /// Keeps the first things of the list.
    pub fn truncate(&mut self, count: usize) {
        if let Some(items) = self.items() {
            items.truncate(count);
        }
    }
}

/// Shows an answer, or says why there is none.
///
/// # Errors
/// Those of the output.
pub fn show(
    answer: &Answer,
    is_json: bool,
    columns: Columns,
    out: &mut dyn Write,
) -> Result<Exit, Fault> {
    let body = &answer.body;
    if answer.is_refusal() {
        let detail = body.get("detail").and_then(Value::as_str).map(shown);
        let told = match (is_json, detail) {
            (false, Some(detail)) => detail,
            _ => body.to_string(),
        };
        return Ok(refuse(&told, Exit::Failed));
    }
    if let Value::String(text) = body {
        // A file, which is what it is.
        out.write_all(text.as_bytes())?;
        return Ok(Exit::Done);
    }
    match (is_json, body.get("items").and_then(Value::as_array)) {
        (true, Some(items)) => writeln!(out, "{}", pretty(&Value::from(items.clone())))?,
        (true, None) => writeln!(out, "{}", pretty(body))?,
        (false, Some(items)) => write_table(items, columns, out)?,
        (false, None) if body.get("changes").is_some() => write_outcome(body, out)?,
        (false, None) if body.get("secret").is_some() => {
            writeln!(out, "{}", cell(&body["secret"]))?;
        }
        (false, None) => write_thing(body, out)?,
    }
    Ok(Exit::Done)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a value is JSON")
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn write_table(items: &[Value], columns: Columns, out: &mut dyn Write) -> Result<(), Fault> {
    let mut table = table();
    table.set_header(columns.iter().map(|(head, _)| *head));
    for item in items {
        let cells = columns.iter().map(|(_, place)| item.pointer(place).map_or("".into(), cell));
        table.add_row(cells);
    }
    write_lines(&table, out)
}

fn write_lines(table: &Table, out: &mut dyn Write) -> Result<(), Fault> {
    for line in table.lines() {
        // Cells have a blank on each side, also where there is no border.
        writeln!(out, "{}", line.strip_prefix(' ').unwrap_or(&line).trim_end())?;
    }
    Ok(())
}

/// What came of an act.
fn write_outcome(body: &Value, out: &mut dyn Write) -> Result<(), Fault> {
    let lines = |name: &str| body.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let is_dry = body["dry_run"] == Value::Bool(true);
    let (changes, notes) = (lines("changes"), lines("notes"));
    if body["repeated"] == Value::Bool(true) {
        writeln!(out, "done before, with this request's key")?;
    } else if changes.is_empty() {
        writeln!(out, "nothing to do: everything is as it should be")?;
    }
    for change in &changes {
        let mark = if is_dry { "would be: " } else { "" };
        writeln!(out, "{mark}{}", cell(change))?;
    }
    for note in &notes {
        writeln!(out, "note: {}", cell(note))?;
    }
    Ok(())
}

/// One thing, property by property.
fn write_thing(body: &Value, out: &mut dyn Write) -> Result<(), Fault> {
    let mut table = table();
    for (name, value) in body.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) if !items.is_empty() => {
                for (at, item) in items.iter().enumerate() {
                    let head = if at == 0 { name.as_str() } else { "" };
                    table.add_row([head.to_owned(), cell(item)]);
                }
            }
            Value::Object(parts) if parts.get("id").is_none() => {
                for (part, value) in parts {
                    table.add_row([format!("{name}.{part}"), cell(value)]);
                }
            }
            value => drop(table.add_row([name.clone(), cell(value)])),
        }
    }
    write_lines(&table, out)
}

/// A value on one line, without control characters.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => shown(text),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(of) => thing(value, |name| of.get(name)),
        other => other.to_string(),
    }
}

/// A thing in a cell: what tells it from others.
fn thing<'v>(whole: &Value, part: impl Fn(&str) -> Option<&'v Value>) -> String {
    if let Some(Value::Array(path)) = part("path") {
        let path: Vec<String> = path.iter().map(cell).collect();
        return format!("{}: {}", part("list").map_or("".into(), cell), path.join(" in "));
    }
    match (part("uri").or_else(|| part("name")), part("done"), part("refused")) {
        (Some(name), ..) => cell(name),
        (None, Some(_), _) => "done".into(),
        (None, None, Some(refusal)) => format!("refused: {}", cell(&refusal["cause"])),
        _ => shown(&whole.to_string()),
    }
}
