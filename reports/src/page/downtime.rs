//! Lost hours by class and by root cause: bars, and a table whose columns add up to the total.

use taa_sim::cause::DownClass;

use crate::{
    data::{CauseRow, HOUR_MS, ReportData},
    numbers::{apportion, number, percent},
    words,
};

use super::html::{arch_name, esc, legend, open, push};

/// Figures are shown to a tenth of an hour.
const STEP_MS: u64 = HOUR_MS / 10;

pub(super) fn section(out: &mut String, data: &ReportData) {
    open(
        out,
        "why",
        "Lost hours by class and cause",
        "Customer-hours. Each lost hour has one class and one chain of causes, and counts for the last cause in it: \
         the root.",
    );
    if data.architectures.iter().all(|arch| arch.lost_h() < 1e-9) {
        out.push_str("<p>Nobody lost an hour.</p>\n</section>\n");
        return;
    }
    legend(out, &[("c0", "no supply"), ("c1", "credit stuck"), ("c2", "payment blocked")]);
    bars(out, data);
    table(out, data);
    out.push_str("</section>\n");
}

fn bars(out: &mut String, data: &ReportData) {
    let most = data.architectures.iter().map(|arch| arch.lost_ms().iter().sum()).max().unwrap_or(1).max(1) as f64;
    out.push_str("<div class=\"classes\">\n");
    for (i, arch) in data.architectures.iter().enumerate() {
        let lost = arch.lost_ms();
        let (steps, total) = apportion(&lost, STEP_MS);
        push!(
            out,
            "<div class=\"classrow\"><p>{}<b>{} h</b></p><div class=\"track\">",
            arch_name(data, i),
            tenths(total)
        );
        for class in DownClass::ALL {
            let n = class as usize;
            if lost[n] == 0 {
                continue;
            }
            push!(
                out,
                "<i class=\"c{n}\" style=\"width:{:.3}%\" title=\"{}: {} h\"></i>",
                lost[n] as f64 / most * 100.0,
                words::class_name(class),
                tenths(steps[n])
            );
        }
        let spoken: Vec<String> = DownClass::ALL
            .iter()
            .map(|&class| format!("{} {} h", words::class_name(class), tenths(steps[class as usize])))
            .collect();
        push!(out, "</div><p class=\"split\">{}</p></div>\n", spoken.join(" · "));
    }
    out.push_str("</div>\n");
}

/// Causes over all architectures, those that cost most first.
fn union(data: &ReportData) -> Vec<(&CauseRow, Vec<Option<&CauseRow>>)> {
    let mut rows: Vec<(&CauseRow, Vec<Option<&CauseRow>>)> = Vec::new();
    for (i, arch) in data.architectures.iter().enumerate() {
        for cause in &arch.causes {
            let at = rows.iter().position(|row| row.0.key == cause.key).unwrap_or_else(|| {
                rows.push((cause, vec![None; data.architectures.len()]));
                rows.len() - 1
            });
            rows[at].1[i] = Some(cause);
        }
    }
    let total = |row: &(&CauseRow, Vec<Option<&CauseRow>>)| row.1.iter().flatten().map(|c| c.total_ms()).sum::<u64>();
    rows.sort_by(|a, b| total(b).cmp(&total(a)).then_with(|| a.0.key.cmp(&b.0.key)));
    rows
}

fn table(out: &mut String, data: &ReportData) {
    let rows = union(data);
    let ms = |row: usize, arch: usize| rows[row].1[arch].map_or(0, CauseRow::total_ms);
    let shown: Vec<(Vec<u64>, u64)> = (0..data.architectures.len())
        .map(|arch| apportion(&(0..rows.len()).map(|row| ms(row, arch)).collect::<Vec<_>>(), STEP_MS))
        .collect();
    let most = (0..rows.len()).flat_map(|row| (0..shown.len()).map(move |arch| (row, arch)));
    let most = most.map(|(row, arch)| ms(row, arch)).max().unwrap_or(1).max(1) as f64;
    out.push_str("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Causes\"><table class=\"causes\" id=\"causes\"><thead><tr><th scope=\"col\">Root cause</th>");
    for i in 0..shown.len() {
        push!(out, "<th scope=\"col\" class=\"n\" colspan=\"2\">{} h</th>", arch_name(data, i));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for (r, (cause, by_arch)) in rows.iter().enumerate() {
        push!(out, "<tr data-cause=\"{}\"><th scope=\"row\">{}", esc(&cause.key), esc(&cause.words));
        if cause.chain.len() > 1 {
            push!(out, "<small>{}</small>", esc(&cause.chain.join(" ← ")));
        }
        out.push_str("</th>");
        for (i, (steps, total)) in shown.iter().enumerate() {
            push!(
                out,
                "<td class=\"n\" data-tenths=\"{}\">{}</td><td class=\"share\"><span class=\"mini\">",
                steps[r],
                tenths(steps[r])
            );
            if let Some(row) = by_arch[i] {
                for (class, ms) in row.ms.iter().enumerate().filter(|(_, ms)| **ms > 0) {
                    push!(out, "<i class=\"c{class}\" style=\"width:{:.2}%\"></i>", *ms as f64 / most * 100.0);
                }
            }
            push!(out, "</span><small>{}</small></td>", percent(steps[r] as f64 / (*total).max(1) as f64));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n<tfoot><tr><th scope=\"row\">Together</th>");
    for (_, total) in &shown {
        push!(out, "<td class=\"n\" data-tenths=\"{total}\">{}</td><td></td>", tenths(*total));
    }
    out.push_str("</tr></tfoot></table></div>\n");
}

fn tenths(steps: u64) -> String {
    number(steps as f64 / 10.0, 1)
}
