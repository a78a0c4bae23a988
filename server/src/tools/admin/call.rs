//! A request to the API, whoever carries it out.

use crate::api::{ROOT, TEXT_CSV, segment};
use crate::tools::Fault;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// What is done with the thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes, or does something with it.
    Post,
    /// Sets.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// As HTTP calls it.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct Call {
    /// What.
    pub method: Method,
    /// Path with its beginning, encoded.
    pub path: String,
    /// Parameters, not encoded yet.
    pub query: Vec<(&'static str, String)>,
    /// Further heads.
    pub headers: Vec<(&'static str, String)>,
    /// The document.
    pub body: Option<Value>,
    /// A CSV file in its place; `-` is the standard input.
    pub file: Option<PathBuf>,
    /// Most things wanted of a list.
    pub most: usize,
}

/// Things in one page.
const PAGE: usize = 1_000;

impl Call {
    /// Of things below the API's beginning; parts are encoded.
    pub fn new(method: Method, parts: &[&str]) -> Call {
        let path = parts.iter().map(|part| segment(part)).collect::<Vec<_>>().join("/");
        let (query, headers) = (Vec::new(), Vec::new());
        let (path, most) = (format!("{ROOT}/{path}"), usize::MAX);
        Call { method, path, query, headers, body: None, file: None, most }
    }

    /// With a parameter, if it has a value.
    pub fn param(mut self, name: &'static str, value: Option<impl ToString>) -> Call {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// With a parameter that is on or left out.
    pub fn flag(self, name: &'static str, is_on: bool) -> Call {
        self.param(name, is_on.then_some("true"))
    }

    /// A list with at most so many things; it comes in pages.
    pub fn list(mut self, most: Option<usize>) -> Call {
        self.most = most.unwrap_or(usize::MAX);
        let page = self.most.min(PAGE);
        self.param("limit", Some(page))
    }

    /// With a document.
    pub fn body(mut self, document: Document) -> Call {
        self.body = Some(Value::Object(document.0));
        self
    }

    /// With a CSV file.
    pub fn file(mut self, path: &Path) -> Call {
        self.file = Some(path.to_owned());
        self
    }

    /// Media type and text of the document, if there is one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn content(&self) -> Result<Option<(&'static str, String)>, Fault> {
        let Some(path) = &self.file else {
            return Ok(self.body.as_ref().map(|body| ("application/json", body.to_string())));
        };
        let text = match path.to_str() {
            Some("-") => std::io::read_to_string(std::io::stdin()),
            _ => std::fs::read_to_string(path),
        };
        let text = text.map_err(|error| {
            let path = path.display();
            format!("{path} cannot be read ({error}), so nothing was done; it is text in UTF-8")
        })?;
        Ok(Some((TEXT_CSV, text)))
    }

    /// Path and parameters, encoded.
    pub fn target(&self) -> String {
        let mut target = self.path.clone();
        for (at, (name, value)) in self.query.iter().enumerate() {
            target.push(if at == 0 { '?' } else { '&' });
            target.push_str(name);
            target.push('=');
            // In a parameter these mean something, too.
            let value = segment(value).replace('&', "%26").replace('+', "%2B");
            target.push_str(&value.replace('=', "%3D"));
        }
        target
    }

    /// Does it change something?
    pub fn is_act(&self) -> bool {
        self.method != Method::Get
    }
}

/// A document: what was given, nothing else.
#[derive(Debug, Clone, Default)]
pub struct Document(Map<String, Value>);

impl Document {
    /// With a property.
    pub fn put(mut self, name: &str, value: impl Into<Value>) -> Document {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// With a property, if it has a value.
    pub fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Document {
        match value {
            Some(value) => self.put(name, value),
            None => self,
        }
    }

    /// With an edit of a list, if there is any.
    pub fn list(self, name: &str, edit: Edit<'_>) -> Document {
        let Edit { set, add, remove } = edit;
        if set.is_none() && add.is_empty() && remove.is_empty() {
            return self;
        }
        let names = |names: &[String]| {
            let given = names.iter().filter(|name| !name.trim().is_empty());
            Value::from(given.cloned().collect::<Vec<_>>())
        };
        let edits = Document::default().maybe("set", set.as_deref().map(names));
        let edits = edits.put("add", names(add)).put("remove", names(remove));
        self.put(name, edits.0)
    }
}

/// How a list is to change.
pub struct Edit<'a> {
    /// In place of what is there.
    pub set: &'a Option<Vec<String>>,
    /// To be added.
    pub add: &'a [String],
    /// To be taken out.
    pub remove: &'a [String],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_stay_what_they_are() {
        let call = Call::new(Method::Get, &["rooms", "pool\\A/B? 100%"]);
        let call = call.param("reason", Some("a&b = c+d")).flag("force", true).flag("no", false);
        assert_eq!(
            call.target(),
            "/api/v1/rooms/pool%5CA%2FB%3F%20100%25?reason=a%26b%20%3D%20c%2Bd&force=true"
        );
    }

    #[test]
    fn an_empty_list_is_not_no_list() {
        let edit = |set| Edit { set, add: &[], remove: &[] };
        let nothing = Document::default().list("members", edit(&None));
        assert!(nothing.0.is_empty());
        let empty = Document::default().list("members", edit(&Some(vec![String::new()])));
        assert_eq!(empty.0["members"]["set"], Value::from(Vec::<String>::new()));
    }
}
