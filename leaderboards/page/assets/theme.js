// Before anything is drawn: the theme that was chosen last time. Storage may be refused, as on file:// in some browsers.
try {
  const chosen = localStorage.getItem("faithful-se-theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch (refused) {
  // The system's preference then.
}
