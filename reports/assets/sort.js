// Tables with data-sort: each heading becomes a button that sorts its column.
(() => {
  const collator = new Intl.Collator("en", { numeric: true });
  for (const table of document.querySelectorAll("table[data-sort]")) {
    const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
    heads.forEach((head, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => row.cells[index].dataset.v;
        const rows = [...body.rows];
        const number = rows.every((row) => key(row) !== undefined);
        const text = (row) => row.cells[index].textContent;
        rows.sort((a, b) => (down ? -1 : 1) * (number ? key(a) - key(b) : collator.compare(text(a), text(b))));
        body.append(...rows);
      });
    });
  }
})();
