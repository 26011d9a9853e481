// Elements from data. Text is only ever set as text: nothing here parses HTML.
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

// A run of untrusted text: its direction stays its own.
const bdi = (text) => make("bdi", {}, text);

const data = JSON.parse($("data").textContent);

// As leaderboards/notation.py writes them.
function rate(value, signed = false, digits = 2) {
  if (value === null || value === undefined || value === "") return "–";
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text.replace(/^0/, "");
  return (value < 0 ? "−" : signed ? "+" : "") + text.replace(/^0/, "");
}

const interval = (e, signed = false) => (e && e[1] !== null && e[2] !== null ? `[${rate(e[1], signed)}, ${rate(e[2], signed)}]` : "");

// An interval without width says so where it is pointed at.
function bounds(e, signed = false) {
  const flat = (e[4] || "").includes(data.flat);
  return make("span", { class: flat ? "interval flat" : "interval", title: flat ? e[4] : null }, interval(e, signed));
}

function number(e, signed = false) {
  if (!e || e[0] === null) return [make("span", { class: "note" }, (e && e[4]) || "–")];
  const beside = (e[4] || "").split("; ").filter((part) => part && part !== data.flat).join("; ");
  const note = beside ? [" ", make("span", { class: "note" }, beside)] : [];
  return [make("span", { class: "value" }, rate(e[0], signed)), " ", bounds(e, signed), ...note];
}

const pValue = (p) => (p === null ? "–" : p < 0.001 ? "< .001" : rate(p, false, 3));

const MARKS = { better: "▲", worse: "▼" };
const marker = (name) => (name ? make("span", { class: `marker ${name}`, role: "img", "aria-label": name }, MARKS[name]) : "");

// At most once in `delay` ms, after the last call: typing stays smooth.
function later(what, delay = 120) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(what, delay);
  };
}

// The button says what it does; both themes are in the style sheet.
{
  const button = $("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const show = () => button.setAttribute("aria-pressed", String(dark()));
  button.addEventListener("click", () => {
    const next = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    kept.set("theme", next);
    show();
  });
  system.addEventListener("change", show);
  show();
}

// Who has read it once can fold it away for good. On a phone the numbers come first.
{
  const howto = $("howto");
  const was = kept.get("howto");
  howto.open = was === null ? innerWidth >= 640 : was === "open";
  howto.querySelector("summary").addEventListener("click", () => kept.set("howto", howto.open ? "folded" : "open"));
}
