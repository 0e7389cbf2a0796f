//! A table of any kind that the page shows and sorts: records become one of these in `extract`, and need no page code.

use serde::{Deserialize, Serialize};

/// A table with headings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// What the table says, in a few sentences over it; may be empty.
    #[serde(default)]
    pub summary: String,
    /// Headings; numbers stand to the right.
    pub columns: Vec<Heading>,
    /// Rows of as many cells as there are headings.
    pub rows: Vec<Vec<Cell>>,
    /// Rows that are left out because the page would grow too long.
    pub left_out: u32,
}

/// A heading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heading {
    /// In words, with the unit.
    pub words: String,
    /// The column holds numbers, times or lengths of time.
    pub numeric: bool,
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// As written.
    pub text: String,
    /// What a numeric column is sorted by.
    pub sort: Option<f64>,
}

impl Listing {
    /// An empty table with these headings: words, and whether the column is numeric.
    #[must_use]
    pub fn new(columns: &[(&str, bool)]) -> Self {
        let columns = columns.iter().map(|&(words, numeric)| Heading { words: words.to_owned(), numeric }).collect();
        Self { summary: String::new(), columns, rows: Vec::new(), left_out: 0 }
    }
}

impl Cell {
    /// A cell of words.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), sort: None }
    }

    /// A cell that is sorted by a number.
    #[must_use]
    pub fn number(text: impl Into<String>, sort: f64) -> Self {
        Self { text: text.into(), sort: Some(sort) }
    }
}
