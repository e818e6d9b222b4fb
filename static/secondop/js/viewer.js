// Keeps the session open while somebody reads images, and says so when it has ended.
const url = document.querySelector("script[data-alive-url]").dataset.aliveUrl;
const bar = document.getElementById("signed-out");
const EVERY_MS = 2 * 60 * 1000;
let asked = Date.now();

async function ask() {
  if (Date.now() - asked < EVERY_MS) return;
  asked = Date.now();
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    bar.hidden = answer.ok;
  } catch {
    asked = 0; // no connection: ask again at the next movement
  }
}

for (const name of ["pointermove", "wheel", "keydown"]) {
  document.addEventListener(name, ask, { passive: true, capture: true });
}
