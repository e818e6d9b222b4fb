// [data-icd10-url]: the text box inside becomes a combobox that searches ICD-10-CM while typing.
//
// ARIA 1.2 combobox with a listbox: the focus stays in the box, `aria-activedescendant` walks the
// list. Arrow down/up, Home/End, Enter, Escape; a click works too. PRIVACY: what is typed is often a
// diagnosis, so it is sent in the body of a POST and never stands in an address.

const IDLE_MS = 180;
let count = 0;

export function startIcd10(root) {
  for (const part of root.querySelectorAll("[data-icd10-url]:not([data-icd10-started])")) {
    part.dataset.icd10Started = "yes";
    new CodeBox(part).start();
  }
}

class CodeBox {
  constructor(part) {
    this.part = part;
    this.box = part.querySelector("input[type=text], input:not([type])");
    this.chosen = part.querySelector("[data-icd10-chosen]");
    this.said = part.querySelector("[data-icd10-said]");
    this.list = document.createElement("ul");
    this.list.id = `icd10-list-${(count += 1)}`;
    this.list.className = "so-icd10__list";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", part.dataset.wordsList ?? "");
    this.list.hidden = true;
    this.at = -1;
    this.timer = 0;
    this.asked = null;
  }

  start() {
    const { box } = this;
    box.setAttribute("role", "combobox");
    box.setAttribute("aria-autocomplete", "list");
    box.setAttribute("aria-expanded", "false");
    box.setAttribute("aria-controls", this.list.id);
    const wrap = document.createElement("div");
    wrap.className = "so-icd10__box";
    box.replaceWith(wrap);
    wrap.append(box, this.list);
    const plain = this.part.querySelector("[data-icd10-plain]");
    if (plain) plain.hidden = true;
    box.addEventListener("input", (event) => event.isTrusted && this.later());
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    // Keep the focus in the box, else "blur" closes the list before the click arrives.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.choose(option);
    });
  }

  later() {
    this.chosen.textContent = "";
    clearTimeout(this.timer);
    this.asked?.abort();
    if (this.box.value.trim().length < 2) return this.close();
    this.timer = setTimeout(() => this.ask(), IDLE_MS);
  }

  async ask() {
    this.asked = new AbortController();
    const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
    try {
      const answer = await fetch(this.part.dataset.icd10Url, {
        method: "POST",
        body: new URLSearchParams({ q: this.box.value }),
        headers: { Accept: "application/json", "X-CSRFToken": token },
        credentials: "same-origin",
        signal: this.asked.signal,
      });
      if (answer.ok) this.show(await answer.json());
      else this.close();
    } catch {
      this.close(); // no network, or a newer question was asked; the box still takes a code
    }
  }

  show({ results, said }) {
    this.list.replaceChildren(...results.map((row, index) => this.option(row, index)));
    this.at = -1;
    this.box.removeAttribute("aria-activedescendant");
    this.list.hidden = results.length === 0;
    this.box.setAttribute("aria-expanded", String(results.length > 0));
    this.said.textContent = said;
  }

  option({ code, title }, index) {
    const option = document.createElement("li");
    option.id = `${this.list.id}-${index}`;
    option.className = "so-icd10__option";
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.dataset.code = code;
    option.dataset.title = title;
    const name = document.createElement("span");
    name.textContent = title;
    const small = document.createElement("span");
    small.className = "so-icd10__code";
    small.textContent = code;
    option.append(name, " ", small);
    return option;
  }

  key(event) {
    const options = [...this.list.children];
    const isOpen = !this.list.hidden;
    if (event.key === "ArrowDown" && !isOpen) {
      event.preventDefault();
      if (this.box.value.trim().length > 1) this.ask();
    } else if (!isOpen) {
      return;
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      const start = this.at < 0 && step < 0 ? 0 : this.at;
      this.mark(options, (start + step + options.length) % options.length);
    } else if (event.key === "Enter" && this.at >= 0) {
      event.preventDefault();
      this.choose(options[this.at]);
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.close();
    } else if (event.key === "Tab") {
      this.close();
    }
  }

  mark(options, at) {
    this.at = at;
    for (const [index, option] of options.entries()) {
      option.setAttribute("aria-selected", String(index === at));
    }
    this.box.setAttribute("aria-activedescendant", options[at].id);
    options[at].scrollIntoView({ block: "nearest" });
  }

  choose(option) {
    const { code, title } = option.dataset;
    this.box.value = code;
    this.chosen.textContent = `${code} – ${title}`;
    this.said.textContent = `${code} ${title}`;
    this.close();
    this.box.dispatchEvent(new Event("change", { bubbles: true })); // autosave listens
  }

  close() {
    clearTimeout(this.timer);
    this.list.hidden = true;
    this.at = -1;
    this.box.setAttribute("aria-expanded", "false");
    this.box.removeAttribute("aria-activedescendant");
  }
}

startIcd10(document);
document.addEventListener("htmx:after:swap", () => startIcd10(document));
