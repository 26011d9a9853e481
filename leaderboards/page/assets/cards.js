// Cards of documents, a page of them at a time. The transcript of an entry is built when it is opened.
const PAGE_SIZE = 20;
const FIRST_ENTRIES = 4;

function wordTitle(effect, shade, named, marked) {
  const effectText = effect > 0 ? `masking it alone: ${rate(effect, true)}` : `masking it alone holds the answer: ${rate(effect, true)}`;
  return [shade ? effectText : "", named ? "named by the model" : "", marked ? "marked by people" : ""].filter(Boolean).join("; ");
}

// The text of a document. Words are shaded by the effect of masking them, and underlined if the model named them.
function textParagraphs(card, entry) {
  const effects = new Map(entry.effects || []);
  const namedPositions = new Set(entry.positions);
  const markedPositions = new Set(card.rationale || []);
  return card.fields.map((field) => {
    const words = field.segments.map(({ text, position }) => {
      if (position === null) return text;
      const effect = effects.get(position) || 0;
      const shade = Math.min(5, Math.ceil(Math.abs(effect) * 5));
      const named = namedPositions.has(position);
      const marked = markedPositions.has(position);
      if (!shade && !named && !marked) return text;
      const classes = [shade ? `${effect > 0 ? "flips" : "holds"} e${shade}` : "", named ? "named" : "", marked ? "marked" : ""];
      return make(named ? "u" : "span", { class: classes.filter(Boolean).join(" "), title: wordTitle(effect, shade, named, marked) }, text);
    });
    const title = card.fields.length > 1 ? make("span", { class: "field" }, bdi(field.title)) : null;
    return make("p", { class: "text", dir: "auto" }, title, ...words);
  });
}

const label = (text) => make("span", { class: "label" }, bdi(text === null ? "unread" : text));

function outcome(entry) {
  if (entry.faithful === null) return make("span", { class: "outcome none" }, "no value");
  const faithful = entry.faithful > 0;
  return make("span", { class: `outcome ${faithful ? "yes" : "no"}` }, faithful ? "faithful" : "not faithful");
}

function transcript(entry) {
  const details = make("details", {}, make("summary", {}, "Complete transcript"));
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    const edited = entry.edited().flatMap(([title, text]) => [make("dt", {}, "changed ", bdi(title)), make("dd", { dir: "auto" }, text)]);
    const turns = entry.transcript().flatMap(([role, text]) => [make("dt", {}, bdi(role)), make("dd", { dir: "auto" }, text)]);
    details.append(make("dl", { class: "transcript" }, ...edited, ...turns));
  });
  return details;
}

// What the model did, as a sentence.
function summary(entry) {
  const explanation = entry.explanation.length > 400 ? `${entry.explanation.slice(0, 400)}…` : entry.explanation;
  const askedAgain = entry.after !== null || entry.valid;
  return make(
    "p",
    { class: "entry-summary" },
    "Answers ",
    label(entry.prediction),
    entry.target ? ", is asked for " : null,
    entry.target ? label(entry.target) : null,
    ", explains ",
    make("q", {}, bdi(explanation)),
    entry.valid ? null : make("span", { class: "note" }, " (not valid: ", bdi(entry.reason), ")"),
    askedAgain ? ", then answers " : ", was not asked again",
    askedAgain ? label(entry.after) : null,
    ".",
    entry.effects === null ? make("span", { class: "note" }, " Effects of single words were not recorded.") : null,
  );
}

function entryElement(card, entry) {
  const name = make("strong", {}, bdi(data.checkpoints[entry.checkpoint].name));
  return make(
    "div",
    { class: "entry" },
    make("div", { class: "entry-head" }, name, outcome(entry)),
    ...textParagraphs(card, entry),
    summary(entry),
    transcript(entry),
  );
}

