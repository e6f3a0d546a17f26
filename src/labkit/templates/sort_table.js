// A click on a heading, or Enter, sorts the table by that column. Words stand after numbers.
for (const head of document.querySelectorAll("table.sortable th")) {
  const sort = () => {
    const body = head.closest("table").tBodies[0];
    const down = head.getAttribute("aria-sort") !== "descending";
    const text = row => row.cells[head.cellIndex].textContent.trim();
    const number = row => text(row) === "" || isNaN(text(row)) ? null : Number(text(row));
    const compare = (a, b) => {
      const [one, other] = [number(a), number(b)];
      if (one === null && other === null) return text(a).localeCompare(text(b));
      if (one === null || other === null) return one === null ? 1 : -1;
      return down ? other - one : one - other;
    };
    const rows = [...body.rows].sort(compare);
    for (const each of head.parentNode.cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...rows);
  };
  head.tabIndex = 0;
  head.addEventListener("click", sort);
  head.addEventListener("keydown", event => { if (event.key === "Enter") sort(); });
}
