// The queue: `/` goes to the search; the list refreshes while somebody works with it; the row that
// was opened is marked again on the way back. Only addresses and row ids are kept, in this tab.
//
// The refresh runs only after a key or a pointer moved: a screen left alone must not keep a session
// alive. The server ends it after idle time.

const EVERY_MS = 60000;
const PLACE = "secondop.queue.place";

let wasActive = false;

function list() {
  return document.getElementById("queue");
}

function currentRow() {
  return list()?.querySelector("[data-key-item].is-current")?.dataset.row;
}

function mark(id, { focus }) {
  const row = id && list()?.querySelector(`[data-row="${CSS.escape(id)}"]`);
  if (!row) return;
  row.classList.add("is-current");
  if (focus) row.querySelector("a")?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function remember(id) {
  const at = location.pathname + location.search;
  sessionStorage.setItem(PLACE, JSON.stringify({ at, row: id ?? "" }));
}

function place() {
  return JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
}

function refresh() {
  if (wasActive && !document.hidden) list()?.dispatchEvent(new CustomEvent("refresh"));
  wasActive = false;
}

function startQueue() {
  // On a phone the filters would fill the screen: they wait under their title.
  const fold = document.querySelector("[data-queue-fold]");
  if (fold && matchMedia("(max-width: 39.99em)").matches) fold.open = false;

  const before = place();
  if (before?.at === location.pathname + location.search) mark(before.row, { focus: true });
  remember(before?.row);

  document.addEventListener("keydown", (event) => {
    wasActive = true;
    if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    document.querySelector("[data-queue-search]")?.focus();
  });
  document.addEventListener("pointermove", () => (wasActive = true), { passive: true });
  document.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row]");
    if (row && event.target.closest("a")) remember(row.dataset.row);
  });
  setInterval(refresh, EVERY_MS);
  document.addEventListener("visibilitychange", refresh);

  let marked = "";
  let focused = false;
  document.addEventListener("htmx:before:swap", () => {
    marked = currentRow();
    focused = Boolean(list()?.contains(document.activeElement));
  });
  document.addEventListener("htmx:after:swap", () => {
    mark(marked, { focus: focused });
    remember(marked);
  });
}

// Elsewhere: "Back to the queue" leads to the queue as it was left.
for (const link of document.querySelectorAll("[data-queue-back]")) {
  const before = place();
  if (before?.at.startsWith(link.pathname)) link.href = before.at;
}
if (list()) startQueue();
