//! A document held against a JSON Schema, as schemars derives it from our types: every key that is not known, every
//! value of the wrong type, every word that is not allowed, each with its place.
//!
//! Only what schemars writes for our own types is understood: objects, arrays, `enum`, `const`, `$ref`, `oneOf` and
//! `anyOf` (optional values and enums), `minimum` of unsigned numbers. Ranges are checked by the types themselves.

use serde_json::{Map, Value as Json};

use super::suggest::{did_you_mean, same_quantity};
use super::{Document, Node, Value};
use crate::diagnostics::{Diagnostics, PlanProblem, SettingProblem};
use crate::schema::SEED_MAX;

/// Keys below are traits, and have diagnoses of their own.
const ARCHITECTURE: &str = "architecture.";

/// Adds everything in which `document` departs from `schema`.
pub(super) fn walk(document: &Document, schema: &Json, found: &mut Diagnostics) {
    Walk { document, root: schema, found }.node(&document.root, schema, "");
}

struct Walk<'a> {
    document: &'a Document,
    root: &'a Json,
    found: &'a mut Diagnostics,
}

impl<'a> Walk<'a> {
    fn node(&mut self, node: &Node, schema: &'a Json, path: &str) {
        let schema = self.resolve(schema);
        if let Some(words) = self.words(schema) {
            return self.word(node, &words, schema, path);
        }
        let branches: Vec<&'a Json> = ["oneOf", "anyOf"]
            .iter()
            .filter_map(|key| schema.get(key)?.as_array())
            .flatten()
            .map(|branch| self.resolve(branch))
            .filter(|branch| branch.get("type").and_then(Json::as_str) != Some("null"))
            .collect();
        match (branches.as_slice(), &node.value) {
            ([], _) => self.plain(node, schema, path),
            ([one], _) => self.node(node, one, path),
            (many, Value::Table(entries)) => self.choose(entries, many, node, path),
            (many, _) => match many.iter().find(|branch| fits(&node.value, branch)) {
                Some(branch) => self.node(node, branch, path),
                None => self.wrong_type(node, schema, many.first().copied().unwrap_or(schema), path),
            },
        }
    }

    /// A table for one of several shapes: the one whose key it has.
    fn choose(&mut self, entries: &[super::node::Entry], many: &[&'a Json], node: &Node, path: &str) {
        let of =
            |key: &str| many.iter().find(|branch| branch.pointer("/properties").is_some_and(|p| p.get(key).is_some()));
        if let Some(branch) = entries.iter().find_map(|entry| of(&entry.key)) {
            return self.node(node, branch, path);
        }
        let keys: Vec<&str> = many
            .iter()
            .filter_map(|b| b.get("properties")?.as_object())
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect();
        match entries.first() {
            Some(entry) => self.unknown_key(entry, &keys, path),
            None => self.found.push(SettingProblem::MissingKey {
                at: self.document.at(path),
                key: keys.first().copied().unwrap_or_default().to_owned(),
                example: format!("one of {}", keys.join(", ")),
            }),
        }
    }

    fn plain(&mut self, node: &Node, schema: &'a Json, path: &str) {
        match &node.value {
            Value::Float(number) if !number.is_finite() => {
                self.found.push(SettingProblem::NotFinite {
                    at: self.document.at(path),
                    value: number.to_string().to_lowercase(),
                });
            }
            value if !fits(value, schema) => self.wrong_type(node, schema, schema, path),
            Value::Table(entries) => self.table(entries, schema, path),
            Value::Array(items) => {
                let wanted = schema
                    .get("maxItems")
                    .and_then(Json::as_u64)
                    .filter(|_| schema.get("minItems") == schema.get("maxItems"));
                if let Some(wanted) = wanted.filter(|&wanted| wanted != items.len() as u64) {
                    let at = self.document.at(path);
                    let found = format!("{} values", items.len());
                    let wanted = format!("a list of {wanted} values");
                    self.found.push(SettingProblem::WrongType {
                        at,
                        wanted,
                        found,
                        hint: "as in [33.6121, -2.8498]".to_owned(),
                    });
                }
                for (index, item) in items.iter().enumerate() {
                    if let Some(of_item) = schema.get("items") {
                        self.node(item, of_item, &join(path, &index.to_string()));
                    }
                }
            }
            Value::Integer(number, text) => {
                let low = schema.get("minimum").and_then(Json::as_f64);
                if low.is_some_and(|low| number.is_some_and(|n| (n as f64) < low)) {
                    self.found.push(SettingProblem::Negative {
                        at: self.document.at(path),
                        value: text.clone(),
                        allowed: "whole numbers, 0 or more".to_owned(),
                    });
                } else if schema.get("type").is_some_and(|t| is_type(t, "integer")) && beyond(*number, schema) {
                    if path == "run.seed" {
                        let at = self.document.at(path);
                        return self.found.push(PlanProblem::Seed { at, found: text.clone(), max: SEED_MAX });
                    }
                    let allowed = "a smaller whole number".to_owned();
                    self.found.push(SettingProblem::OutOfRange {
                        at: self.document.at(path),
                        value: text.clone(),
                        allowed,
                    });
                }
            }
            _ => {}
        }
    }

    fn table(&mut self, entries: &[super::node::Entry], schema: &'a Json, path: &str) {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Json::as_object);
        let others = schema.get("additionalProperties").filter(|other| other.is_object());
        let keys: Vec<&str> = properties.unwrap_or(&empty).keys().map(String::as_str).collect();
        for entry in entries {
            match (properties.and_then(|known| known.get(&entry.key)), others) {
                (Some(of_key), _) | (None, Some(of_key)) => self.node(&entry.node, of_key, &join(path, &entry.key)),
                (None, None) => self.unknown_key(entry, &keys, path),
            }
        }
        for key in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            if !entries.iter().any(|entry| entry.key == key) {
                let example = properties
                    .and_then(|known| known.get(key))
                    .map_or_else(String::new, |of_key| self.example(key, of_key));
                self.found.push(SettingProblem::MissingKey {
                    at: self.document.at(path),
                    key: key.to_owned(),
                    example,
                });
            }
        }
    }

