// The blinding desk without the mouse, and boxes drawn with one. Pressing the key named in
// data-key="r" clicks that link or button; keys are off while somebody writes. Without this file
// everything works by buttons; places are then chosen from hits, lines or words.

const WRITING = "input:not([type=checkbox]), textarea, select, [contenteditable], dialog";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest(WRITING)) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!target || target.disabled) return;
  event.preventDefault();
  target.click();
});

// The list scrolls by itself: the item in front is always in sight.
const list = document.querySelector(".so-desk__items");
const current = list?.querySelector(".is-current");
if (current) list.scrollTop = current.offsetTop - list.offsetTop - list.clientHeight / 3;

// A box is drawn from corner to corner and sent as fractions of the page.
const SMALLEST = 0.004; // of the page; a click is not a box

const sheet = document.querySelector("[data-draw]");
const form = document.querySelector("[data-draw-form]");
if (sheet && form) {
  const drawn = sheet.querySelector("[data-drawn]");
  const view = sheet.querySelector("svg").viewBox.baseVal;
  let from = null;
  form.hidden = false;
  sheet.setAttribute("data-draws", "");

  const place = (event) => {
    const frame = sheet.getBoundingClientRect();
    const within = (value) => Math.min(1, Math.max(0, value));
    return {
      x: within((event.clientX - frame.left) / frame.width),
      y: within((event.clientY - frame.top) / frame.height),
    };
  };
  const boxTo = (to) => [
    Math.min(from.x, to.x), Math.min(from.y, to.y), Math.max(from.x, to.x), Math.max(from.y, to.y),
  ];
  const show = ([x0, y0, x1, y1]) => {
    const edges = { x: x0 * view.width, y: y0 * view.height,
                    width: (x1 - x0) * view.width, height: (y1 - y0) * view.height };
    for (const [name, value] of Object.entries(edges)) drawn.setAttribute(name, String(value));
  };

  sheet.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = place(event);
    sheet.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  sheet.addEventListener("pointermove", (event) => {
    if (from) show(boxTo(place(event)));
  });
  sheet.addEventListener("pointercancel", () => {
    from = null;
    show([0, 0, 0, 0]);
  });
  sheet.addEventListener("pointerup", (event) => {
    if (!from) return;
    const box = boxTo(place(event));
    from = null;
    if (box[2] - box[0] < SMALLEST || box[3] - box[1] < SMALLEST) {
      show([0, 0, 0, 0]);
      return;
    }
    form.elements.box.value = box.map((edge) => edge.toFixed(5)).join(",");
    form.requestSubmit();
  });
}
