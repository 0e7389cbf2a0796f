//! The longest darknesses, told along their chains.

use crate::{
    data::{HOUR_MS, ReportData, Story},
    numbers::{duration, number},
    prose::{because, capital},
    time,
};

use super::html::{arch_name, esc, open, push};

pub(super) fn section(out: &mut String, data: &ReportData) {
    if data.architectures.iter().all(|arch| arch.stories.is_empty()) {
        return;
    }
    open(
        out,
        "stories",
        "The longest darknesses",
        "Each with the chain that led to it. Customers who sat in the dark at the same time for the same reason share a \
         story.",
    );
    push!(out, "<div class=\"{}\">\n", if data.architectures.len() == 2 { "pair" } else { "" });
    for (i, arch) in data.architectures.iter().enumerate() {
        push!(out, "<div class=\"told\"><h3>{}</h3>\n", arch_name(data, i));
        if arch.stories.is_empty() {
            out.push_str("<p>Nobody was in the dark.</p>\n");
        } else {
            out.push_str("<ol>\n");
            for story in &arch.stories {
                push!(out, "<li>{}</li>\n", tell(data, story));
            }
            out.push_str("</ol>\n");
        }
        out.push_str("</div>\n");
    }
    out.push_str("</div>\n</section>\n");
}

/// A story as a few sentences of HTML.
fn tell(data: &ReportData, story: &Story) -> String {
    let at = time::local(data.run.start_unix_s, data.scenario.utc_offset_s, story.from_ms);
    let who = match &story.name {
        Some(id) => format!("customer {}", esc(id)),
        None if story.customers as usize == data.village.customers.len() => {
            format!("all {} customers", story.customers)
        }
        None => format!("{} customers", story.customers),
    };
    let feeder = story.feeder.as_ref().map(|id| format!(" (feeder {})", esc(id))).unwrap_or_default();
    let length = duration(story.longest_ms);
    let length = if story.customers == 1 {
        format!("for {length}")
    } else if story.median_ms * 10 > story.longest_ms * 9 {
        format!("for up to {length}")
    } else {
        format!("for up to {length} (half of them {} or more)", duration(story.median_ms))
    };
    let mut text = format!("<b>From {} on, {who}{feeder} had no light {length}:</b> ", time::moment(at));
    for (i, phase) in story.phases.iter().enumerate() {
        let chain = because(&phase.because);
        let chain = if let Some(noun) = chain.strip_prefix("of ") { format!("because of {noun}") } else { chain };
        if story.phases.len() > 1 {
            let then = if i == 0 { "for" } else { "then for" };
            push!(text, "{then} {} {}; ", duration(phase.ms), esc(&chain));
        } else {
            push!(text, "{}. ", esc(&chain));
        }
    }
    let mut text = text.trim_end().trim_end_matches(';').to_owned();
    if !text.ends_with('.') {
        text.push('.');
    }
    if story.customers > 1 {
        push!(text, " <small>{} customer-hours.</small>", number(story.lost_ms as f64 / HOUR_MS as f64, 0));
    }
    if story.open_end {
        text.push_str(" <small>It was not over when the run ended.</small>");
    }
    capital(&text)
}
