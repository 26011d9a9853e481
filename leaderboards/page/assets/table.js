// The table of checkpoints: sort by a head, filter by typing, numbers over the tasks that were chosen.
const table = $("checkpoints");
const body = table.tBodies[0];
const rowsOf = () => [...body.rows].filter((row) => row.dataset.id);
const byId = new Map(data.checkpoints.map((checkpoint) => [checkpoint.id, checkpoint]));
const KINDS = ["style", "dataset", "budget"];

const chosen = () => ({
  group: $("group").value,
  ...Object.fromEntries(KINDS.map((kind) => [kind, $(`only-${kind}`).value])),
});

const inside = (task, choice) =>
  task.groups.includes(choice.group) && KINDS.every((kind) => !choice[kind] || task[kind] === choice[kind]);

const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null);

// A whole group has the board's mean and interval. Of other choices the mean over tasks is taken here; it has no interval,
// for the documents behind it are not on the page. A single task has its own.
function estimateOf(checkpoint, metric, choice, cells) {
  if (KINDS.every((kind) => !choice[kind])) return (checkpoint.means[choice.group] || {})[metric] || null;
  if (cells.length === 1) return cells[0].m[metric] || null;
  const over = (name) => {
    const found = cells.map((cell) => cell.m[name]).filter((e) => e && e[0] !== null);
    return found.length === cells.length ? mean(found.map((e) => e[0])) : null;
  };
  if (metric !== "ccf") return [over(metric), null, null, 0];
  // A ratio of means, as everywhere.
  const [faithful, chance, oracle] = ["faithful", "faithful_random", "faithful_oracle"].map(over);
  if (oracle === null || chance === null || faithful === null) return null;
  const headroom = oracle - chance;
  // As faithfulness_metrics/chance.py: .25 - .2 is .04999999999999999 in binary, and .048 is not written as the .05 that
  // would have been enough. These numbers have five digits, so their sums are right to less than 1e-9.
  if (headroom < data.headroom - 1e-9) {
    const told = Math.min(headroom, data.headroom - 0.01).toFixed(2);
    return [null, null, null, 0, `not measurable (headroom ${told})`];
  }
  return [(faithful - chance) / headroom, null, null, 0];
}

function fill(row, choice) {
  const checkpoint = byId.get(row.dataset.id);
  const cells = checkpoint.cells.filter((cell) => inside(data.tasks[cell.t], choice));
  const of = (metric) => estimateOf(checkpoint, metric, choice, cells);
  for (const cell of row.querySelectorAll("[data-metric]")) {
    const e = of(cell.dataset.metric);
    cell.dataset.value = e && e[0] !== null ? e[0] : "";
    cell.replaceChildren(...number(e, cell.dataset.metric === "lift"));
  }
  const gain = row.querySelector(".gain");
  const versus = cells.map((cell) => cell.v).filter((v) => v && v.faithful[0] !== null);
  const value = mean(versus.map((v) => v.faithful[0]));
  gain.dataset.value = value === null ? "" : value;
  if (value === null) gain.replaceChildren(make("span", { class: "note" }, "–"));
  else {
    const count = (name) => versus.filter((v) => v.marker === name).length;
    const counts = [marker("better"), ` ${count("better")} `, marker("worse"), ` ${count("worse")} of ${versus.length}`];
    const known = KINDS.every((kind) => !choice[kind]) ? checkpoint.gains[choice.group] : versus.length === 1 ? versus[0].faithful : null;
    const parts = known && known[1] !== null ? [" ", bounds(known, true)] : [];
    const counted = make("span", { class: "interval" }, ...counts);
    gain.replaceChildren(make("span", { class: "value" }, rate(value, true)), ...parts, " ", counted);
  }
  const place = (name, from, to) => {
    const line = row.querySelector(`.bar .${name}`);
    const there = from !== null && from !== undefined;
    line.setAttribute("visibility", there ? "visible" : "hidden");
    if (!there) return;
    line.setAttribute("x1", 100 * from);
    line.setAttribute("x2", 100 * to);
  };
  const faithful = of("faithful") || [null, null, null];
  const [chance, oracle] = [of("faithful_random") || [null], of("faithful_oracle") || [null]];
  place("dot", faithful[0], faithful[0]);
  place("span", faithful[1], faithful[2]);
  place("chance", chance[0], chance[0]);
  place("oracle", oracle[0], oracle[0]);
}

// The head's cell spans two columns under "Faithful": its numbers stand in the second.
function cellUnder(row, head) {
  let column = 0;
  for (const cell of head.parentElement.cells) {
    column += cell.colSpan;
    if (cell === head) break;
  }
  return row.cells[column - 1];
}

function sort(head, direction) {
  const sign = direction === "ascending" ? 1 : -1;
  const key = (row) => {
    const value = cellUnder(row, head).dataset.value || "";
    return head.dataset.kind === "number" ? (value === "" ? null : Number(value)) : value;
  };
  const compare = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (typeof x === "number" ? x - y : x.localeCompare(y, undefined, { numeric: true }));
  };
  const details = new Map(rowsOf().map((row) => [row, row.nextElementSibling]));
  for (const row of rowsOf().sort(compare)) {
    const detail = details.get(row);
    body.append(row);
    if (detail && !detail.dataset.id) body.append(detail);
  }
  for (const other of head.parentElement.cells) {
    if (other === head) other.setAttribute("aria-sort", direction);
    else other.removeAttribute("aria-sort");
  }
}

table.tHead.addEventListener("click", (event) => {
  const head = event.target.closest("th");
  if (!head || !event.target.closest("button")) return;
  const first = head.dataset.kind === "number" ? "descending" : "ascending";
  const other = first === "descending" ? "ascending" : "descending";
  sort(head, head.getAttribute("aria-sort") === first ? other : first);
});

function told(choice, shown, there) {
  const tasks = data.tasks.filter((task) => inside(task, choice)).length;
  const plain = KINDS.every((kind) => !choice[kind]);
  const which = plain ? (choice.group === "all" ? "all tasks" : `the tasks “${choice.group}”`) : `${tasks} ${tasks === 1 ? "task" : "tasks"}`;
  const no = tasks === 0 ? "; no task is like this" : plain || tasks === 1 ? "" : "; intervals only for whole groups and single tasks";
  return `${shown} of ${there} checkpoints, ${tasks === 1 ? "on" : "means over"} ${which}${no}`;
}

function typed() {
  const parts = $("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rowsOf()) {
    const text = row.dataset.text || (row.dataset.text = [...row.cells].slice(0, 3).map((cell) => cell.dataset.value).join(" ").toLowerCase());
    row.hidden = !parts.every((part) => text.includes(part));
    const detail = row.nextElementSibling;
    if (detail && !detail.dataset.id) detail.hidden = row.hidden;
    shown += !row.hidden;
  }
  $("table-count").textContent = told(chosen(), shown, rowsOf().length);
}

function refill() {
  const choice = chosen();
  for (const row of rowsOf()) fill(row, choice);
  const head = table.tHead.querySelector("[aria-sort]");
  if (head) sort(head, head.getAttribute("aria-sort"));
  for (const row of rowsOf()) refresh(row);
  typed();
}

$("find").addEventListener("input", later(typed));
for (const id of ["group", ...KINDS.map((kind) => `only-${kind}`)]) $(id).addEventListener("change", refill);
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("filters").addEventListener("reset", () => setTimeout(refill));
