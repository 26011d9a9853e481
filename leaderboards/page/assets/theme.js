// Choices of the reader, which survive a reload. Browsers may refuse storage, as some do for file://; then a choice lasts
// until the page is closed. Runs before anything is drawn, so that the page does not flash in the wrong theme.
const choices = {
  get(name) {
    try {
      return localStorage.getItem(`faithful-se-${name}`);
    } catch (refused) {
      return null;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`faithful-se-${name}`, value);
    } catch (refused) {
      // The choice lasts until the page is closed.
    }
  },
};
if (["dark", "light"].includes(choices.get("theme"))) document.documentElement.dataset.theme = choices.get("theme");
