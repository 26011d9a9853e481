// Before anything is drawn: what was chosen last time. Storage may be refused, as on file:// in some browsers; then a choice
// lasts until the page is closed.
const kept = {
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
      // Nothing to do.
    }
  },
};
if (["dark", "light"].includes(kept.get("theme"))) document.documentElement.dataset.theme = kept.get("theme");
