// Reads the cards' data when it is first needed. Texts are stored once; cards refer to them by index. The keys and the
// order of an entry are those of leaderboards/page/card_data.py.
let cards = null;
function readCards() {
  if (cards) return cards;
  const raw = JSON.parse($("texts").textContent);
  const text = (index) => (index === null ? null : raw.strings[index]);
  const segment = (piece) => (Array.isArray(piece) ? { text: text(piece[0]), position: piece[1] } : { text: text(piece), position: null });
  const field = ([title, pieces]) => ({ title: text(title), segments: pieces.map(segment) });
  const entry = ([checkpoint, prediction, explanation, valid, reason, positions, target, edited, after, faithful, effects, transcript]) => ({
    checkpoint,
    prediction: text(prediction),
    explanation: text(explanation),
    valid: valid === 1,
    reason: text(reason),
    positions,
    target: text(target),
    edited: () => edited.map(([title, value]) => [text(title), text(value)]),
    after: text(after),
    faithful,
    effects,
    transcript: () => transcript.map(([role, value]) => [text(role), text(value)]),
  });
  cards = raw.documents.map((card) => ({
    task: card.t,
    key: text(card.k),
    fields: card.f.map(field),
    gold: text(card.g),
    rationale: card.r,
    entries: card.e.map(entry),
  }));
  return cards;
}

// What the search looks through: the text, the labels and the explanations.
function searchText(card) {
  if (!card.searchText) {
    const document = card.fields.flatMap((field) => field.segments.map((segment) => segment.text)).join("");
    const answers = card.entries.flatMap((entry) => [entry.prediction, entry.after, entry.explanation, entry.target]).filter(Boolean);
    card.searchText = [document, card.key, card.gold, ...new Set(answers)].join("\n").toLowerCase();
  }
  return card.searchText;
}

function checkpointsDisagree(card) {
  const outcomes = card.entries.map((entry) => entry.faithful).filter((faithful) => faithful !== null);
  return new Set(outcomes).size > 1;
}

const labelsOf = (card) => new Set([card.gold, ...card.entries.map((entry) => entry.prediction)]);
