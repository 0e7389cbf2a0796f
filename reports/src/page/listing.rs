//! Tables that sort by any column: those who waited longest, repairs, and whatever the records will hold.

use crate::data::{Listing, ReportData};

use super::html::{arch_name, esc, open, push};

/// A table; `sort.js` makes its headings buttons.
pub(super) fn table(out: &mut String, label: &str, listing: &Listing) {
    push!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table class=\"list\" data-sort><thead><tr>",
        esc(label)
    );
    for heading in &listing.columns {
        push!(
            out,
            "<th scope=\"col\"{}>{}</th>",
            if heading.numeric { " class=\"n\"" } else { "" },
            esc(&heading.words)
        );
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &listing.rows {
        out.push_str("<tr>");
        for (cell, heading) in row.iter().zip(&listing.columns) {
            let class = if heading.numeric { " class=\"n\"" } else { "" };
            let sort = cell.sort.map(|v| format!(" data-v=\"{v}\"")).unwrap_or_default();
            push!(out, "<td{class}{sort}>{}</td>", esc(&cell.text));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    if listing.left_out > 0 {
        push!(out, "<p class=\"foot\">And {} more, in the tables beside this page.</p>\n", listing.left_out);
    }
}

/// Repairs, where the run keeps records of them.
pub(super) fn repairs(out: &mut String, data: &ReportData) {
    if data.architectures.iter().all(|arch| arch.repairs.is_none()) {
        return;
    }
    open(
        out,
        "repairs",
        "Repairs",
        "What broke, how it was noticed, and how long each step took; longest first. The times of the steps are assumed: no \
         field study of them was found. Choose a heading to sort.",
    );
    for (i, arch) in data.architectures.iter().enumerate() {
        let Some(listing) = &arch.repairs else { continue };
        push!(out, "<h3>{}</h3>\n", arch_name(data, i));
        if !listing.summary.is_empty() {
            push!(out, "<p>{}</p>\n", esc(&listing.summary));
        }
        if listing.rows.is_empty() {
            out.push_str("<p>Nothing broke.</p>\n");
        } else {
            table(out, &format!("Repairs with {}", arch.name), listing);
        }
    }
    out.push_str("</section>\n");
}
