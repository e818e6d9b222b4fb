// [data-questions]: add, remove and reorder the boxes on the spot. Without this script the same
// buttons send the form and the server does it. All boxes are always there; unused ones are hidden,
// so what autosave keeps and puts back never has fewer boxes than before.

for (const set of document.querySelectorAll("[data-questions]")) start(set);

function start(set) {
  const rows = [...set.querySelectorAll("[data-question]")];
  const boxes = rows.map((row) => row.querySelector("textarea"));
  const add = set.querySelector('[data-do="add"]');

  function draw(atLeast = 1) {
    const used = boxes.reduce((most, box, index) => (box.value.trim() ? index + 1 : most), 0);
    const shown = Math.max(used, atLeast);
    for (const [index, row] of rows.entries()) {
      row.hidden = index >= shown;
      row.querySelector('[data-do="up"]').hidden = index === 0;
      row.querySelector('[data-do="down"]').hidden = index >= shown - 1;
      row.querySelector('[data-do="remove"]').hidden = shown === 1;
    }
    add.hidden = shown >= rows.length;
    return shown;
  }

  function count() {
    return rows.filter((row) => !row.hidden).length;
  }

  function changed(box) {
    box.dispatchEvent(new Event("change", { bubbles: true })); // autosave listens
    box.focus();
  }

  function swap(one, other) {
    [boxes[one].value, boxes[other].value] = [boxes[other].value, boxes[one].value];
    changed(boxes[other]);
  }

  function remove(at) {
    const before = count();
    for (let index = at; index < boxes.length - 1; index += 1) boxes[index].value = boxes[index + 1].value;
    boxes.at(-1).value = "";
    draw(Math.max(before - 1, 1));
    changed(boxes[Math.min(at, Math.max(before - 2, 0))]);
  }

  set.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (!button) return;
    event.preventDefault();
    const at = rows.indexOf(button.closest("[data-question]"));
    if (button.dataset.do === "add") boxes[draw(Math.min(count() + 1, rows.length)) - 1].focus();
    else if (button.dataset.do === "remove") remove(at);
    else if (button.dataset.do === "up" && at > 0) swap(at, at - 1);
    else if (button.dataset.do === "down" && at < count() - 1) swap(at, at + 1);
  });
  // Texts put back after signing in again may fill boxes that are hidden.
  set.addEventListener("input", (event) => {
    if (event.target.closest("[data-question]")?.hidden) draw(count());
  });
  draw(count());
}
