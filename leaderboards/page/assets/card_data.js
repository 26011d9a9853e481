// The documents: read when first needed, texts by their place in one list (see leaderboards/page/documents.py).
let read = null;
function documents() {
  if (read) return read;
  const raw = JSON.parse($("texts").textContent);
  const text = (place) => (place === null ? null : raw.strings[place]);
  const fields = (field) => field.map(([title, pieces]) => ({
    title: text(title),
    pieces: pieces.map((piece) => (Array.isArray(piece) ? { text: text(piece[0]), position: piece[1] } : { text: text(piece), position: null })),
  }));
  const entry = (e) => ({
    checkpoint: e[0],
    prediction: text(e[1]),
    explanation: text(e[2]),
    valid: e[3] === 1,
    reason: text(e[4]),
    words: () => e[5].map(text),
    positions: e[6],
    target: text(e[7]),
    edited: () => e[8].map(([title, value]) => [text(title), text(value)]),
    after: text(e[9]),
    faithful: e[10],
    effects: e[11],
    transcript: () => e[12].map(([role, value]) => [text(role), text(value)]),
  });
  read = raw.documents.map((d) => ({
    task: d.t,
    key: text(d.k),
    fields: fields(d.f),
    gold: text(d.g),
    rationale: d.r,
    entries: d.e.map(entry),
  }));
  return read;
}

// What the search looks through: the text, the labels, what the model named.
function haystack(card) {
  if (!card.hay) {
    const own = card.fields.flatMap((field) => field.pieces.map((piece) => piece.text)).join("");
    const said = card.entries.flatMap((e) => [e.prediction, e.after, e.explanation, e.target]).filter(Boolean);
    card.hay = [own, card.key, card.gold, ...new Set(said)].join("\n").toLowerCase();
  }
  return card.hay;
}

const differ = (card) => new Set(card.entries.filter((e) => e.faithful !== null).map((e) => e.faithful)).size > 1;
const labelsOf = (card) => new Set([card.gold, ...card.entries.map((e) => e.prediction)]);
