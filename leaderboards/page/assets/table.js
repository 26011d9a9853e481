// The table of checkpoints: sort by a column, find by typing, and compute numbers over the selected tasks.
const table = $("checkpoints");
const body = table.tBodies[0];
const checkpointRows = () => [...body.rows].filter((row) => row.dataset.id);
const checkpointById = new Map(data.checkpoints.map((checkpoint) => [checkpoint.id, checkpoint]));
const KINDS = ["style", "dataset", "budget"];

// The row with the details of a checkpoint, below its own; null while it is closed.
function detailOf(row) {
  const next = row.nextElementSibling;
  return next && !next.dataset.id ? next : null;
}

const taskFilter = () => Object.fromEntries(KINDS.map((kind) => [kind, $(`only-${kind}`).value]));

const isWholeGroup = (filter) => KINDS.every((kind) => !filter[kind]);

const passes = (task, filter) => KINDS.every((kind) => !filter[kind] || task[kind] === filter[kind]);

// Whether a task counts in a group of columns. "new styles" differs by checkpoint: leaderboards/page/table_view.py.
const inGroup = (task, group, checkpoint) =>
  group === "new styles" ? task.groups.includes("all") && checkpoint.styles.length > 0 && !checkpoint.styles.includes(task.style) : task.groups.includes(group);

const cellsOf = (checkpoint, group, filter) =>
  checkpoint.cells.filter((cell) => inGroup(data.tasks[cell.task], group, checkpoint) && passes(data.tasks[cell.task], filter));

const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null);

// The estimate of a checkpoint over the selected tasks. For a whole group it is the board's mean with its interval, for a
// single task the task's. Other means are computed here, without an interval: the page does not hold all documents.
function estimateOf(checkpoint, metric, group, filter) {
  if (isWholeGroup(filter) && group in checkpoint.means) return checkpoint.means[group][metric] || null;
  const cells = cellsOf(checkpoint, group, filter);
  if (!cells.length) return null;
  if (cells.length === 1) return cells[0].metrics[metric] || null;
  // As in leaderboards/analysis/aggregate.py: cells that cannot be measured are left out, and a note says how many.
  const measured = cells.filter((cell) => !cell.notMeasurable);
  const leavesOut = metric === "ccf" || data.leftOut.includes(metric);
  const missing = leavesOut ? cells.length - measured.length : 0;
  if (missing && !measured.length) return [null, null, null, 0, `${data.notMeasurable}: on none of these tasks`];
  const note = missing ? [`over ${measured.length} of ${cells.length} tasks; ${missing} ${data.notMeasurable}`] : [];
  const meanOf = (name) => {
    const used = leavesOut ? measured : cells;
    const defined = used.map((cell) => cell.metrics[name]).filter(isDefined);
    return defined.length === used.length ? mean(defined.map((estimate) => estimate[VALUE])) : null;
  };
  if (metric !== "ccf") return [meanOf(metric), null, null, 0, ...note];
  // ccf is a ratio of means.
  const [faithful, chance, oracle] = ["faithful", "faithful_random", "faithful_oracle"].map(meanOf);
  if (oracle === null || chance === null || faithful === null) return null;
  const headroom = oracle - chance;
  // The rule of faithfulness_metrics/chance.py. In binary .25 - .2 is .04999999999999999, which is enough. A headroom of
  // .048 is not, and is not written as .05. The numbers have five digits, so their differences are correct to 1e-9.
  if (headroom < data.headroom - 1e-9) {
    const rounded = Math.min(headroom, data.headroom - 0.01).toFixed(2);
    return [null, null, null, 0, `not measurable (headroom ${rounded})`];
  }
  return [(faithful - chance) / headroom, null, null, 0, ...note];
}

function fillRow(row, filter) {
  const checkpoint = checkpointById.get(row.dataset.id);
  for (const cell of row.querySelectorAll("[data-metric]")) {
    const { metric, group } = cell.dataset;
    const estimate = (name) => estimateOf(checkpoint, name, group, filter);
    const value = estimate(metric);
    const drawing = cell.querySelector(".bar");
    cell.dataset.value = isDefined(value) ? value[VALUE] : "";
    cell.replaceChildren(...number(value, metric === "lift"));
    if (metric === "acc") cell.append(...majority(estimate("acc_majority")));
    if (!drawing) continue;
    cell.append(drawing);
    drawBar(drawing, value, estimate("faithful_random"), estimate("faithful_oracle"));
  }
  for (const cell of row.querySelectorAll(".gain")) fillGain(cell, checkpoint, cell.dataset.group, filter);
}

