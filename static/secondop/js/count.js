// Says how many characters are left under a textarea. The limit and the words come from the page.

const QUIET_MS = 800;

export function startCounts(root) {
  for (const line of root.querySelectorAll("[data-limit]:not([data-started])")) {
    const box = document.getElementById(line.id.replace(/_count$/, ""));
    if (!box) continue;
    line.dataset.started = "yes";
    let timer = 0;
    const say = () => show(line, box);
    box.addEventListener("input", () => {
      say();
      // Screen readers hear the number once the typing stops, not at every key.
      line.removeAttribute("aria-live");
      clearTimeout(timer);
      timer = setTimeout(() => line.setAttribute("aria-live", "polite"), QUIET_MS);
    });
    if (box.value) say();
  }
}

function show(line, box) {
  // The server counts characters, and a line break arrives there as two.
  const used = Array.from(box.value.replace(/\r?\n/g, "\r\n")).length;
  const left = Number(line.dataset.limit) - used;
  const words = left < 0 ? line.dataset.over : line.dataset.left;
  line.textContent = words.replace("%(n)s", Math.abs(left).toLocaleString(document.documentElement.lang));
  line.classList.toggle("so-count--over", left < 0);
}
