//! A TOML file with the place of every key and value, so that problems found late still point at their line.
//!
//! Serde stops at the first problem and, once a struct is filled, has forgotten where its values stood. So a file is
//! parsed once into a [`Document`], held against the JSON Schema of its Rust type ([`walk`]: unknown keys, wrong
//! types, unknown words, all of them at once), and only then given to serde, which cannot fail any more. Range checks
//! come later and ask the document where a field stands ([`Document::at`]).

mod node;
mod suggest;
mod walk;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::de::DeTable;

pub(crate) use node::{Node, Value};
pub(crate) use suggest::{closest, did_you_mean};

use crate::diagnostics::{Diagnostics, SettingProblem, Spot};
use crate::import::read_text;

/// Largest TOML file that is read, bytes.
const BYTES_MAX: u64 = 1 << 20;

/// A parsed file.
pub(crate) struct Document {
    path: PathBuf,
    text: String,
    root: Node,
}

impl Document {
    /// Reads and parses a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Diagnostics> {
        let text = read_text(path, BYTES_MAX)?;
        Self::parse(path, text)
    }

    /// Parses text that is known as `path`. All syntax errors are reported.
    pub(crate) fn parse(path: &Path, text: String) -> Result<Self, Diagnostics> {
        let (table, errors) = DeTable::parse_recoverable(&text);
        if errors.is_empty() {
            let root = Node::table(table.span(), table.get_ref());
            return Ok(Self { path: path.to_owned(), text, root });
        }
        let mut found = Diagnostics::default();
        for error in errors {
            let at = error.span().map_or_else(|| Spot::file(path), |span| Spot::span(path, &text, span));
            found.push(SettingProblem::Syntax { at, reason: error.message().trim().replace('\n', ", ") });
        }
        Err(found)
    }

    /// The typed content, or everything that does not fit the type.
    pub(crate) fn typed<T: DeserializeOwned + schemars::JsonSchema>(&self) -> Result<T, Diagnostics> {
        let schema = schemars::schema_for!(T).to_value();
        let mut found = Diagnostics::default();
        walk::walk(self, &schema, &mut found);
        if found.has_errors() {
            return Err(found);
        }
        toml::from_str(&self.text).map_err(|error| {
            let at = error.span().map_or_else(|| Spot::file(&self.path), |span| self.spot(span));
            SettingProblem::Syntax { at, reason: error.message().to_owned() }.into()
        })
    }

    /// The value at a path of keys; numbers are indices into arrays.
    pub(crate) fn get(&self, path: &str) -> Option<&Node> {
        let mut node = &self.root;
        for step in path.split('.') {
            node = node.child(step)?;
        }
        Some(node)
    }

    /// The path of a field of a table, or of a table in it, whichever is written.
    pub(crate) fn within(&self, section: &str, field: &str) -> String {
        let own = format!("{section}.{field}");
        if self.get(&own).is_some() {
            return own;
        }
        let inner = self.get(section).and_then(|table| match &table.value {
            Value::Table(entries) => entries.iter().find(|entry| entry.node.child(field).is_some()),
            _ => None,
        });
        inner.map_or(own, |entry| format!("{section}.{}.{field}", entry.key))
    }

    /// A whole number, where one stands.
    pub(crate) fn integer(&self, path: &str) -> Option<i64> {
        match self.get(path)?.value {
            Value::Integer(number, _) => i64::try_from(number?).ok(),
            _ => None,
        }
    }

    /// Where a field stands; where it is left out, its nearest table.
    pub(crate) fn at(&self, path: &str) -> Spot {
        let mut node = &self.root;
        let mut span = None;
        for step in path.split('.') {
            let Some(next) = node.child(step) else { break };
            node = next;
            span = Some(node.span.clone());
        }
        let spot = span.map_or_else(|| Spot::file(&self.path), |span| self.spot(span));
        spot.field(path)
    }

    /// Where a key (not its value) stands.
    fn at_key(&self, span: std::ops::Range<usize>, path: &str) -> Spot {
        self.spot(span).field(path)
    }

    fn spot(&self, span: std::ops::Range<usize>) -> Spot {
        Spot::span(&self.path, &self.text, span)
    }

    /// The folder to which paths in this file are relative.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }
}
