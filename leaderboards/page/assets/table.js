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

const taskFilter = () => ({
  group: $("group").value,
  ...Object.fromEntries(KINDS.map((kind) => [kind, $(`only-${kind}`).value])),
});

const isWholeGroup = (filter) => KINDS.every((kind) => !filter[kind]);

const passes = (task, filter) =>
  task.groups.includes(filter.group) && KINDS.every((kind) => !filter[kind] || task[kind] === filter[kind]);

const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null);

// The estimate of a checkpoint over the selected tasks. For a whole group it is the board's mean with its interval, for a
// single task the task's. Other means are computed here, without an interval: the page does not hold all documents.
function estimateOf(checkpoint, metric, filter, cells) {
  if (isWholeGroup(filter)) return (checkpoint.means[filter.group] || {})[metric] || null;
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
  const cells = checkpoint.cells.filter((cell) => passes(data.tasks[cell.task], filter));
  const estimate = (metric) => estimateOf(checkpoint, metric, filter, cells);
  for (const cell of row.querySelectorAll("[data-metric]")) {
    const value = estimate(cell.dataset.metric);
    cell.dataset.value = isDefined(value) ? value[VALUE] : "";
    cell.replaceChildren(...number(value, cell.dataset.metric === "lift"));
    if (cell.dataset.metric === "acc") cell.append(...majority(estimate("acc_majority")));
  }
  fillGain(row.querySelector(".gain"), checkpoint, filter, cells);
  drawBar(row, estimate("faithful"), estimate("faithful_random"), estimate("faithful_oracle"));
}

function fillGain(gainCell, checkpoint, filter, cells) {
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
  const estimate = isWholeGroup(filter) ? checkpoint.gains[filter.group] : single;
  const boundsElements = estimate && estimate[LOW] !== null ? [" ", bounds(estimate, true)] : [];
  gainCell.replaceChildren(make("span", { class: "value" }, rate(gain, true)), ...boundsElements, " ", make("span", { class: "interval" }, ...counts));
}

function drawBar(row, faithful, chance, oracle) {
  const draw = (name, from, to) => {
    const line = row.querySelector(`.bar .${name}`);
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

// The entry of a row below a column head. The head "Faithful" spans two entries; the second one holds the number.
function entryBelow(head, row) {
  let index = 0;
  for (const cell of head.parentElement.cells) {
    index += cell.colSpan;
    if (cell === head) break;
  }
  return row.cells[index - 1];
}

function sort(head, direction) {
  const sign = direction === "ascending" ? 1 : -1;
  const key = (row) => {
    const value = entryBelow(head, row).dataset.value || "";
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
});

function describeFilter(filter, visibleRows, allRows) {
  const count = data.tasks.filter((task) => passes(task, filter)).length;
  const wholeGroup = isWholeGroup(filter);
  const group = filter.group === "all" ? "all tasks" : `the tasks “${filter.group}”`;
  const tasks = wholeGroup ? group : `${count} ${count === 1 ? "task" : "tasks"}`;
  const noTask = "; no task passes the filters";
  const noInterval = "; intervals only for whole groups and single tasks";
  const remark = count === 0 ? noTask : wholeGroup || count === 1 ? "" : noInterval;
  return `${visibleRows} of ${allRows} checkpoints, ${count === 1 ? "on" : "means over"} ${tasks}${remark}`;
}

function findRows() {
  const parts = $("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  let visibleRows = 0;
  for (const row of checkpointRows()) {
    const text = row.dataset.text || (row.dataset.text = [...row.cells].slice(0, 3).map((cell) => cell.dataset.value).join(" ").toLowerCase());
    row.hidden = !parts.every((part) => text.includes(part));
    const detail = detailOf(row);
    if (detail) detail.hidden = row.hidden;
    visibleRows += !row.hidden;
  }
  $("table-count").textContent = describeFilter(taskFilter(), visibleRows, checkpointRows().length);
}

function applyFilter() {
  const filter = taskFilter();
  for (const row of checkpointRows()) fillRow(row, filter);
  const head = table.tHead.querySelector("[aria-sort]");
  if (head) sort(head, head.getAttribute("aria-sort"));
  for (const row of checkpointRows()) updateDetail(row);
  findRows();
}

$("find").addEventListener("input", debounce(findRows));
for (const id of ["group", ...KINDS.map((kind) => `only-${kind}`)]) $(id).addEventListener("change", applyFilter);
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("filters").addEventListener("reset", () => setTimeout(applyFilter));
