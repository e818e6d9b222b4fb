// USWDS has the words of its combo boxes in English alone. [data-combo-words] holds ours.

export function startCombos(root) {
  for (const box of root.querySelectorAll("[data-combo-words]:not([data-has-words])")) {
    box.dataset.hasWords = "yes";
    const words = JSON.parse(box.dataset.comboWords);
    // USWDS makes the box after us, and its list and status anew at each key.
    new MutationObserver(() => say(box, words)).observe(box, { childList: true, subtree: true });
    say(box, words);
  }
}

function say(box, words) {
  label(box.querySelector(".usa-combo-box__clear-input"), words.clear);
  label(box.querySelector(".usa-combo-box__toggle-list"), words.toggle);
  write(box.querySelector(".usa-combo-box__list-option--no-results"), words.none);
  const status = box.querySelector(".usa-combo-box__status");
  if (!status?.textContent) return;
  const count = status.textContent.match(/\d+/)?.[0];
  write(status, count ? (count === "1" ? words.one : words.many).replace("{n}", count) : words.none);
}

function label(button, text) {
  button?.setAttribute("aria-label", text);
}

function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}
