// The charts are already drawn. The selection shows one of them, and a tooltip shows the numbers of a mark.
const plot = $("plot");
if (plot) {
  plot.addEventListener("change", () => {
    [...$("plots").children].forEach((chart, i) => {
      chart.hidden = i !== Number(plot.value);
    });
  });
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

const intervals = $("intervals");
if (intervals) intervals.addEventListener("change", () => $("heat").classList.toggle("with-intervals", intervals.checked));
