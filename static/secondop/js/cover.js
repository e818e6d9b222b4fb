// Draw places to cover on a picture; they are written as numbers into the form's text field.

const SVG = "http://www.w3.org/2000/svg";
const stage = document.querySelector("[data-cover]");
const field = document.querySelector("[data-cover-places]");
const undo = document.querySelector("[data-cover-undo]");

if (stage && field) start(stage.querySelector("svg"));

function start(canvas) {
  let from = null;
  canvas.removeAttribute("hidden");
  if (undo) undo.hidden = false;

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const part = (value, size) => Math.max(0, Math.min(1000, Math.round((value / size) * 1000)));
    return [part(event.clientX - box.left, box.width), part(event.clientY - box.top, box.height)];
  };
  const place = (to) => [
    Math.min(from[0], to[0]), Math.min(from[1], to[1]),
    Math.max(from[0], to[0]), Math.max(from[1], to[1]),
  ];

  canvas.addEventListener("pointerdown", (event) => {
    from = at(event);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (from) draw(canvas, [...places(), place(at(event))]);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!from) return;
    const made = place(at(event));
    from = null;
    if (made[2] - made[0] > 2 && made[3] - made[1] > 2) write([...places(), made]);
    draw(canvas, places());
  });
  canvas.addEventListener("pointercancel", () => { from = null; draw(canvas, places()); });
  field.addEventListener("input", () => draw(canvas, places()));
  undo?.addEventListener("click", () => { write(places().slice(0, -1)); draw(canvas, places()); });
  draw(canvas, places());
}

function places() {
  return field.value
    .split(/[;\n]+/)
    .map((line) => (line.match(/\d+/g) || []).map(Number))
    .filter((numbers) => numbers.length === 4);
}

function write(all) {
  field.value = all.map((one) => one.join(", ")).join("\n");
}

function draw(canvas, all) {
  canvas.replaceChildren(...all.map(([left, top, right, bottom]) => {
    const box = document.createElementNS(SVG, "rect");
    box.setAttribute("x", left);
    box.setAttribute("y", top);
    box.setAttribute("width", Math.max(0, right - left));
    box.setAttribute("height", Math.max(0, bottom - top));
    return box;
  }));
}
