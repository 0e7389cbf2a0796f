// Battery heat map: the value under the pointer.
(() => {
  for (const svg of document.querySelectorAll("svg[data-heat]")) {
    const soc = taa.data.archs[+svg.dataset.heat].soc, days = +svg.dataset.days;
    const area = svg.parentElement;
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    area.style.position = "relative";
    area.append(tip);
    svg.addEventListener("pointermove", (event) => {
      const r = svg.getBoundingClientRect();
      const day = Math.floor((event.clientX - r.left) / r.width * days), hour = Math.floor((event.clientY - r.top) / r.height * 24);
      const value = soc[day * 24 + hour];
      tip.hidden = value === undefined;
      if (tip.hidden) return;
      const date = new Date(taa.data.start_ms + day * 86400000);
      const text = date.toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
      tip.textContent = `${text}, ${hour}–${hour + 1} h: ${value} %`;
      const x = event.clientX - r.left + 14;
      tip.style.left = `${Math.min(x, r.width - tip.offsetWidth - 4)}px`;
      tip.style.top = `${event.clientY - r.top + 14}px`;
    });
    svg.addEventListener("pointerleave", () => { tip.hidden = true; });
  }
})();
