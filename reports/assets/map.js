// The map: zoom and pan by changing the view box; symbols and marks keep their size on screen.
(() => {
  const svg = document.getElementById("map");
  if (!svg) return;
  const box = svg.parentElement;
  const tip = box.querySelector(".tip"), hint = box.querySelector(".hint"), mark = document.getElementById("mark");
  const roofs = [...svg.querySelectorAll("#roofs path")];
  const whole = { x: 0, y: 0, w: +svg.dataset.w, h: +svg.dataset.h };
  let view = { ...whole };
  let chosen = null;

  const perPixel = () => Math.max(view.w / svg.clientWidth, view.h / svg.clientHeight);
  const show = () => {
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.w} ${view.h}`);
    const k = perPixel();
    for (const symbol of svg.querySelectorAll(".sym")) {
      symbol.setAttribute("transform", `translate(${symbol.dataset.at}) scale(${k})`);
    }
    mark.setAttribute("r", 13 * k);
    const aim = 110 * k;
    const unit = 10 ** Math.floor(Math.log10(aim));
    const length = [5, 2, 1].map((f) => f * unit).find((l) => l <= aim) || unit;
    box.querySelector(".scale i").style.width = `${length / k}px`;
    box.querySelector(".scale span").textContent = length >= 1000 ? `${length / 1000} km` : `${length} m`;
  };
  // Keeps the point (px, py), in parts of the view, where it is.
  const zoom = (factor, px = 0.5, py = 0.5) => {
    const w = Math.min(Math.max(view.w / factor, 40), whole.w), f = w / view.w;
    if (w >= whole.w) view = { ...whole };
    else view = { x: view.x + view.w * (1 - f) * px, y: view.y + view.h * (1 - f) * py, w, h: view.h * f };
    show();
  };
  const move = (dx, dy) => {
    const k = perPixel();
    const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
    view.x = clamp(view.x - dx * k, whole.x - view.w / 2, whole.x + whole.w - view.w / 2);
    view.y = clamp(view.y - dy * k, whole.y - view.h / 2, whole.y + whole.h - view.h / 2);
    show();
  };
  const parts = (x, y) => {
    const r = svg.getBoundingClientRect(), k = perPixel();
    const left = r.left + (r.width - view.w / k) / 2, top = r.top + (r.height - view.h / k) / 2;
    return [(x - left) * k / view.w, (y - top) * k / view.h];
  };

  const colour = () => {
    const lost = taa.arch().lost, edges = taa.data.edges;
    for (const roof of roofs) {
      const h = lost[+roof.dataset.c] || 0;
      let bin = 0;
      while (bin < edges.length && h >= edges[bin]) bin++;
      roof.setAttribute("class", "q" + bin);
    }
    if (chosen !== null) describe(chosen);
  };
  const describe = (c) => {
    const d = taa.data, arch = taa.arch();
    const rows = d.archs.map((a) => `<tr><td>${taa.escape(a.name)}</td><td class="n"><b>${taa.hours(a.lost[c])} h</b></td></tr>`);
    const cause = arch.cause[c] >= 0 ? `<br>mostly ${taa.escape(arch.causes[arch.cause[c]])}` : "";
    const hops = arch.hops[c] ? `${arch.hops[c]} hop${arch.hops[c] > 1 ? "s" : ""}` : "no radio route";
    const left = arch.left.includes(c) ? "<br>left the operator" : "";
    tip.innerHTML = `<b>${taa.escape(d.id[c])}</b><small>${taa.escape(d.class[c])} · meter: ${taa.escape(d.placement[c])} · ${hops}</small>` +
      `<table>${rows.join("")}</table><small>lost${d.archs.length > 1 ? ` with ${taa.escape(arch.name)}` : ""}: ${taa.hours(arch.supply[c])} h no supply, ` +
      `${taa.hours(arch.stuck[c])} h credit stuck, ${taa.hours(arch.blocked[c])} h payment blocked${cause}${left}</small>`;
  };
  const place = (x, y) => {
    const r = box.getBoundingClientRect();
    tip.hidden = false;
    tip.style.left = `${Math.min(Math.max(8, x - r.left + 14), r.width - tip.offsetWidth - 8)}px`;
    const below = y - r.top + 16;
    tip.style.top = `${below + tip.offsetHeight > r.height ? Math.max(8, y - r.top - tip.offsetHeight - 12) : below}px`;
  };
  const centre = (roof) => {
    const b = roof.getBBox();
    return [b.x + b.width / 2, b.y + b.height / 2];
  };
  const pick = (c, zoomTo) => {
    const roof = roofs.find((r) => +r.dataset.c === c);
    if (!roof) return;
    chosen = c;
    const [x, y] = centre(roof);
    if (zoomTo) {
      const w = Math.min(view.w, Math.max(whole.w / 4, 120)), h = w * whole.h / whole.w;
      view = { x: x - w / 2, y: y - h / 2, w, h };
      show();
    }
    mark.setAttribute("cx", x);
    mark.setAttribute("cy", y);
    mark.removeAttribute("hidden");
    describe(c);
  };
  taa.pickOnMap = (c) => {
    pick(c, true);
    box.scrollIntoView({ block: "nearest" });
    const r = svg.getBoundingClientRect();
    place(r.left + r.width / 2 + 14, r.top + r.height / 2 + 14);
  };

  svg.addEventListener("pointermove", (event) => {
    const c = event.target.dataset && event.target.dataset.c;
    if (event.pointerType === "mouse" && c !== undefined && pointers.size === 0) {
      describe(+c);
      place(event.clientX, event.clientY);
    } else if (event.pointerType === "mouse" && chosen === null) tip.hidden = true;
  });
  svg.addEventListener("click", (event) => {
    const c = event.target.dataset && event.target.dataset.c;
    if (c !== undefined) {
      pick(+c, false);
      place(event.clientX, event.clientY);
    } else if (!moved) {
      chosen = null;
      tip.hidden = true;
      mark.setAttribute("hidden", "");
    }
  });

  // One finger scrolls the page, two move and zoom the map; the mouse drags, Ctrl and the wheel zoom.
  const pointers = new Map();
  let moved = false;
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, d: Math.hypot(a.x - b.x, a.y - b.y) || 1 };
  };
  svg.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    moved = false;
  });
  addEventListener("pointermove", (event) => {
    const was = pointers.get(event.pointerId);
    if (!was) return;
    if (pointers.size === 2) {
      const before = spread();
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      const after = spread();
      move(after.x - before.x, after.y - before.y);
      zoom(after.d / before.d, ...parts(after.x, after.y));
    } else {
      if (event.pointerType === "mouse") move(event.clientX - was.x, event.clientY - was.y);
      if (Math.abs(event.clientX - was.x) + Math.abs(event.clientY - was.y) > 1) moved = true;
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    }
  });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, (event) => pointers.delete(event.pointerId));
  svg.addEventListener("touchmove", (event) => { if (event.touches.length > 1) event.preventDefault(); }, { passive: false });
  let fading = 0;
  svg.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoom(1.0015 ** -event.deltaY, ...parts(event.clientX, event.clientY));
      return;
    }
    hint.hidden = false;
    clearTimeout(fading);
    fading = setTimeout(() => { hint.hidden = true; }, 1200);
  }, { passive: false });
  svg.addEventListener("keydown", (event) => {
    const act = { "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), "0": () => zoom(1e-9),
      ArrowLeft: () => move(60, 0), ArrowRight: () => move(-60, 0), ArrowUp: () => move(0, 60), ArrowDown: () => move(0, -60),
      Escape: () => { chosen = null; tip.hidden = true; mark.setAttribute("hidden", ""); } }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  for (const button of box.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => zoom({ in: 1.6, out: 1 / 1.6, all: 1e-9 }[button.dataset.zoom]));
  }
  for (const input of document.querySelectorAll("input[data-layer]")) {
    const layer = svg.querySelector(`g[data-layer=${input.dataset.layer}]`);
    const apply = () => layer.toggleAttribute("hidden", !input.checked);
    input.addEventListener("change", apply);
    apply();
  }
  addEventListener("resize", show);
  taa.follow(colour);
  colour();
  show();
  svg.dataset.ready = "1";
})();
