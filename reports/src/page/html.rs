//! Small helpers for writing HTML.

use std::borrow::Cow;

/// Appends formatted text to a `String`, which cannot fail.
macro_rules! push {
    ($out:expr, $($arg:tt)*) => {{
        use std::fmt::Write as _;
        let _ = write!($out, $($arg)*);
    }};
}
pub(super) use push;

use crate::data::ReportData;

/// Text made safe between tags and inside double-quoted attributes.
#[must_use]
pub fn esc(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Opens a section with a heading and a line that says how to read it.
pub(super) fn open(out: &mut String, id: &str, title: &str, lead: &str) {
    push!(out, "<section id=\"{id}\">\n<h2>{title}</h2>\n");
    if !lead.is_empty() {
        push!(out, "<p class=\"lead\">{lead}</p>\n");
    }
}

/// An architecture's name with its colour.
pub(super) fn arch_name(data: &ReportData, index: usize) -> String {
    let name = data.architectures.get(index).map_or("", |arch| arch.name.as_str());
    format!("<span class=\"arch a{}\">{}</span>", index % 4, esc(name))
}

/// A switch between architectures that all parts of the page follow; nothing where there is only one.
pub(super) fn arch_switch(out: &mut String, data: &ReportData, group: &str) {
    if data.architectures.len() < 2 {
        return;
    }
    push!(out, "<fieldset class=\"switch\" data-arch-switch><legend>Architecture</legend>");
    for (i, arch) in data.architectures.iter().enumerate() {
        push!(
            out,
            "<label><input type=\"radio\" name=\"arch-{group}\" value=\"{i}\"{}><span>{}</span></label>",
            if i == 0 { " checked" } else { "" },
            esc(&arch.name)
        );
    }
    out.push_str("</fieldset>\n");
}

/// A legend: colour class and words.
pub(super) fn legend(out: &mut String, entries: &[(&str, &str)]) {
    out.push_str("<ul class=\"legend\">");
    for (class, words) in entries {
        push!(out, "<li><i class=\"{class}\"></i>{words}</li>");
    }
    out.push_str("</ul>\n");
}

#[cfg(test)]
mod tests {
    use super::esc;

    #[test]
    fn markup_in_names_stays_text() {
        assert_eq!(esc("<b a=\"1\">&'"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;");
        assert_eq!(esc("Jija"), "Jija");
    }
}
