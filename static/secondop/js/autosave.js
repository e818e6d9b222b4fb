// <form data-autosave-url="/path/">: what is typed is sent 2 seconds after the last key.
//
// The server gets a POST with the CSRF token, the changed fields under their own names, every
// field named in data-autosave-always="version lock" (space separated), and `autosave=1`.
// It answers 2xx when it kept the text; JSON {"set": {"version": "8"}} may update hidden fields.
// 409 means that somebody else changed it: {"message": "..."} is shown and saving stops.
//
// PRIVACY: the text is health data. It is put in sessionStorage only when it could not be sent
// (network down, session over) or while a submit is under way, only in this tab, only until it is
// saved or the person signs out (a form with data-logout) or somebody else signs in. After signing
// in again in the same tab the text is put back into the form. When the tab closes the browser
// forgets it. localStorage would survive and is not used.
//
// Words come from data attributes, so that they are translated by the server; the include
// components/autosave.html writes them: data-words-saved, -kept, -restored.

const IDLE_MS = 2000;
const RETRY_MS = 15000;
const STORE = "secondop.unsaved:";

export function startAutosave(root) {
  settle(root);
  for (const form of root.querySelectorAll("form[data-autosave-url]:not([data-autosaving])")) {
    form.dataset.autosaving = "yes";
    new Autosave(form).start();
  }
  for (const form of root.querySelectorAll("form[data-logout]")) {
    form.addEventListener("submit", forgetEverything);
  }
}

export function forgetEverything() {
  for (const [key] of kept()) sessionStorage.removeItem(key);
}

function kept() {
  return Object.keys(sessionStorage)
    .filter((key) => key.startsWith(STORE))
    .map((key) => [key, JSON.parse(sessionStorage.getItem(key))]);
}

// Texts of a submit: an ordinary page afterwards proves that they arrived. The sign-in page and an
// error page prove that they did not; a page with the same form shows them or gets them back.
function settle(root) {
  const { person, failed } = document.body.dataset;
  for (const [key, entry] of kept()) {
    const form = root.querySelector(`form[data-autosave-url="${CSS.escape(key.slice(STORE.length))}"]`);
    if (person && entry.person !== person) sessionStorage.removeItem(key);
    else if (entry.submitted && person && !failed && !form) sessionStorage.removeItem(key);
    else if (entry.submitted) sessionStorage.setItem(key, JSON.stringify({ ...entry, submitted: false }));
  }
}

class Autosave {
  constructor(form) {
    this.form = form;
    this.key = STORE + form.dataset.autosaveUrl;
    this.saved = this.read(); // as the server sent it
    this.timer = 0;
    this.sending = null;
    this.stopped = false;
    this.line = form.querySelector("[data-autosave-status]") ?? this.makeLine();
  }

