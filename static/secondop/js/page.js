// Starts the small helpers of every page. Each of them does nothing when its attributes are absent.

import { startAutosave } from "./autosave.js";
import { startCombos } from "./combo.js";
import { startCounts } from "./count.js";
import { startKeys } from "./keys.js";
import { startMenus } from "./menus.js";
import { startOnce } from "./once.js";

startOnce(document);
startAutosave(document);
startCombos(document);
startCounts(document);
startKeys(document);
startMenus(document);

focusSummary();

// A piece that htmx brings in gets the same treatment as a whole page.
document.addEventListener("htmx:after:swap", () => {
  startAutosave(document);
  startCounts(document);
  focusSummary();
});

// After a mistake the reader lands on the summary of what to change, once.
function focusSummary() {
  const summary = document.querySelector("[data-focus-first]:not([data-was-focused])");
  if (!summary) return;
  summary.dataset.wasFocused = "yes";
  summary.focus();
}
