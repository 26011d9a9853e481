// Elements made from data. Text is only ever inserted as text: no code of this page parses HTML.
const $ = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

// Isolates untrusted text, so that its writing direction does not change the text around it.
const bdi = (text) => make("bdi", {}, text);

const data = JSON.parse($("data").textContent);

// Positions in an estimate, as leaderboards/page/page_data.py writes it.
const [VALUE, LOW, HIGH, N, NOTE] = [0, 1, 2, 3, 4];
const isDefined = (estimate) => Boolean(estimate) && estimate[VALUE] !== null;

// The same digits as leaderboards/number_format.py.
function rate(value, signed = false, digits = 2) {
  if (value === null || value === undefined || value === "") return "–";
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text.replace(/^0/, "");
  return (value < 0 ? "−" : signed ? "+" : "") + text.replace(/^0/, "");
}

function interval(estimate, signed = false) {
  if (!estimate || estimate[LOW] === null || estimate[HIGH] === null) return "";
  return `[${rate(estimate[LOW], signed)}, ${rate(estimate[HIGH], signed)}]`;
}

// The interval. If it has no width, a tooltip says what that means.
function bounds(estimate, signed = false) {
  const flat = (estimate[NOTE] || "").includes(data.flat);
  return make("span", { class: flat ? "interval flat" : "interval", title: flat ? estimate[NOTE] : null }, interval(estimate, signed));
}

// Why there is no number. The reason after "not measurable: " is a tooltip, as in leaderboards/number_format.py.
function undefinedNumber(note) {
  const isReason = note.startsWith(`${data.notMeasurable}: `);
  return make("span", { class: "note", title: isReason ? note : null }, isReason ? data.notMeasurable : note);
}

function number(estimate, signed = false) {
  if (!isDefined(estimate)) return [undefinedNumber((estimate && estimate[NOTE]) || "–")];
  // As in leaderboards/page/page_data.py: over how many tasks a mean is stands in the tooltip, and in the name of the row.
  const parts = (estimate[NOTE] || "").split("; ").filter((part) => part && part !== data.flat);
  const isCoverage = (part) => /^over \d+ of \d+ tasks$/.test(part);
  const note = parts.filter((part) => !isCoverage(part)).join("; ");
  const noteElements = note ? [" ", make("span", { class: "note" }, note)] : [];
  return [make("span", { class: "value", title: parts.find(isCoverage) }, rate(estimate[VALUE], signed)), " ", bounds(estimate, signed), ...noteElements];
}

// What always answering the most frequent label would reach, beside an accuracy.
const majority = (estimate) => (isDefined(estimate) ? [" ", make("span", { class: "interval" }, `majority ${rate(estimate[VALUE])}`)] : []);

const pValue = (p) => (p === null ? "–" : p < 0.001 ? "< .001" : rate(p, false, 3));

const MARKERS = { better: "▲", worse: "▼" };
const marker = (name) => (name ? make("span", { class: `marker ${name}`, role: "img", "aria-label": name }, MARKERS[name]) : "");

// Calls the action once, `delay` ms after the last call, so that typing stays smooth.
function debounce(action, delay = 120) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, delay);
  };
}

// The theme button. The style sheet holds both themes.
{
  const button = $("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  // The button says what a press does.
  const update = () => (button.lastElementChild.textContent = isDark() ? "Light theme" : "Dark theme");
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    choices.set("theme", theme);
    update();
  });
  system.addEventListener("change", update);
  update();
}

// What is wider than its box scrolls sideways. A line below says so, and the box itself is reached by Tab.
function updateCues() {
  for (const box of document.querySelectorAll("main .scroll")) {
    const isWide = box.scrollWidth > box.clientWidth + 1;
    box.classList.toggle("wide", isWide);
    box.classList.toggle("fits", !isWide);
    const cue = box.nextElementSibling;
    if (cue && cue.classList.contains("cue")) cue.hidden = !isWide;
  }
}
addEventListener("resize", debounce(updateCues));