// A card with the entries of all checkpoints, or of one.
function cardElement(card, checkpoint) {
  const entries = checkpoint === null ? card.entries : card.entries.filter((entry) => entry.checkpoint === checkpoint);
  const entryList = make("div", { class: "entries" }, ...entries.slice(0, FIRST_ENTRIES).map((entry) => entryElement(card, entry)));
  const key = make("bdi", { title: card.key }, card.key.slice(0, 12));
  const article = make(
    "article",
    { class: "card" },
    make("h3", {}, bdi(data.tasks[card.task].label), make("span", { class: "small" }, " · label ", label(card.gold), " · ", key)),
    entryList,
  );
  if (entries.length > FIRST_ENTRIES) {
    const button = make("button", { type: "button" }, `Show ${entries.length - FIRST_ENTRIES} more checkpoints`);
    button.addEventListener("click", () => {
      button.remove();
      entryList.append(...entries.slice(FIRST_ENTRIES).map((entry) => entryElement(card, entry)));
    });
    article.append(button);
  }
  return article;
}

if ($("cards")) {
  let matches = [];
  let visibleCards = 0;
  const selectedCheckpoint = () => ($("card-checkpoint").value === "" ? null : Number($("card-checkpoint").value));

  const showMore = () => {
    const elements = matches.slice(visibleCards, visibleCards + PAGE_SIZE).map((card) => cardElement(card, selectedCheckpoint()));
    $("cards").append(...elements);
    visibleCards += elements.length;
    $("more").hidden = visibleCards >= matches.length;
    $("more").textContent = `Show ${Math.min(PAGE_SIZE, matches.length - visibleCards)} more`;
    return elements;
  };

  const search = () => {
    const parts = $("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const [task, searchedLabel, disagreeing] = [$("card-task").value, $("card-label").value, $("disagree").checked];
    const checkpoint = selectedCheckpoint();
    matches = readCards().filter(
      (card) =>
        (task === "" || card.task === Number(task)) &&
        (checkpoint === null || card.entries.some((entry) => entry.checkpoint === checkpoint)) &&
        (searchedLabel === "" || labelsOf(card).has(searchedLabel)) &&
        (!disagreeing || checkpointsDisagree(card)) &&
        parts.every((part) => searchText(card).includes(part)),
    );
    visibleCards = 0;
    $("cards").replaceChildren();
    showMore();
    $("card-count").textContent = `${matches.length.toLocaleString("en")} of ${readCards().length.toLocaleString("en")} cards`;
  };

  const fillSelections = () => {
    const option = (value, text) => make("option", { value }, text);
    const distinct = (values) => [...new Set(values)];
    const tasks = distinct(readCards().map((card) => card.task)).sort((a, b) => a - b);
    const checkpoints = distinct(readCards().flatMap((card) => card.entries.map((entry) => entry.checkpoint))).sort((a, b) => a - b);
    const labels = distinct(readCards().flatMap((card) => [...labelsOf(card)])).filter((text) => text !== null).sort();
    $("card-task").append(...tasks.map((task) => option(task, data.tasks[task].label)));
    $("card-checkpoint").append(...checkpoints.map((i) => option(i, data.checkpoints[i].name)));
    $("card-label").append(...labels.map((text) => option(text, text)));
  };

  $("more").addEventListener("click", () => {
    const first = showMore()[0];
    if (!first) return;
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
  });
  $("words").addEventListener("input", debounce(search, 200));
  for (const id of ["card-task", "card-checkpoint", "card-label", "disagree"]) $(id).addEventListener("change", search);
  $("search").addEventListener("submit", (event) => event.preventDefault());
  $("search").addEventListener("reset", () => setTimeout(search));

  // The cards do not delay the page: they are read when the section comes near, or when the browser is idle.
  let started = false;
  const startOnce = () => {
    if (started) return;
    started = true;
    fillSelections();
    search();
  };
  if ("IntersectionObserver" in window) {
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && startOnce(), { rootMargin: "600px" });
    observer.observe($("documents"));
  }
  if ("requestIdleCallback" in window) requestIdleCallback(startOnce, { timeout: 3000 });
  else setTimeout(startOnce, 500);
}
