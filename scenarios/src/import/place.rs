//! Where in an input file something is wrong.
//!
//! Input files may be tens of megabytes, so a problem does not carry the file: it carries the one line in question,
//! and [`Excerpt`] shows that line to miette under its own line number.

use std::fmt;
use std::path::{Path, PathBuf};

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// Longest piece of a line that is quoted, bytes. One-line GeoJSON files are common.
const QUOTE_MAX: usize = 160;

/// A place in a file: which file, line, feature and field, as far as known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file as it was given.
    pub file: PathBuf,
    /// Line, counted from 1.
    pub line: Option<usize>,
    /// Feature or placemark, counted from 0 as in the file's array.
    pub feature: Option<usize>,
    /// The building's own id.
    pub id: Option<String>,
    /// Column, property or header field.
    pub field: Option<String>,
}

impl Place {
    /// The whole file.
    #[must_use]
    pub fn file(path: &Path) -> Self {
        Self { file: path.to_owned(), ..Self::default() }
    }

    /// A line of it.
    #[must_use]
    pub fn at_line(&self, line: usize) -> Self {
        Self { line: Some(line), ..self.clone() }
    }

    /// A field of it.
    #[must_use]
    pub fn at_field(&self, field: &str) -> Self {
        Self { field: Some(field.to_owned()), ..self.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(out, ", line {line}")?;
        }
        if let Some(feature) = self.feature {
            write!(out, ", feature {feature}")?;
        }
        if let Some(id) = &self.id {
            write!(out, " (id {id})")?;
        }
        if let Some(field) = &self.field {
            write!(out, ", `{field}`")?;
        }
        Ok(())
    }
}

/// One line of a file, shown under its true number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    name: String,
    line: usize,
    text: String,
    span: SourceSpan,
}

impl Excerpt {
    /// Line `line` (from 1) of `text`, with `part` of it marked (bytes within the line). Long lines are cut around the
    /// mark.
    #[must_use]
    pub fn of(path: &Path, text: &str, line: usize, part: Option<std::ops::Range<usize>>) -> Option<Self> {
        let full = text.lines().nth(line.checked_sub(1)?)?;
        Some(Self::single(path, full, line, part))
    }

    /// A line that is already at hand, under the number it has in its file.
    #[must_use]
    pub fn single(path: &Path, full: &str, line: usize, part: Option<std::ops::Range<usize>>) -> Self {
        let part = part.unwrap_or(0..full.len());
        let start = part.start.min(full.len());
        let end = part.end.clamp(start, full.len());
        let from = floor_boundary(full, if full.len() <= QUOTE_MAX { 0 } else { start.saturating_sub(QUOTE_MAX / 2) });
        let to = floor_boundary(full, full.len().min(from + QUOTE_MAX));
        let span = (start.min(to) - from, end.min(to) - start.min(to)).into();
        Self { name: path.display().to_string(), line, text: full[from..to].to_owned(), span }
    }

    /// The marked part.
    #[must_use]
    pub fn span(&self) -> SourceSpan {
        self.span
    }
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        _context_lines_before: usize,
        _context_lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        if span.offset() + span.len() > self.text.len() {
            return Err(MietteError::OutOfBounds);
        }
        let all = SourceSpan::from((0, self.text.len()));
        let line = self.line - 1;
        Ok(Box::new(MietteSpanContents::new_named(self.name.clone(), self.text.as_bytes(), all, line, 0, 1)))
    }
}

/// The line and column (both from 1; the column in bytes) of byte `offset`.
#[must_use]
pub fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line = before.iter().filter(|&&byte| byte == b'\n').count();
    let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count();
    (line + 1, column + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_shows_its_own_line_number() {
        let text = "a\nb\nlat,lon\n1,x\n";
        let excerpt = Excerpt::of(Path::new("p.csv"), text, 4, Some(2..3)).unwrap();
        let span = excerpt.span();
        let seen = excerpt.read_span(&span, 1, 1).unwrap();
        assert_eq!((seen.line(), seen.data(), seen.name()), (3, b"1,x".as_slice(), Some("p.csv")));
        assert_eq!((span.offset(), span.len()), (2, 1));
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let text = format!("{}é{}", "x".repeat(5000), "y".repeat(5000));
        let excerpt = Excerpt::of(Path::new("p"), &text, 1, Some(5000..5002)).unwrap();
        assert!(excerpt.text.len() <= QUOTE_MAX);
        let span = excerpt.span();
        assert_eq!(&excerpt.text[span.offset()..span.offset() + span.len()], "é");
        assert!(excerpt.read_span(&span, 0, 0).is_ok());
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        assert_eq!(line_column("ab\ncd", 0), (1, 1));
        assert_eq!(line_column("ab\ncd", 4), (2, 2));
        assert_eq!(line_column("ab\n", 99), (2, 1));
    }
}
