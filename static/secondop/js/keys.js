// Working through a list without the mouse. [data-key-list] holds rows marked [data-key-item]:
// j next, k previous, Enter opens the row's first link, ? shows the help in #keys-help if present.

const WRITING = "input, textarea, select, [contenteditable], dialog";

export function startKeys(root) {
  if (!root.querySelector("[data-key-list]")) return;
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(WRITING)) return;
    if (event.key === "j") move(root, 1);
    else if (event.key === "k") move(root, -1);
    else if (event.key === "?") document.getElementById("keys-help")?.showModal?.();
    else if (event.key === "Enter" && !event.target.closest("a, button, summary")) open(root);
    else return;
    event.preventDefault();
  });
}

function rows(root) {
  return Array.from(root.querySelectorAll("[data-key-list] [data-key-item]"));
}

function move(root, step) {
  const all = rows(root);
  if (!all.length) return;
  const here = all.findIndex((row) => row.classList.contains("is-current"));
  const next = here < 0 ? (step > 0 ? 0 : all.length - 1) : here + step;
  const row = all[Math.min(Math.max(next, 0), all.length - 1)];
  all[here]?.classList.remove("is-current");
  row.classList.add("is-current");
  row.querySelector("a")?.focus();
  row.scrollIntoView({ block: "nearest" });
}

function open(root) {
  root.querySelector("[data-key-item].is-current a")?.click();
}