  start() {
    this.restore();
    this.form.addEventListener("input", () => this.later(IDLE_MS));
    this.form.addEventListener("change", () => this.later(IDLE_MS));
    // A real submit carries everything; the copy stays until the next page proves that it arrived.
    this.form.addEventListener("submit", (event) => {
      if (event.defaultPrevented) return;
      clearTimeout(this.timer);
      this.stopped = true;
      this.sending?.abort();
      const now = this.read();
      const names = this.changed(now);
      if (names.length) this.keepHere(now, names, true);
      else sessionStorage.removeItem(this.key);
    });
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) this.stopped = false;
    });
    window.addEventListener("online", () => this.later(0));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.later(0);
    });
  }

  makeLine() {
    const line = document.createElement("p");
    line.className = "so-saved";
    line.setAttribute("role", "status");
    this.form.append(line);
    return line;
  }

  // All values by name; files and the token are not ours to keep.
  read() {
    const values = {};
    for (const [name, value] of new FormData(this.form)) {
      if (name === "csrfmiddlewaretoken" || typeof value !== "string") continue;
      (values[name] ??= []).push(value);
    }
    // A box that was unticked is absent from the form's data and must be sent as empty.
    for (const box of this.form.querySelectorAll("input[type=checkbox][name]")) values[box.name] ??= [];
    return values;
  }

  changed(now) {
    return Object.keys(now).filter((name) => !same(now[name], this.saved[name]));
  }

  later(wait) {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), wait);
  }

  async save() {
    if (this.stopped) return;
    if (this.sending) return this.later(IDLE_MS);
    const now = this.read();
    const names = this.changed(now);
    if (!names.length) return;
    this.sending = new AbortController();
    let answer = null;
    try {
      answer = await fetch(this.form.dataset.autosaveUrl, {
        method: "POST",
        body: this.body(now, names),
        headers: { "X-CSRFToken": this.token(), Accept: "application/json" },
        credentials: "same-origin",
        redirect: "manual",
        signal: this.sending.signal,
      });
    } catch {
      answer = null; // no network, or the form was submitted meanwhile
    }
    this.sending = null;
    if (this.stopped) return;
    if (answer?.ok) await this.kept(now, answer);
    else if (answer?.status === 409 || answer?.status === 400 || answer?.status === 422) await this.refused(now, names, answer);
    else this.failed(now, names);
  }

  body(now, names) {
    const body = new URLSearchParams({ autosave: "1" });
    const always = (this.form.dataset.autosaveAlways ?? "").split(/\s+/).filter(Boolean);
    for (const name of new Set([...names, ...always])) {
      const values = now[name]?.length ? now[name] : [""];
      for (const value of values) body.append(name, value);
    }
    return body;
  }

  token() {
    return this.form.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  }

  async kept(now, answer) {
    this.saved = now;
    sessionStorage.removeItem(this.key);
    const told = await answer.json().catch(() => ({}));
    for (const [name, value] of Object.entries(told.set ?? {})) {
      const field = this.form.elements.namedItem(name);
      if (field && "value" in field) field.value = value;
      this.saved[name] = [String(value)];
    }
    const time = new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    this.say(`${this.words("saved", "Saved")} ${time}`, false);
  }

  async refused(now, names, answer) {
    const told = await answer.json().catch(() => ({}));
    this.keepHere(now, names);
    if (answer.status === 409) this.stopped = true;
    this.say(told.message ?? this.words("kept", "Not saved yet. Your text is kept in this tab."), true);
  }

  failed(now, names) {
    this.keepHere(now, names);
    this.say(this.words("kept", "Not saved yet. Your text is kept in this tab."), true);
    this.later(RETRY_MS);
  }

  keepHere(now, names, submitted = false) {
    const texts = Object.fromEntries(names.map((name) => [name, now[name]]));
    const person = document.body.dataset.person ?? "";
    try {
      sessionStorage.setItem(this.key, JSON.stringify({ person, submitted, texts }));
    } catch {
      // Storage may be full or off; the text is still on the page.
    }
  }

  restore() {
    const entry = sessionStorage.getItem(this.key);
    if (!entry) return;
    const always = (this.form.dataset.autosaveAlways ?? "").split(/\s+/);
    for (const [name, values] of Object.entries(JSON.parse(entry).texts)) {
      if (!always.includes(name)) this.fill(name, values);
    }
    this.say(this.words("restored", "We put back what you typed before."), false);
    this.later(0);
  }

  fill(name, values) {
    const fields = this.form.querySelectorAll(`[name="${CSS.escape(name)}"]`);
    for (const [index, field] of fields.entries()) {
      if (field.type === "hidden" || field.type === "password" || field.type === "file") continue;
      if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
      else if (field.multiple) for (const option of field.options) option.selected = values.includes(option.value);
      else field.value = values[index] ?? values[0] ?? "";
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  words(which, otherwise) {
    return this.form.dataset[`words${which[0].toUpperCase()}${which.slice(1)}`] ?? otherwise;
  }

  say(text, isProblem) {
    this.line.textContent = text;
    this.line.classList.toggle("so-saved--problem", isProblem);
  }
}

// Not part of the class: compares two lists of values of one field.
function same(one, other) {
  return JSON.stringify(one ?? []) === JSON.stringify(other ?? []);
}
