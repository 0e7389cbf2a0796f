// The timeline: a line under the pointer through every panel, the values there, and zoom by dragging.
(() => {
  const section = document.getElementById("when");
  if (!section) return;
  const svgs = [...section.querySelectorAll("svg[data-t]")], out = document.getElementById("whenat");
  const run = taa.data.run_ms, step = taa.data.step_ms, hint = out.textContent;
  const least = Math.min(6 * 3600000, run);
  let from = 0, until = run, drag = null;
  const lines = svgs.map((svg) => {
    const line = document.createElement("i");
    line.className = "cursor";
    line.hidden = true;
    svg.parentElement.append(line);
    return line;
  });
  const date = (ms, withTime) => {
    const options = { day: "numeric", month: "short", timeZone: "UTC" };
    if (withTime) Object.assign(options, { hour: "2-digit", minute: "2-digit" });
    return new Date(taa.data.start_ms + ms).toLocaleString("en-GB", options);
  };
  const axes = [...section.querySelectorAll(".px")].map((px) => ({ px, html: px.innerHTML }));
  const show = () => {
    const a = from / run * 1000, w = (until - from) / run * 1000;
    for (const svg of svgs) svg.setAttribute("viewBox", `${a} 0 ${w} ${svg.dataset.t}`);
    const whole = from === 0 && until === run;
    const count = 5;
    for (const axis of axes) {
      axis.px.innerHTML = whole ? axis.html : [...Array(count).keys()].map((i) => {
        const part = i / count + 0.02;
        return `<span class="${i === 0 ? "first" : i % 2 ? "second" : ""}" style="left:${part * 100}%">${date(from + part * (until - from), until - from < 12 * 86400000)}</span>`;
      }).join("");
    }
  };
  const zoom = (a, b) => {
    const length = Math.min(Math.max(b - a, least), run);
    from = Math.min(Math.max(0, a), run - length);
    until = from + length;
    show();
  };
  const at = (svg, event) => {
    const r = svg.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - r.left) / r.width, 0), 1);
  };
  const read = (ms) => {
    const bin = Math.min(Math.floor(ms / step), Math.ceil(run / step) - 1), hour = Math.floor(ms / 3600000);
    const each = taa.data.archs.map((arch) => `${arch.name}: ${Math.round(arch.dark[bin] || 0)} dark, battery ${arch.soc[hour] ?? "–"} %, ` +
      `${Math.round((arch.wait || [])[bin] || 0)} payments waiting`);
    out.textContent = `${date(ms, true)} · ${each.join(" · ")}`;
  };
  for (const svg of svgs) {
    const box = svg.parentElement;
    box.addEventListener("pointermove", (event) => {
      const part = at(svg, event), start = drag === null ? part : drag;
      for (const line of lines) {
        line.hidden = false;
        line.style.left = `${Math.min(part, start) * 100}%`;
        line.style.width = drag === null ? "" : `${Math.abs(part - start) * 100}%`;
      }
      read(Math.min(from + part * (until - from), run - 1));
    });
    box.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse" && event.button === 0) { drag = at(svg, event); event.preventDefault(); } });
    box.addEventListener("pointerup", (event) => {
      if (drag === null) return;
      const part = at(svg, event), [a, b] = [Math.min(drag, part), Math.max(drag, part)], length = until - from;
      drag = null;
      for (const line of lines) line.style.width = "";
      if (b - a > 0.01) zoom(from + a * length, from + b * length);
    });
    box.addEventListener("pointerleave", () => {
      drag = null;
      for (const line of lines) { line.hidden = true; line.style.width = ""; }
      out.textContent = hint;
    });
  }
  const acts = {
    in: (l) => zoom(from + l / 4, until - l / 4), out: (l) => zoom(from - l / 2, until + l / 2),
    left: (l) => zoom(from - l / 3, until - l / 3), right: (l) => zoom(from + l / 3, until + l / 3), all: () => zoom(0, run),
  };
  for (const button of section.querySelectorAll("[data-when]")) button.addEventListener("click", () => acts[button.dataset.when](until - from));
})();
