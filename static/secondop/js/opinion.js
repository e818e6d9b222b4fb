// Reading a case file without the mouse: pressing the key named in data-key="j" clicks that link or
// button. Keys are off while somebody writes.

const WRITING = "input, textarea, select, [contenteditable], dialog";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(WRITING)) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!target) return;
  event.preventDefault();
  target.click();
});

// After a jump to #viewer the pages themselves have the focus, so that arrows and Page Down scroll.
if (location.hash === "#viewer") {
  document.querySelector(".so-viewer__pages")?.focus({ preventScroll: true });
}
