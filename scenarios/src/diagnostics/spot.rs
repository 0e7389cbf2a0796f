//! A place in an input file, with the line to show.

use std::fmt;
use std::path::Path;

use miette::{Diagnostic, LabeledSpan, SourceCode};

use crate::import::{Excerpt, Place, line_column};

/// Where a problem is, and what the reader is shown of it. Boxed: errors stay small.
#[derive(Clone, Debug, PartialEq)]
pub struct Spot(Box<Inner>);

#[derive(Clone, Debug, PartialEq)]
struct Inner {
    place: Place,
    column: Option<usize>,
    excerpt: Option<Excerpt>,
    label: &'static str,
}

impl Spot {
    /// A file as a whole.
    #[must_use]
    pub fn file(path: &Path) -> Self {
        Self::at(Place::file(path))
    }

    /// A place without a line to show.
    #[must_use]
    pub fn at(place: Place) -> Self {
        Self(Box::new(Inner { place, column: None, excerpt: None, label: "here" }))
    }

    /// Bytes `span` of `text`, read from `path`.
    #[must_use]
    pub fn span(path: &Path, text: &str, span: std::ops::Range<usize>) -> Self {
        let (line, column) = line_column(text, span.start);
        let from = column - 1;
        let to = from + span.len().max(1);
        Self(Box::new(Inner {
            place: Place { line: Some(line), ..Place::file(path) },
            column: Some(column),
            excerpt: Excerpt::of(path, text, line, Some(from..to)),
            label: "here",
        }))
    }

    /// The same spot, naming the field.
    #[must_use]
    pub fn field(mut self, field: &str) -> Self {
        self.0.place.field = Some(field.to_owned());
        self
    }

    /// The same spot, naming the feature and its id.
    #[must_use]
    pub fn feature(mut self, index: usize, id: &str) -> Self {
        self.0.place.feature = Some(index);
        self.0.place.id = (!id.is_empty()).then(|| id.to_owned());
        self
    }

    /// The same spot with words under the mark.
    #[must_use]
    pub fn label(mut self, label: &'static str) -> Self {
        self.0.label = label;
        self
    }

    /// File, line, feature, field.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// Column in bytes, from 1.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.0.column
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.place.fmt(out)
    }
}

impl std::error::Error for Spot {}

impl Diagnostic for Spot {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.0.excerpt.as_ref()?.span();
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(Some(self.0.label.to_owned()), span))))
    }
}
