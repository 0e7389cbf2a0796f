// Replay of the mesh's tree: state at the beginning of a chapter, changes applied in order of time.
(() => {
  const box = document.getElementById("replay");
  if (!box) return;
  const $ = (id) => document.getElementById(id);
  const svg = $("rmap"), play = $("rplay"), slider = $("rtime"), speed = $("rspeed"), pick = $("rchapter"), strip = $("rstrip");
  const at = taa.data.nodes, root = at.length - 1, meters = taa.data.id.length, words = taa.data.standings;
  const circles = [...svg.querySelectorAll("#rnodes circle")];
  const paths = [...svg.querySelectorAll("#redges path")], fresh = paths.pop();
  const TREE = 0, JOINING = 1, DARK = 2, TO_DCU = -1, NOBODY = -2, NONE = -1;
  let chapter = null, times = [], row = 0, now = 0, playing = false, last = 0;
  let parents = [], standings = [], hops = [], changed = [], shown = [];

  const chapters = () => taa.arch().replay || [];
  const reset = () => {
    row = 0;
    parents = chapter.p.slice();
    standings = chapter.s.slice();
    changed = parents.map(() => -1);
  };
  const step = (until) => {
    while (row < times.length && times[row] <= until) {
      const node = chapter.n[row];
      if (chapter.to[row] !== parents[node]) changed[node] = times[row];
      parents[node] = chapter.to[row];
      standings[node] = chapter.b[row];
      row++;
    }
  };
  // Hops along the parents; a circle and a dead end have none.
  const count = () => {
    hops = parents.map(() => 0);
    const path = [];
    for (let node = 0; node < parents.length; node++) {
      let here = node, end = 0;
      path.length = 0;
      for (;;) {
        if (hops[here] !== 0) { end = hops[here]; break; }
        hops[here] = NONE;
        path.push(here);
        if (parents[here] === TO_DCU) { end = 0; break; }
        if (parents[here] === NOBODY || parents[here] >= parents.length) { end = NONE; break; }
        here = parents[here];
      }
      for (let i = path.length - 1; i >= 0; i--) hops[path[i]] = end = end === NONE ? NONE : end + 1;
    }
    const sums = { tree: 0, joining: 0, dark: 0, cut: 0, deepest: 0 };
    for (let node = 0; node < meters && node < parents.length; node++) {
      if (standings[node] === TREE && hops[node] > 0) {
        sums.tree++;
        sums.deepest = Math.max(sums.deepest, hops[node]);
      } else if (standings[node] === JOINING) sums.joining++;
      else if (standings[node] === DARK) sums.dark++;
      else sums.cut++;
    }
    return sums;
  };
  const classOf = (node) => {
    if (standings[node] === TREE && hops[node] > 0) return `d${Math.min(hops[node], paths.length) - 1}`;
    return standings[node] === JOINING ? "m1" : standings[node] === DARK ? "m2" : "m3";
  };
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const clock = (ms) => {
    const d = new Date(taa.data.start_ms + ms), two = (n) => String(n).padStart(2, "0");
    const s = chapter.until - chapter.from < 86400000 ? ":" + two(d.getUTCSeconds()) : "";
    return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}${s}`;
  };
  const draw = () => {
    const sums = count();
    const lines = paths.map(() => []), recent = [];
    const lately = (chapter.until - chapter.from) / 60;
    for (let node = 0; node < parents.length; node++) {
      const name = classOf(node);
      if (shown[node] !== name) {
        circles[node].setAttribute("class", name);
        shown[node] = name;
      }
      if (parents[node] === NOBODY) continue;
      const from = at[node], to = at[parents[node] === TO_DCU ? root : parents[node]];
      const line = `M${from[0]} ${from[1]}L${to[0]} ${to[1]}`;
      if (changed[node] >= 0 && now - changed[node] < lately) recent.push(line);
      if (hops[node] > 0) lines[Math.min(hops[node], paths.length) - 1].push(line);
      else recent.push(line);
    }
    paths.forEach((path, i) => path.setAttribute("d", lines[i].join("")));
    fresh.setAttribute("d", recent.join(""));
    const some = [[sums.cut, "cut off"], [sums.joining, "joining"], [sums.dark, "without power"]];
    const rest = some.filter(([n]) => n > 0).map(([n, what]) => ` · ${n} ${what}`).join("");
    const deepest = sums.deepest ? `, deepest ${sums.deepest} hop${sums.deepest > 1 ? "s" : ""}` : "";
    $("rat").textContent = `${clock(now)} · ${sums.tree} of ${meters} meters in the tree${deepest}${rest}`;
    const part = (now - chapter.from) / Math.max(1, chapter.until - chapter.from);
    slider.value = Math.round(part * 1000);
    slider.setAttribute("aria-valuetext", $("rat").textContent);
    const line = strip.querySelector(".rnow");
    if (line) line.setAttribute("d", `M${part * 1000} 0V40`);
    box.dataset.now = now;
    box.dataset.tree = sums.tree;
  };
  const seek = (ms) => {
    const to = Math.min(Math.max(ms, chapter.from), chapter.until);
    if (to < now) reset();
    step(to);
    now = to;
    draw();
  };
  // The strip: how many stand where, over the chapter.
  const sketch = () => {
    const bins = 250, sums = [];
    reset();
    for (let i = 0; i <= bins; i++) {
      step(chapter.from + (chapter.until - chapter.from) * i / bins);
      sums.push(count());
    }
    let low = sums.map(() => 0), body = "";
    for (const [key, name] of [["tree", "m0"], ["joining", "m1"], ["cut", "m3"], ["dark", "m2"]]) {
      const high = sums.map((sum, i) => low[i] + sum[key]);
      const point = (values) => (_, i) => `${(i * 1000 / bins).toFixed(1)} ${(40 - values[i] / meters * 40).toFixed(2)}`;
      const there = sums.map(point(high)), back = sums.map(point(low)).reverse();
      body += `<path class="${name}" d="M${there.join("L")}L${back.join("L")}Z"/>`;
      low = high;
    }
    strip.innerHTML = body + '<path class="rnow" d=""/>';
  };
  const stop = () => {
    playing = false;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  };
  const tick = (time) => {
    if (!playing) return;
    const passed = Math.min(time - last, 200);
    last = time;
    seek(now + (chapter.until - chapter.from) * passed / (speed.value * 1000));
    if (now >= chapter.until) stop();
    else requestAnimationFrame(tick);
  };
  const toggle = () => {
    if (playing) return stop();
    if (now >= chapter.until) seek(chapter.from);
    playing = true;
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    last = performance.now();
    requestAnimationFrame(tick);
  };
  const load = (index, ms) => {
    chapter = chapters()[index];
    box.hidden = !chapter;
    if (!chapter) return;
    let sum = chapter.from;
    times = chapter.t.map((t) => (sum += t));
    sketch();
    reset();
    now = chapter.from;
    seek(ms === undefined ? chapter.low : ms);
  };
  // A switch of architectures brings its chapters.
  let listed = taa.index();
  const follow = () => {
    if (taa.index() === listed) return;
    listed = taa.index();
    stop();
    pick.replaceChildren(...chapters().map((one, i) => {
      const whole = one.from === 0 && one.until >= taa.data.run_ms;
      chapter = one;
      return new Option(whole ? one.title : `${clock(one.low).replace(/:\d\d$/, (s) => (one.until - one.from < 86400000 ? "" : s))}: ${one.title}`, i);
    }));
    pick.selectedIndex = Math.min(1, chapters().length - 1);
    load(pick.selectedIndex);
  };
  play.addEventListener("click", toggle);
  slider.addEventListener("input", () => {
    stop();
    seek(chapter.from + (chapter.until - chapter.from) * slider.value / 1000);
  });
  pick.addEventListener("change", () => { stop(); load(pick.selectedIndex); });
  strip.addEventListener("click", (event) => {
    const r = strip.getBoundingClientRect();
    stop();
    seek(chapter.from + (chapter.until - chapter.from) * (event.clientX - r.left) / r.width);
  });
  svg.addEventListener("keydown", (event) => {
    const by = (chapter.until - chapter.from) / 100;
    const act = { " ": toggle, ArrowLeft: () => seek(now - by), ArrowRight: () => seek(now + by),
      Home: () => seek(chapter.from), End: () => seek(chapter.until) }[event.key];
    if (!act) return;
    event.preventDefault();
    if (event.key !== " ") stop();
    act();
  });
  const name = (node) => (node < meters ? taa.data.id[node] : `relay ${node - meters + 1}`);
  const tell = (event) => {
    const node = circles.indexOf(event.target);
    if (node < 0) return;
    const over = parents[node] === TO_DCU ? "the data concentrator" : parents[node] === NOBODY ? "" : name(parents[node]);
    const where = standings[node] !== TREE ? words[standings[node]]
      : hops[node] > 0 ? `${hops[node]} hop${hops[node] > 1 ? "s" : ""}` : "serves, but its parents lead nowhere";
    $("rwho").textContent = `${name(node)}: ${where}${over ? `, over ${over}` : ""}`;
  };
  svg.addEventListener("pointerover", tell);
  svg.addEventListener("click", tell);
  taa.follow(follow);
  load(pick.selectedIndex);
  box.dataset.ready = "1";
})();
