// What a row of the table opens to: its tasks one by one, against the base, and what drifted. Built when it is opened.
function head(...names) {
  return make("thead", {}, make("tr", {}, ...names.map((name) => make("th", { scope: "col" }, name))));
}

const cellOf = (...children) => make("td", { class: "num" }, ...children);

function scrolled(name, inner) {
  return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": name }, inner);
}

function band(rules) {
  const found = Object.entries(rules).filter(([, e]) => e[0] !== null);
  if (!found.length) return cellOf("–");
  const values = found.map(([, e]) => e[0]);
  const words = found.map(([name, e]) => `${name} ${rate(e[0])}`).join(", ");
  return make("td", { class: "num", title: words }, `${rate(Math.min(...values))} to ${rate(Math.max(...values))}`);
}

function scores(cells) {
  const lines = cells.map((cell) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, bdi(data.tasks[cell.t].label)),
      cellOf(...number(cell.m.faithful)),
      cellOf(rate((cell.m.faithful_random || [null])[0])),
      cellOf(rate((cell.m.faithful_oracle || [null])[0])),
      cellOf(...number(cell.m.lift, true)),
      cellOf(...number(cell.m.ccf)),
      cellOf(...number(cell.m.valid)),
      cellOf(...number(cell.m.acc)),
      cellOf(...number(cell.m.faithful_given_valid)),
      band(cell.r),
      cellOf(String(cell.m.faithful ? cell.m.faithful[3] : 0), cell.missing ? ` (${cell.missing} missing)` : ""),
    ),
  );
  const names = ["Task", "Faithful", "Chance", "Oracle", "Lift", "ccf", "Valid", "Acc", "Faithful, valid only", "Under other rules", "Documents"];
  return make("table", { class: "plain" }, head(...names), make("tbody", {}, ...lines));
}

const pair = ([now, before], digits = 2) => `${rate(before, false, digits)} → ${rate(now, false, digits)}`;

function against(cells, base) {
  const lines = cells
    .filter((cell) => cell.v)
    .map(({ t, v }) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, bdi(data.tasks[t].label)),
        cellOf(marker(v.marker), " ", ...number(v.faithful, true)),
        cellOf(pValue(v.p[1])),
        cellOf(`${v.only[0]} : ${v.only[1]}`),
        cellOf(rate(v.detectable)),
        cellOf(...number(v.lift, true)),
        cellOf(...number(v.acc, true)),
        cellOf(rate(v.agreement)),
        cellOf(pair(v.entropy)),
        cellOf(pair(v.unknown)),
        cellOf(pair(v.unparsed)),
        cellOf(String(v.n)),
      ),
    );
  if (!lines.length) return null;
  const names = ["Task", "Faithful", "p (Holm)", "Only this : only base", "Could be found", "Lift", "Acc", "Same answers", "Entropy of answers", "Unknown", "Unread", "Documents"];
  const title = make("p", { class: "caption" }, "Minus ", bdi(base), ", same documents. From “Same answers” on: what drifted (base → this).");
  return make("div", {}, title, scrolled("against the base", make("table", { class: "plain" }, head(...names), make("tbody", {}, ...lines))));
}

function panel(checkpoint) {
  const choice = chosen();
  const cells = checkpoint.cells.filter((cell) => inside(data.tasks[cell.t], choice));
  const facts = checkpoint.facts.flatMap(([name, value]) => [make("dt", {}, bdi(name)), make("dd", {}, bdi(value))]);
  return [
    make("p", { class: "caption" }, "Task by task"),
    scrolled("scores by task", scores(cells)),
    against(cells, checkpoint.base),
    make("details", {}, make("summary", {}, "Where this comes from"), make("dl", { class: "facts" }, ...facts)),
  ].filter(Boolean);
}

// What is below a row while it is open: the tasks that are chosen now.
function refresh(row) {
  const button = row.querySelector(".open");
  const open = button.getAttribute("aria-expanded") === "true";
  let detail = row.nextElementSibling;
  if (detail && detail.dataset.id) detail = null;
  if (!open) {
    if (detail) detail.remove();
    button.removeAttribute("aria-controls");
    return;
  }
  if (!detail) {
    const id = `detail-${row.dataset.id}`;
    detail = make("tr", { class: "detail", id }, make("td", { colspan: 10 }, make("div", { class: "panel" })));
    row.after(detail);
    button.setAttribute("aria-controls", id);
  }
  detail.cells[0].firstChild.replaceChildren(...panel(byId.get(row.dataset.id)));
}

body.addEventListener("click", (event) => {
  const button = event.target.closest(".open");
  if (!button) return;
  button.setAttribute("aria-expanded", String(button.getAttribute("aria-expanded") !== "true"));
  refresh(button.closest("tr"));
});
