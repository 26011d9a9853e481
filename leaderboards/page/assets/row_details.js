// What a row of the table opens to: its tasks one by one, the comparison with the base, and what drifted. Built on opening.
function tableHead(...names) {
  return make("thead", {}, make("tr", {}, ...names.map((name) => make("th", { scope: "col" }, name))));
}

const numberCell = (...children) => make("td", { class: "num" }, ...children);

// The smallest and largest estimate under all scoring rules, operators, or wordings.
function band(estimates) {
  const defined = Object.entries(estimates).filter(([, estimate]) => isDefined(estimate));
  if (!defined.length) return numberCell("–");
  const values = defined.map(([, estimate]) => estimate[VALUE]);
  const title = defined.map(([name, estimate]) => `${name} ${rate(estimate[VALUE])}`).join(", ");
  return make("td", { class: "num", title }, `${rate(Math.min(...values))} to ${rate(Math.max(...values))}`);
}

// Columns of metrics that only some runs have.
const OPTIONAL = [["lift_given_valid", "Lift, valid only"], ["comprehensiveness_lift", "Graded effect"]];

function scoresTable(cells) {
  const several = cells.some(({ operators }) => Object.keys(operators).length);
  const reworded = cells.some(({ wordings }) => wordings);
  const more = OPTIONAL.filter(([metric]) => cells.some(({ metrics }) => metrics[metric]));
  const rows = cells.map(({ task, metrics, rules, operators, wordings, missing }) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, bdi(data.tasks[task].label)),
      numberCell(...number(metrics.faithful)),
      numberCell(rate((metrics.faithful_random || [null])[VALUE])),
      numberCell(rate((metrics.faithful_oracle || [null])[VALUE])),
      numberCell(...number(metrics.lift, true)),
      numberCell(...number(metrics.ccf)),
      numberCell(...number(metrics.valid)),
      numberCell(...number(metrics.acc), ...majority(metrics.acc_majority)),
      numberCell(...number(metrics.faithful_given_valid)),
      ...more.map(([metric]) => numberCell(...number(metrics[metric], true))),
      band(rules),
      ...(several ? [band(operators)] : []),
      ...(reworded ? [band(wordings || {})] : []),
      numberCell(String(metrics.faithful ? metrics.faithful[N] : 0), missing ? ` (${missing} missing)` : ""),
    ),
  );
  const names = ["Task", "Faithful", "Chance", "Oracle", "Lift", "ccf", "Valid", "Acc", "Faithful, valid only", ...more.map(([, name]) => name), "Under other rules", ...(several ? ["Lift by operator"] : []), ...(reworded ? ["Lift by wording"] : []), "Documents"];
  return make("table", { class: "plain" }, tableHead(...names), make("tbody", {}, ...rows));
}

const change = ([checkpoint, base], digits = 2) => `${rate(base, false, digits)} → ${rate(checkpoint, false, digits)}`;

function comparisonTable(cells, base) {
  const rows = cells
    .filter((cell) => cell.versus)
    .map(({ task, versus }) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, bdi(data.tasks[task].label)),
        numberCell(marker(versus.marker), " ", ...number(versus.faithful, true)),
        numberCell(pValue(versus.pHolm)),
        numberCell(`${versus.only[0]} : ${versus.only[1]}`),
        numberCell(rate(versus.detectable)),
        numberCell(...number(versus.lift, true)),
        numberCell(...number(versus.acc, true)),
        numberCell(rate(versus.agreement)),
        numberCell(change(versus.entropy)),
        numberCell(change(versus.unknown)),
        numberCell(change(versus.unparsed)),
        numberCell(String(versus.n)),
      ),
    );
  if (!rows.length) return null;
  const names = ["Task", "Faithful", "p (Holm)", "Only this : only base", "Detectable", "Lift", "Acc", "Same answers", "Entropy of answers", "Unknown", "Unread", "Documents"];
  const caption = make("p", { class: "caption" }, "Minus ", bdi(base), ", same documents. “Detectable”: the smallest difference that this many documents would show. From “Same answers” on: what drifted (base → this).");
  return make("div", {}, caption, make("table", { class: "plain" }, tableHead(...names), make("tbody", {}, ...rows)));
}

function detailPanel(checkpoint) {
  const filter = taskFilter();
  const cells = checkpoint.cells.filter((cell) => passes(data.tasks[cell.task], filter));
  const facts = checkpoint.facts.flatMap(([name, value]) => [make("dt", {}, bdi(name)), make("dd", {}, bdi(value))]);
  return [
    make("p", { class: "caption" }, "Task by task"),
    scoresTable(cells),
    comparisonTable(cells, checkpoint.base),
    make("details", {}, make("summary", {}, "Where this comes from"), make("dl", { class: "facts" }, ...facts)),
  ].filter(Boolean);
}

// Shows the filtered tasks below a row while it is open.
function updateDetail(row) {
  const button = row.querySelector(".open");
  const open = button.getAttribute("aria-expanded") === "true";
  let detail = detailOf(row);
  if (!open) {
    if (detail) detail.remove();
    button.removeAttribute("aria-controls");
    updateCues();
    return;
  }
  if (!detail) {
    const id = `detail-${row.dataset.id}`;
    detail = make("tr", { class: "detail", id }, make("td", { colspan: row.cells.length }, make("div", { class: "panel" })));
    row.after(detail);
    button.setAttribute("aria-controls", id);
  }
  detail.cells[0].firstChild.replaceChildren(...detailPanel(checkpointById.get(row.dataset.id)));
  updateCues();
}

body.addEventListener("click", (event) => {
  const button = event.target.closest(".open");
  if (!button) return;
  button.setAttribute("aria-expanded", String(button.getAttribute("aria-expanded") !== "true"));
  updateDetail(button.closest("tr"));
});
