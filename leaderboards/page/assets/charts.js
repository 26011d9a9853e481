// The charts are already drawn. The selection shows one of them, and a tooltip shows the numbers of a mark.
const plot = $("plot");
if (plot) {
  const showChoice = () => {
    [...$("plots").children].forEach((charts, i) => {
      charts.hidden = i !== Number(plot.value);
    });
  };
  plot.addEventListener("change", showChoice);
  showChoice();
}

const tip = make("div", { class: "tip", role: "tooltip", hidden: true });
document.body.append(tip);
document.addEventListener("pointerover", (event) => {
  const mark = event.target.closest && event.target.closest(".chart [aria-roledescription='point']");
  tip.hidden = !mark;
  if (!mark) return;
  tip.textContent = mark.getAttribute("aria-label");
  const box = mark.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${box.bottom + 8}px`;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") tip.hidden = true;
});

// The matrix: intervals on demand, one budget at a time (by the style sheet), and long blocks cut until asked for.
const heat = $("heat");
if (heat) {
  $("intervals").addEventListener("change", () => {
    heat.classList.toggle("with-intervals", $("intervals").checked);
    updateCues();
  });
  for (const radio of document.querySelectorAll("#matrix [name=budget]")) radio.addEventListener("change", updateCues);
  const button = $("all-matrix");
  if (button) {
    heat.classList.add("cut");
    button.hidden = false;
    button.addEventListener("click", () => {
      heat.classList.remove("cut");
      button.remove();
    });
  }
}
updateCues();
