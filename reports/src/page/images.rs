//! A firmware update: how far it was when, and the readings beside it.

use crate::{
    data::{HOUR_MS, ImageFigures, ReportData},
    numbers::{duration, number},
    time,
};

use super::{
    chart::{Plot, SPAN, line, steps, y_axis},
    html::{arch_name, esc, legend, open, push},
};

/// The section; nothing without an update.
pub(super) fn section(out: &mut String, data: &ReportData) {
    if !there(data) {
        return;
    }
    open(
        out,
        "update",
        "The new image",
        "A firmware update goes block by block behind everything else. Were it to crowd out the readings, their line would \
         dip while the others climb. A dark meter is not read either: a dip while part of the village is dark is the dark.",
    );
    legend(
        out,
        &[("used", "blocks arrived"), ("ln served", "meters that run it"), ("ln wanted", "readings that came")],
    );
    out.push_str("<div class=\"pair\">\n");
    for (i, arch) in data.architectures.iter().enumerate() {
        let Some(images) = &arch.images else { continue };
        push!(out, "<figure><figcaption>{}</figcaption>\n", arch_name(data, i));
        curve(out, data, images, &arch.name);
        push!(out, "<p class=\"foot\">{}</p>\n</figure>\n", esc(&words(data, images)));
    }
    out.push_str("</div>\n</section>\n");
}

/// Some architecture was to be updated.
pub(super) fn there(data: &ReportData) -> bool {
    data.architectures.iter().any(|arch| arch.images.is_some())
}

fn words(data: &ReportData, images: &ImageFigures) -> String {
    let at = time::moment(time::local(data.run.start_unix_s, data.scenario.utc_offset_s, images.from_ms));
    let failed = if images.failed > 0 { format!(", {} given up", images.failed) } else { String::new() };
    format!(
        "Image {} of {} kB, ordered {at}: {} of {} meters run it{failed}; {} blocks were taken, repeats included. Shown: {}.",
        images.identifier,
        images.image_kb,
        images.activated,
        images.meters,
        images.blocks_sent,
        duration(images.span_ms),
    )
}

fn curve(out: &mut String, data: &ReportData, images: &ImageFigures, name: &str) {
    let (top, y_ticks) = y_axis(100.0, "%");
    let share = |values: &[f64]| values.iter().map(|v| v * 100.0 / top).collect::<Vec<_>>();
    let blocks = line(share(&images.blocks).into_iter());
    let hours = images.span_ms / HOUR_MS;
    let step = (hours.div_ceil(5)).max(1);
    let ticks = (0..hours).step_by(usize::try_from(step).unwrap_or(1)).map(|hour| {
        let at_ms = images.from_ms + hour * HOUR_MS;
        let at = time::local(data.run.start_unix_s, data.scenario.utc_offset_s, at_ms);
        (hour as f64 / hours.max(1) as f64, time::moment(at))
    });
    Plot {
        label: &format!(
            "Update with {name}: {} of {} meters run the image at the end",
            images.activated, images.meters
        ),
        height_px: 180,
        y_ticks,
        x_ticks: ticks.collect(),
        grid: true,
        view: (SPAN, SPAN),
        attributes: String::new(),
        body: format!(
            "<path class=\"used\" d=\"{blocks}L{SPAN} {SPAN}L0 {SPAN}Z\"/><path class=\"served\" d=\"{}\"/>\
             <path class=\"wanted\" d=\"{}\"/>",
            line(share(&images.done).into_iter()),
            steps(share(&images.readings).into_iter())
        ),
        overlay: String::new(),
    }
    .write(out);
    let worst = images.readings.iter().copied().fold(1.0, f64::min);
    push!(
        out,
        "<p class=\"foot\">Readings in the worst hour: {} % of all meters, dark ones among them.</p>\n",
        number(worst * 100.0, 1)
    );
}
