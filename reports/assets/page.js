"use strict";
// Shared state: the data, the architecture shown, and a way to follow it.
const taa = (() => {
  const data = JSON.parse(document.getElementById("taa-data").textContent);
  const followers = [];
  let arch = 0;
  const hours = (h) => {
    if (h === 0) return "0";
    if (h < 0.05) return "< 0.1";
    const s = h.toFixed(h < 100 ? 1 : 0);
    return s.length > 4 && h >= 10000 ? s.replace(/\B(?=(\d{3})+$)/g, "\u202f") : s;
  };
  const choose = (index) => {
    arch = index;
    for (const input of document.querySelectorAll("[data-arch-switch] input")) input.checked = +input.value === index;
    for (const follow of followers) follow();
  };
  for (const group of document.querySelectorAll("[data-arch-switch]")) {
    group.addEventListener("change", (event) => choose(+event.target.value));
  }
  const escape = (text) => String(text).replace(/[&<>"']/g, (c) => "&#" + c.charCodeAt(0) + ";");
  return { data, hours, escape, choose, follow: (f) => followers.push(f), arch: () => data.archs[arch], index: () => arch };
})();