function fillGain(gainCell, checkpoint, group, filter) {
  const cells = cellsOf(checkpoint, group, filter);
  const comparisons = cells.map((cell) => cell.versus).filter((versus) => versus && isDefined(versus.faithful));
  const gain = mean(comparisons.map((versus) => versus.faithful[VALUE]));
  gainCell.dataset.value = gain === null ? "" : gain;
  if (gain === null) {
    const undefinedGain = cells.map((cell) => cell.versus && cell.versus.faithful[NOTE]).find(Boolean);
    gainCell.replaceChildren(undefinedNumber(undefinedGain || "–"));
    return;
  }
  const count = (name) => comparisons.filter((versus) => versus.marker === name).length;
  const counts = [marker("better"), ` ${count("better")} `, marker("worse"), ` ${count("worse")} of ${comparisons.length}`];
  const single = comparisons.length === 1 ? comparisons[0].faithful : null;
  const estimate = isWholeGroup(filter) ? checkpoint.gains[group] : single;
  const boundsElements = estimate && estimate[LOW] !== null ? [" ", bounds(estimate, true)] : [];
  gainCell.replaceChildren(make("span", { class: "value" }, rate(gain, true)), ...boundsElements, " ", make("span", { class: "interval" }, ...counts));
}

function drawBar(drawing, faithful, chance, oracle) {
  const draw = (name, from, to) => {
    const line = drawing.querySelector(`.${name}`);
    const known = from !== null && from !== undefined;
    line.setAttribute("visibility", known ? "visible" : "hidden");
    if (!known) return;
    line.setAttribute("x1", 100 * from);
    line.setAttribute("x2", 100 * to);
  };
  const [value, low, high] = faithful || [null, null, null];
  const [chanceValue] = chance || [null];
  const [oracleValue] = oracle || [null];
  draw("dot", value, value);
  draw("span", low, high);
  draw("chance", chanceValue, chanceValue);
  draw("oracle", oracleValue, oracleValue);
}

function sort(head, direction) {
  const sign = direction === "ascending" ? 1 : -1;
  const key = (row) => {
    const value = row.cells[head.cellIndex].dataset.value || "";
    return head.dataset.kind === "number" ? (value === "" ? null : Number(value)) : value;
  };
  const compare = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (typeof x === "number" ? x - y : x.localeCompare(y, undefined, { numeric: true }));
  };
  const details = new Map(checkpointRows().map((row) => [row, detailOf(row)]));
  for (const row of checkpointRows().sort(compare)) {
    body.append(row);
    if (details.get(row)) body.append(details.get(row));
  }
  for (const cell of head.parentElement.cells) {
    if (cell === head) cell.setAttribute("aria-sort", direction);
    else cell.removeAttribute("aria-sort");
  }
}

table.tHead.addEventListener("click", (event) => {
  const head = event.target.closest("th");
  if (!head || !event.target.closest("button")) return;
  const first = head.dataset.kind === "number" ? "descending" : "ascending";
  const second = first === "descending" ? "ascending" : "descending";
  sort(head, head.getAttribute("aria-sort") === first ? second : first);
  findRows();
});

function describeFilter(filter, foundRows, allRows) {
  const count = data.tasks.filter((task) => passes(task, filter)).length;
  const tasks = isWholeGroup(filter) ? "all tasks" : `${count} ${count === 1 ? "task" : "tasks"}`;
  const noTask = "; no task passes the filters";
  const noInterval = "; intervals only without a filter, and for single tasks";
  const remark = count === 0 ? noTask : isWholeGroup(filter) || count === 1 ? "" : noInterval;
  return `${foundRows} of ${allRows} checkpoints, ${count === 1 ? "on" : "means over"} ${tasks}${remark}`;
}

// The rows that the search finds, and of these the first ones until "Show all" was pressed.
let allRowsShown = false;
function findRows() {
  const parts = $("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  let foundRows = 0;
  for (const row of checkpointRows()) {
    const text = row.cells[0].dataset.text.toLowerCase();
    const isFound = parts.every((part) => text.includes(part));
    foundRows += isFound;
    row.hidden = !isFound || (!allRowsShown && foundRows > data.longestTable);
    const detail = detailOf(row);
    if (detail) detail.hidden = row.hidden;
  }
  $("all-rows").hidden = allRowsShown || foundRows <= data.longestTable;
  $("all-rows").textContent = `Show all ${foundRows} checkpoints`;
  $("table-count").textContent = describeFilter(taskFilter(), foundRows, checkpointRows().length);
  updateCues();
}

function applyFilter() {
  const filter = taskFilter();
  for (const row of checkpointRows()) fillRow(row, filter);
  const head = table.tHead.querySelector("[aria-sort]");
  if (head) sort(head, head.getAttribute("aria-sort"));
  for (const row of checkpointRows()) updateDetail(row);
  findRows();
}

$("all-rows").addEventListener("click", () => {
  allRowsShown = true;
  findRows();
});
$("find").addEventListener("input", debounce(findRows));
for (const kind of KINDS) $(`only-${kind}`).addEventListener("change", applyFilter);
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("filters").addEventListener("reset", () => setTimeout(applyFilter));
findRows();
