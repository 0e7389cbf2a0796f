//! A TOML value with the bytes it stands on.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// A value and its place.
pub(crate) struct Node {
    /// Bytes of the value; of a table written as `[name]`, its header.
    pub(crate) span: Range<usize>,
    /// The value.
    pub(crate) value: Value,
}

/// A value.
pub(crate) enum Value {
    /// `true`, `false`.
    Bool(bool),
    /// A whole number; beyond 128 bits, `None`.
    Integer(Option<i128>, String),
    /// A decimal number, `nan`, `inf`.
    Float(f64),
    /// Text.
    Text(String),
    /// A date or time without quotes.
    Date(String),
    /// `[…]`.
    Array(Vec<Node>),
    /// A table, its entries by key.
    Table(Vec<Entry>),
}

/// A key with its value.
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) node: Node,
}

impl Node {
    pub(super) fn table(span: Range<usize>, table: &DeTable<'_>) -> Self {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_span: key.span(),
                node: Self::of(value.span(), value.get_ref()),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        Self { span, value: Value::Table(entries) }
    }

    fn of(span: Range<usize>, value: &DeValue<'_>) -> Self {
        let value = match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => {
                let text = number.as_str().replace('_', "");
                Value::Integer(i128::from_str_radix(&text, number.radix()).ok(), number.to_string())
            }
            DeValue::Float(number) => Value::Float(number.as_str().replace('_', "").parse().unwrap_or(f64::INFINITY)),
            DeValue::Boolean(yes) => Value::Bool(*yes),
            DeValue::Datetime(date) => Value::Date(date.to_string()),
            DeValue::Array(items) => {
                Value::Array(items.iter().map(|item| Self::of(item.span(), item.get_ref())).collect())
            }
            DeValue::Table(table) => return Self::table(span, table),
        };
        Self { span, value }
    }

    /// The value under a key, or at an index.
    pub(crate) fn child(&self, step: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(entries) => entries.iter().find(|entry| entry.key == step).map(|entry| &entry.node),
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// What stands there, in words.
    pub(crate) fn words(&self) -> String {
        match &self.value {
            Value::Bool(yes) => format!("`{yes}`"),
            Value::Integer(_, text) => format!("the whole number {text}"),
            Value::Float(number) => format!("the decimal number {number:?}"),
            Value::Text(text) => format!("the text \"{}\"", text.chars().take(40).collect::<String>()),
            Value::Date(date) => format!("the date {date}"),
            Value::Array(_) => "a list".to_owned(),
            Value::Table(_) => "a table".to_owned(),
        }
    }
}
