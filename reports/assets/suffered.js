// The table of customers: sort, search, show all, follow the architecture, point at the map.
(() => {
  const table = document.getElementById("suffered");
  if (!table) return;
  const body = table.tBodies[0], more = document.getElementById("all"), find = document.getElementById("find");
  const heads = [...table.querySelectorAll("th[data-key]")];
  const count = taa.data.id.length, TOP = 20;
  const collator = new Intl.Collator("en", { numeric: true });
  let key = "lost", down = true, all = false;

  const value = (c) => {
    const arch = taa.arch();
    if (key === "id" || key === "class") return taa.data[key][c];
    if (key === "cause") return arch.cause[c] < 0 ? "" : arch.causes[arch.cause[c]];
    return arch[key][c];
  };
  const draw = () => {
    const arch = taa.arch(), e = taa.escape, h = taa.hours;
    const wanted = find.value.trim().toLowerCase();
    let order = [...Array(count).keys()];
    if (wanted) {
      order = order.filter((c) => `${taa.data.id[c]} ${taa.data.class[c]} ${arch.cause[c] < 0 ? "" : arch.causes[arch.cause[c]]}`.toLowerCase().includes(wanted));
    }
    const keys = order.map((c) => [value(c), c]);
    const compare = typeof (keys[0] || [0])[0] === "string" ? (a, b) => collator.compare(a[0], b[0]) : (a, b) => a[0] - b[0];
    keys.sort((a, b) => (down ? compare(b, a) : compare(a, b)) || a[1] - b[1]);
    const shown = all || wanted ? keys : keys.slice(0, TOP);
    body.innerHTML = shown.map(([, c]) => `<tr data-c="${c}"><th scope="row">${e(taa.data.id[c])}</th><td>${e(taa.data.class[c])}</td>` +
      `<td class="n"><b>${h(arch.lost[c])}</b></td><td class="n">${h(arch.supply[c])}</td><td class="n">${h(arch.stuck[c])}</td>` +
      `<td class="n">${h(arch.blocked[c])}</td><td class="n">${h(arch.longest[c])}</td><td class="n">${arch.hops[c] || "–"}</td>` +
      `<td>${arch.cause[c] < 0 ? "–" : e(arch.causes[arch.cause[c]])}</td></tr>`).join("");
    more.hidden = count <= TOP || wanted !== "";
    more.textContent = all ? `Show the first ${TOP}` : `Show all ${count}`;
  };
  for (const head of heads) {
    head.querySelector("button").addEventListener("click", () => {
      const text = ["id", "class", "cause"].includes(head.dataset.key);
      down = key === head.dataset.key ? !down : !text;
      key = head.dataset.key;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      draw();
    });
  }
  more.addEventListener("click", () => { all = !all; draw(); });
  find.addEventListener("input", draw);
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (!row || !taa.pickOnMap) return;
    for (const other of body.rows) other.classList.toggle("on", other === row);
    taa.pickOnMap(+row.dataset.c);
  });
  taa.follow(draw);
  draw();
})();
