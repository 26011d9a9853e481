// Cards of documents, a page of them at a time; what a card opens to is built when it is opened.
const PAGE = 20;
const FIRST = 4;

function words(card, entry) {
  const effects = new Map(entry.effects || []);
  const named = new Set(entry.positions);
  const marked = new Set(card.rationale || []);
  return card.fields.map((field) => {
    const pieces = field.pieces.map(({ text, position }) => {
      const effect = effects.get(position) || 0;
      const shade = Math.min(5, Math.ceil(Math.abs(effect) * 5));
      const classes = [shade ? `${effect > 0 ? "flips" : "holds"} e${shade}` : "", named.has(position) ? "named" : "", marked.has(position) ? "marked" : ""];
      const all = classes.filter(Boolean).join(" ");
      if (position === null || !all) return text;
      const said = [shade ? (effect > 0 ? `masking it alone: ${rate(effect, true)}` : `masking it alone holds the answer: ${rate(effect, true)}`) : "", named.has(position) ? "named by the model" : "", marked.has(position) ? "marked by people" : ""];
      return make(named.has(position) ? "u" : "span", { class: all, title: said.filter(Boolean).join("; ") }, text);
    });
    const title = card.fields.length > 1 ? make("span", { class: "field" }, bdi(field.title)) : null;
    return make("p", { class: "text", dir: "auto" }, title, ...pieces);
  });
}

const label = (text) => make("span", { class: "label" }, bdi(text === null ? "unread" : text));

function outcome(entry) {
  if (entry.faithful === null) return make("span", { class: "outcome none" }, "no value");
  const good = entry.faithful > 0;
  return make("span", { class: `outcome ${good ? "yes" : "no"}` }, good ? "faithful" : "not faithful");
}

function transcript(entry) {
  const details = make("details", {}, make("summary", {}, "Whole transcript"));
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    const edited = entry.edited().flatMap(([title, text]) => [make("dt", {}, "changed ", bdi(title)), make("dd", { dir: "auto" }, text)]);
    const turns = entry.transcript().flatMap(([role, text]) => [make("dt", {}, bdi(role)), make("dd", { dir: "auto" }, text)]);
    details.append(make("dl", { class: "transcript" }, ...edited, ...turns));
  });
  return details;
}

function entryOf(card, entry) {
  const checkpoint = data.checkpoints[entry.checkpoint];
  const named = entry.explanation.length > 400 ? `${entry.explanation.slice(0, 400)}…` : entry.explanation;
  return make(
    "div",
    { class: "entry" },
    make("div", { class: "who" }, make("strong", {}, bdi(checkpoint.name)), outcome(entry)),
    ...words(card, entry),
    make(
      "p",
      { class: "said" },
      "Answers ",
      label(entry.prediction),
      entry.target ? ", is asked for " : null,
      entry.target ? label(entry.target) : null,
      ", explains ",
      make("q", {}, bdi(named)),
      entry.valid ? null : make("span", { class: "note" }, " (not valid: ", bdi(entry.reason), ")"),
      entry.after === null && !entry.valid ? ", was not asked again" : ", then answers ",
      entry.after === null && !entry.valid ? null : label(entry.after),
      ".",
      entry.effects === null ? make("span", { class: "note" }, " Effects of single words were not recorded.") : null,
    ),
    transcript(entry),
  );
}

function cardOf(card, only) {
  const entries = only === null ? card.entries : card.entries.filter((entry) => entry.checkpoint === only);
  const inner = make("div", { class: "entries" }, ...entries.slice(0, FIRST).map((entry) => entryOf(card, entry)));
  const article = make(
    "article",
    { class: "card" },
    make("h3", {}, bdi(data.tasks[card.task].label), make("span", { class: "small" }, " · label ", label(card.gold), " · ", make("bdi", { title: card.key }, card.key.slice(0, 12)))),
    inner,
  );
  if (entries.length > FIRST) {
    const more = make("button", { type: "button" }, `Show ${entries.length - FIRST} more checkpoints`);
    more.addEventListener("click", () => {
      more.remove();
      inner.append(...entries.slice(FIRST).map((entry) => entryOf(card, entry)));
    });
    article.append(more);
  }
  return article;
}

if ($("cards")) {
  let found = [];
  let shown = 0;
  const only = () => ($("card-checkpoint").value === "" ? null : Number($("card-checkpoint").value));

  const more = () => {
    const next = found.slice(shown, shown + PAGE).map((card) => cardOf(card, only()));
    $("cards").append(...next);
    shown += next.length;
    $("more").hidden = shown >= found.length;
    $("more").textContent = `Show ${Math.min(PAGE, found.length - shown)} more`;
    return next;
  };

  const search = () => {
    const parts = $("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const [task, wanted, differing] = [$("card-task").value, $("card-label").value, $("disagree").checked];
    found = documents().filter(
      (card) =>
        (task === "" || card.task === Number(task)) &&
        (only() === null || card.entries.some((entry) => entry.checkpoint === only())) &&
        (wanted === "" || labelsOf(card).has(wanted)) &&
        (!differing || differ(card)) &&
        parts.every((part) => haystack(card).includes(part)),
    );
    shown = 0;
    $("cards").replaceChildren();
    more();
    $("card-count").textContent = `${found.length.toLocaleString("en")} of ${documents().length.toLocaleString("en")} cards`;
  };

  const begin = () => {
    const cards = documents();
    const option = (value, text) => make("option", { value }, text);
    const tasks = [...new Set(cards.map((card) => card.task))].sort((a, b) => a - b);
    const people = [...new Set(cards.flatMap((card) => card.entries.map((entry) => entry.checkpoint)))].sort((a, b) => a - b);
    const labels = [...new Set(cards.flatMap((card) => [...labelsOf(card)]))].filter((text) => text !== null).sort();
    $("card-task").append(...tasks.map((task) => option(task, data.tasks[task].label)));
    $("card-checkpoint").append(...people.map((i) => option(i, data.checkpoints[i].name)));
    $("card-label").append(...labels.map((text) => option(text, text)));
    search();
  };

  $("more").addEventListener("click", () => {
    const first = more()[0];
    if (!first) return;
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
  });
  $("words").addEventListener("input", later(search, 200));
  for (const id of ["card-task", "card-checkpoint", "card-label", "disagree"]) $(id).addEventListener("change", search);
  $("search").addEventListener("submit", (event) => event.preventDefault());
  $("search").addEventListener("reset", () => setTimeout(search));
  // Nobody waits for the cards: they are read when the section comes near, or when there is nothing else to do.
  let begun = false;
  const once = () => {
    if (!begun) begin();
    begun = true;
  };
  if ("IntersectionObserver" in window) new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && once(), { rootMargin: "600px" }).observe($("documents"));
  if ("requestIdleCallback" in window) requestIdleCallback(once, { timeout: 3000 });
  else setTimeout(once, 500);
}
