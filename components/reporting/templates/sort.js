// A heading of a table of the class "sorts" becomes a button that sorts by its column.
(function () {
  "use strict";
  const valueOf = (row, at) => row.cells[at].dataset.value ?? row.cells[at].textContent.trim();

  function compare(one, other, sign) {
    // What is missing comes last, whatever the direction.
    if (one === "" || other === "") return (one === "") - (other === "");
    const [a, b] = [Number(one), Number(other)];
    const both = Number.isFinite(a) && Number.isFinite(b);
    return sign * (both ? a - b : one.localeCompare(other, undefined, { numeric: true }));
  }

  function sort(heading, at) {
    const body = heading.closest("table").tBodies[0];
    const before = heading.getAttribute("aria-sort");
    // Numbers begin with the largest, words with the first of the alphabet.
    const first = at === 0 ? "ascending" : "descending";
    const other = at === 0 ? "descending" : "ascending";
    const now = before === first ? other : first;
    for (const cell of heading.parentElement.cells) cell.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", now);
    const sign = now === "ascending" ? 1 : -1;
    const rows = [...body.rows];
    rows.sort((one, next) => compare(valueOf(one, at), valueOf(next, at), sign));
    body.append(...rows);
  }

  for (const table of document.querySelectorAll("table.sorts")) {
    [...table.tHead.rows[0].cells].forEach((heading, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sort(heading, at));
    });
  }
})();