    fn unknown_key(&mut self, entry: &super::node::Entry, keys: &[&str], path: &str) {
        let at = self.document.at_key(entry.key_span.clone(), &join(path, &entry.key));
        let key = entry.key.clone();
        if path.starts_with(ARCHITECTURE) {
            let (suggestion, allowed) = (did_you_mean(&key, keys.iter().copied()), keys.join(", "));
            return self.found.push(PlanProblem::UnknownTrait { at, name: key, suggestion, allowed });
        }
        let problem = match same_quantity(&key, keys.iter().copied()) {
            Some((wanted, unit)) => SettingProblem::WrongUnit { at, key, wanted: wanted.to_owned(), unit },
            None => SettingProblem::UnknownKey {
                at,
                suggestion: did_you_mean(&key, keys.iter().copied()),
                key,
                allowed: keys.join(", "),
            },
        };
        self.found.push(problem);
    }

    fn word(&mut self, node: &Node, words: &[&str], schema: &Json, path: &str) {
        let Value::Text(text) = &node.value else { return self.wrong_type(node, schema, schema, path) };
        if words.contains(&text.as_str()) {
            return;
        }
        let (at, value, allowed) = (self.document.at(path), text.clone(), words.join(", "));
        let suggestion = did_you_mean(text, words.iter().copied());
        if path.starts_with(ARCHITECTURE) {
            let name = path.rsplit('.').next().unwrap_or(path).to_owned();
            self.found.push(PlanProblem::TraitValue { at, name, value, suggestion, allowed });
        } else {
            self.found.push(SettingProblem::UnknownWord { at, value, suggestion, allowed });
        }
    }

    fn wrong_type(&mut self, node: &Node, outer: &Json, schema: &Json, path: &str) {
        let wanted = match type_of(schema) {
            _ if self.words(schema).is_some() => "a word in quotes",
            "integer" => "a whole number",
            "number" => "a number",
            "string" => "text in quotes",
            "boolean" => "true or false",
            "array" => "a list",
            "object" => "a table",
            _ => "another value",
        };
        let quoted = matches!(&node.value, Value::Text(text) if text.trim().parse::<f64>().is_ok());
        let hint = match outer.get("description").and_then(Json::as_str).or_else(|| schema.get("description")?.as_str())
        {
            _ if quoted => "write numbers without quotes".to_owned(),
            Some(text) => text.replace('\n', " "),
            None => format!("write {wanted}"),
        };
        let (at, found) = (self.document.at(path), node.words());
        self.found.push(SettingProblem::WrongType { at, wanted: wanted.to_owned(), found, hint });
    }

    fn example(&self, key: &str, schema: &'a Json) -> String {
        let resolved = self.resolve(schema);
        let what = match schema.get("description").or_else(|| resolved.get("description")).and_then(Json::as_str) {
            Some(text) => text.replace('\n', " "),
            None => type_of(resolved).to_owned(),
        };
        format!("{key} = … ({})", what.trim_end_matches('.'))
    }

    /// The words of an enum without data.
    fn words(&self, schema: &'a Json) -> Option<Vec<&'a str>> {
        if let Some(list) = schema.get("enum").and_then(Json::as_array) {
            return Some(list.iter().filter_map(Json::as_str).collect());
        }
        let list = schema.get("oneOf")?.as_array()?;
        let mut words = Vec::new();
        for branch in list {
            match (branch.get("const"), branch.get("enum").and_then(Json::as_array)) {
                (Some(word), _) => words.push(word.as_str()?),
                (None, Some(many)) => words.extend(many.iter().filter_map(Json::as_str)),
                (None, None) => return None,
            }
        }
        Some(words)
    }

    fn resolve(&self, mut schema: &'a Json) -> &'a Json {
        for _ in 0..8 {
            let Some(target) = schema.get("$ref").and_then(Json::as_str) else { break };
            let Some(found) = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) else { break };
            schema = found;
        }
        schema
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn type_of(schema: &Json) -> &str {
    match schema.get("type") {
        Some(Json::String(name)) => name,
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).find(|name| *name != "null").unwrap_or(""),
        _ => "",
    }
}

fn is_type(types: &Json, name: &str) -> bool {
    types.as_str() == Some(name) || types.as_array().is_some_and(|list| list.iter().any(|t| t.as_str() == Some(name)))
}

/// Whether a value has the type a schema asks for; a schema without a type takes all.
fn fits(value: &Value, schema: &Json) -> bool {
    let Some(types) = schema.get("type") else { return true };
    match value {
        Value::Bool(_) => is_type(types, "boolean"),
        Value::Integer(..) => is_type(types, "integer") || is_type(types, "number"),
        Value::Float(_) => is_type(types, "number"),
        Value::Text(_) | Value::Date(_) => is_type(types, "string"),
        Value::Array(_) => is_type(types, "array"),
        Value::Table(_) => is_type(types, "object"),
    }
}

/// Whether a whole number does not fit the Rust type behind the schema's format.
fn beyond(number: Option<i128>, schema: &Json) -> bool {
    let Some(number) = number else { return true };
    let max = match schema.get("format").and_then(Json::as_str) {
        Some("uint8") => i128::from(u8::MAX),
        Some("uint16") => i128::from(u16::MAX),
        Some("uint32") => i128::from(u32::MAX),
        Some("int32") => i128::from(i32::MAX),
        _ => i128::from(i64::MAX),
    };
    number > max
}
