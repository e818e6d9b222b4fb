// The page that sends images: choose or drop, see what was found, send, watch, go on after a cut.
//
// Files are looked at in a worker (imaging-upload-worker.js) and sent by imaging-upload-sender.js.
// ZIP files and letters are handed to the uploader of documents (uploader.js). PRIVACY: what is kept
// in localStorage is how many images were to be sent, and nothing about them.

import { canChooseFolders, filesOfDrop, Looker } from "./imaging-upload-files.js";
import { Sender } from "./imaging-upload-sender.js";
import { day, say, sentences, size, Speed, time } from "./imaging-upload-words.js";

const SHOWN_MS = 250; // progress is drawn four times a second at most
const SAID_EVERY = 25; // percent: a screen reader hears a quarter, not each batch
const NAMES_SHOWN = 20;
const UNREAD = "unread";

class Page {
  constructor(root) {
    this.root = root;
    this.store = `secondop.images:${root.dataset.here}:${document.body.dataset.person}`;
    this.looker = new Looker(root.dataset);
    this.speed = new Speed();
    this.forget();
  }

  part(name) { return document.querySelector(`[data-images-${name}]`); }
  tell(text) { this.part("said").textContent = text; }

  forget() {
    this.files = [];
    this.studies = new Map(); // StudyInstanceUID -> {title, items, ...}
    this.counts = { other: 0, broken: 0, copies: 0 };
    this.documents = [];
    this.zips = [];
  }

  start() {
    for (const place of document.querySelectorAll("[data-images-script]")) place.hidden = false;
    for (const place of document.querySelectorAll("[data-images-plain]")) place.hidden = true;
    if (!canChooseFolders()) for (const place of document.querySelectorAll("[data-images-folder]")) place.hidden = true;
    const drop = this.part("drop");
    for (const input of drop.querySelectorAll("input[type=file]")) {
      input.addEventListener("change", () => { const files = Array.from(input.files); input.value = ""; this.take(files, !input.webkitdirectory); });
    }
    drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("is-over"); });
    drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
    drop.addEventListener("drop", async (event) => {
      event.preventDefault();
      drop.classList.remove("is-over");
      this.take(await filesOfDrop(event.dataTransfer));
    });
    this.root.addEventListener("click", (event) => this.act(event.target.closest("[data-act]")?.dataset.act));
    this.root.addEventListener("change", (event) => { if (event.target.matches("[data-study] input")) this.showFound(); });
    document.body.addEventListener("records-changed", ({ detail }) => { if (detail?.kind === "") this.tellOfDocument(); });
    window.addEventListener("beforeunload", (event) => { if (this.isBusy()) event.preventDefault(); });
    this.showUnfinished();
    this.root.dataset.ready = "yes";
  }

  act(what) {
    const sender = this.sender;
    if (what === "send") this.send();
    else if (what === "documents") this.hand("documents", this.documents);
    else if (what === "clear") this.again();
    else if (what === "pause") sender.pause();
    else if (what === "go") { this.speed.clear(); sender.go(); }
    else if (what === "cancel") sender.cancel();
    else if (what === "again") this.tryAgain();
  }

  isBusy() { return ["sending", "offline", "paused", "stopped"].includes(this.sender?.state); }

  // --- looking ------------------------------------------------------------------------------------
  async take(files, picked = false) {
    if (!files.length || this.isBusy()) return;
    if (this.sender) this.again();
    const first = this.files.length;
    this.files.push(...files);
    this.show("looking");
    let looked = 0;
    try {
      await this.looker.look(files, picked, (told) => {
        looked += told.length;
        for (const one of told) this.sort(this.files[first + one.at], one);
        this.part("looked").value = (100 * looked) / files.length;
        this.part("looked-text").textContent = say("looking", { n: looked, total: files.length });
      });
    } catch {
      return this.problem(say("lookingFailed"));
    }
    this.show("found");
    this.showFound();
    this.part("found").querySelector("h2").focus();
  }

  sort(file, found) {
    if (found.kind === "image") this.addImage(file, found);
    else if (found.kind === UNREAD) this.studyOf(UNREAD, { title: say("unread") }).items.push({ file, state: "waiting", sop: "", group: UNREAD });
    else if (found.kind === "document") this.documents.push(file);
    else if (found.kind === "zip") this.zips.push(file);
    else this.counts[found.kind === "broken" ? "broken" : "other"] += 1;
  }

  addImage(file, found) {
    const study = this.studyOf(found.study, found);
    const twin = study.uids.get(found.sop);
    if (twin?.size === file.size) { this.counts.copies += 1; return; }
    study.uids.set(found.sop, file);
    if (found.modality) study.modalities.add(sentences.modalities[found.modality] ?? found.modality);
    study.items.push({ file, state: "waiting", sop: found.sop, group: found.study });
  }

  studyOf(key, found) {
    if (!this.studies.has(key)) {
      this.studies.set(key, {
        key, sortedBy: key === UNREAD ? "" : found.date || "0", items: [], uids: new Map(), modalities: new Set(), isWanted: true,
        title: found.title ?? (found.description || say("noDescription")), date: day(found.date ?? ""),
        person: (found.person ?? "").replace(/\^+/g, " ").trim(), born: found.born ?? "",
      });
    }
    return this.studies.get(key);
  }

  // --- what was found -----------------------------------------------------------------------------
  wanted() { return [...this.studies.values()].filter((study) => study.isWanted); }

  showFound() {
    for (const row of this.part("studies").querySelectorAll("[data-study]")) {
      this.studies.get(row.dataset.study).isWanted = row.querySelector("input").checked;
    }
    const items = this.wanted().flatMap((study) => study.items);
    const named = this.wanted().filter((study) => study.key !== UNREAD);
    const images = say("images", { n: named.flatMap((study) => study.items).length });
    const heading = this.part("found").querySelector("h2");
    const has = this.studies.size > 0;
    const total = { studies: say("studies", { n: named.length }), images, size: size(bytesOf(items)) };
    heading.textContent = has ? say("summary", total) : this.zips.length || this.documents.length ? "" : say("nothing");
    if (!heading.textContent) heading.textContent = this.zips.length ? say("zips", { n: this.zips.length }) : say("documents", { n: this.documents.length });
    this.drawStudies();
    this.drawNotes(has);
    const send = this.part("send");
    send.hidden = !has && !this.zips.length;
    send.disabled = !items.length && !this.zips.length;
    send.textContent = named.length ? say("send", { images }) : say("sendZips");
  }

  drawStudies() {
    const list = this.part("studies");
    const template = this.part("study");
    const newestFirst = [...this.studies.values()].sort((one, other) => other.sortedBy.localeCompare(one.sortedBy));
    for (const study of newestFirst) {
      study.row ??= template.content.firstElementChild.cloneNode(true);
      const { row } = study;
      const input = row.querySelector("input");
      row.dataset.study = study.key;
      input.id = `study-${[...this.studies.keys()].indexOf(study.key)}`;
      input.checked = study.isWanted;
      row.querySelector("label").htmlFor = input.id;
      row.querySelector("[data-title]").textContent = study.title;
      const facts = [[...study.modalities].join(", "), study.date, study.person];
      row.querySelector("[data-facts]").textContent = facts.filter(Boolean).join(" · ");
      row.querySelector("[data-count]").textContent = `${counted(study)}, ${size(bytesOf(study.items))}`;
      row.querySelector("progress").setAttribute("aria-label", study.title);
    }
    const rows = newestFirst.map((study) => study.row);
    if (rows.some((row, at) => list.children[at] !== row)) list.replaceChildren(...rows); // else the focus stays
  }

  drawNotes(has) {
    const people = new Map([...this.studies.values()].filter((study) => study.person).map((study) => [`${study.person.toLowerCase()}${study.born}`, study.person]));
    const notes = [];
    if (!has && !this.zips.length && !this.documents.length) notes.push(say("nothingHint"));
    if (has && this.zips.length) notes.push(say("zips", { n: this.zips.length }));
    if (this.counts.copies) notes.push(say("copies", { n: this.counts.copies }));
    if (this.counts.other) notes.push(say("others", { n: this.counts.other }));
    if (this.counts.broken) notes.push(say("broken", { n: this.counts.broken }));
    this.part("notes").replaceChildren(...notes.map((text) => element("li", text)));
    const warning = this.part("people");
    warning.hidden = people.size < 2;
    warning.querySelector("p").textContent = people.size < 2 ? "" : say("people", { names: [...people.values()].join(", ") });
    const letters = this.part("letters");
    letters.hidden = !this.documents.length;
    letters.querySelector("p").textContent = say("documents", { n: this.documents.length });
    letters.querySelector("p").hidden = !has && !this.zips.length; // the heading says it
    fillNames(letters.querySelector("ul"), this.documents.map((file) => file.name));
  }

  /** Files for the uploader of documents, or of ZIPs: it sends, shows and resumes them. */
  hand(name, files) {
    const uploader = this.part(name);
    uploader.hidden = false;
    uploader.dispatchEvent(new CustomEvent("take-files", { detail: [...files] }));
    files.length = 0;
    if (name === "documents") {
      this.part("letters").hidden = true;
      uploader.querySelector("h2").focus();
    }
  }

  /** The uploader takes a file off its list when it has arrived: say that it did. */
  tellOfDocument() {
    this.documentsSent = (this.documentsSent ?? 0) + 1;
    const note = this.part("sent");
    note.hidden = false;
    note.querySelector("span").textContent = say("documentsSent", { n: this.documentsSent });
  }

  // --- sending ------------------------------------------------------------------------------------
  send() {
    if (this.zips.length) this.hand("zips", this.zips);
    const items = this.wanted().flatMap((study) => study.items);
    if (!items.length) return this.again();
    for (const { row, isWanted } of this.studies.values()) {
      if (isWanted) row.querySelector("input").disabled = true;
      else row.remove();
    }
    this.items = items;
    this.total = bytesOf(items);
    this.said = 0;
    localStorage.setItem(this.store, JSON.stringify({ total: items.length }));
    this.sender = new Sender({ ...this.root.dataset, words: sentences, changed: () => this.draw() });
    this.show("going");
    this.part("going").querySelector("h2").focus();
    this.sender.start(items);
  }

  /** News at once; figures four times a second. */
  draw() {
    if (this.sender.state === this.drawn) {
      this.timer ||= setTimeout(() => { this.timer = 0; if (this.sender) this.drawNow(); }, SHOWN_MS);
      return;
    }
    this.drawn = this.sender.state;
    this.drawNow();
    this.announce();
  }

  drawNow() {
    const { state, message } = this.sender;
    const sent = bytesOf(this.items.filter((item) => item.state !== "waiting")) + this.sender.sentBytes();
    const rate = state === "sending" ? this.speed.mark(sent) : 0;
    const words = [say("progress", { sent: size(sent), total: size(this.total) })];
    if (rate) words.push(say("rate", { rate: size(rate) }), say("left", { time: time((this.total - sent) / rate) }));
    this.part("bar").value = this.total ? (100 * sent) / this.total : 0;
    this.part("figures").textContent = words.join(" · ");
    this.part("state").textContent = message || sentences[state] || "";
    this.part("state").classList.toggle("has-problem", state === "stopped");
    for (const study of this.wanted()) this.drawStudy(study);
    const shown = { sending: ["pause", "cancel"], offline: ["pause", "cancel"], paused: ["go", "cancel"], stopped: ["go", "cancel"] }[state] ?? [];
    const held = document.activeElement?.dataset.act;
    for (const button of this.part("going").querySelectorAll("[data-act]")) button.hidden = !shown.includes(button.dataset.act);
    if (held && !shown.includes(held) && shown.length) this.part("going").querySelector(`[data-act=${shown[0]}]`).focus();
    const percent = this.total ? Math.floor((100 * sent) / this.total) : 0;
    if (state === "sending" && percent >= this.said + SAID_EVERY && percent < 100) {
      this.said = percent - (percent % SAID_EVERY);
      this.tell(say("percent", { n: this.said }));
    }
    if (["done", "cancelled"].includes(state)) this.finish();
  }

  drawStudy(study) {
    const over = study.items.filter((item) => item.state !== "waiting");
    const sent = bytesOf(over) + this.sender.sentBytes(study.key);
    const total = bytesOf(study.items);
    study.row.querySelector("progress").value = total ? (100 * sent) / total : 100;
    study.row.querySelector("[data-count]").textContent = `${over.length} / ${counted(study)} · ${say("progress", { sent: size(sent), total: size(total) })}`;
  }

  announce() {
    const { state, message } = this.sender;
    if (["offline", "paused", "stopped"].includes(state)) this.tell(message || say(state));
  }

  finish() {
    if (this.isFinished) return;
    this.isFinished = true;
    const { state } = this.sender;
    const count = (name) => this.items.filter((item) => item.state === name).length;
    const here = count("sent") + count("known");
    const refused = this.items.filter((item) => item.state === "refused");
    if (state === "done" && !refused.some((item) => item.mayTryAgain)) localStorage.removeItem(this.store);
    const heading = state === "cancelled" ? say("cancelled") : here ? say("done", { n: here }) : say("doneNone");
    const done = this.part("done");
    done.querySelector("h2").textContent = heading;
    const known = done.querySelector("[data-known]");
    known.textContent = count("known") ? say("known", { n: count("known") }) : "";
    known.hidden = !count("known");
    this.drawRefused(refused);
    done.querySelector("[data-see]").hidden = !here;
    this.show("done");
    done.querySelector("h2").focus();
    this.tell(heading);
    document.body.dispatchEvent(new CustomEvent("records-changed"));
  }

  drawRefused(refused) {
    const box = this.part("refused");
    box.hidden = !refused.length;
    if (!refused.length) return;
    box.querySelector("h3").textContent = say("refused", { n: refused.length });
    const reasons = Map.groupBy ? Map.groupBy(refused, (item) => item.problem) : grouped(refused);
    box.querySelector("[data-reasons]").replaceChildren(...[...reasons].map(([problem, items]) => {
      const row = element("li", `${problem} (${items.length})`);
      const names = document.createElement("ul");
      fillNames(names, items.map(({ file }) => file.webkitRelativePath || file.name));
      row.append(names);
      return row;
    }));
    box.querySelector("[data-hint]").textContent = say("refusedHint");
    box.querySelector("[data-act=again]").hidden = !refused.some((item) => item.mayTryAgain);
  }

  tryAgain() {
    const again = this.items.filter((item) => item.mayTryAgain && item.state === "refused");
    for (const item of again) Object.assign(item, { state: "waiting", failures: 0, mayTryAgain: false });
    this.isFinished = false;
    this.sender.state = "idle";
    this.show("going");
    this.sender.start(this.items);
  }

  again() {
    this.forget();
    this.sender = null;
    this.drawn = "";
    this.isFinished = false;
    this.speed.clear();
    this.part("studies").replaceChildren();
    this.show("");
    this.part("drop").querySelector("input").focus();
  }

  // --- the parts of the page ------------------------------------------------------------------------
  show(step) {
    for (const name of ["looking", "found", "going", "done"]) this.part(name).hidden = name !== step;
    this.part("drop").hidden = ["looking", "going"].includes(step);
    this.part("list").hidden = !["found", "going", "done"].includes(step);
    this.root.dataset.step = step;
    if (step) this.part("unfinished").hidden = true;
  }

  problem(text) {
    this.show("");
    this.part("problem").hidden = false;
    this.part("problem").querySelector("p").textContent = text;
  }

  /** After a reload the files must be chosen again: browsers do not keep them. */
  async showUnfinished() {
    const kept = JSON.parse(localStorage.getItem(this.store) ?? "null");
    if (!kept) return;
    const answer = await fetch(this.root.dataset.here, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok || answer.redirected || this.root.dataset.step) return;
    const here = Object.keys((await answer.json()).instances).length;
    const note = this.part("unfinished");
    note.querySelector("p").textContent = say("unfinished", { here: Math.min(here, kept.total), total: kept.total });
    note.hidden = false;
  }
}

function counted({ key, items }) { return say(key === UNREAD ? "files" : "images", { n: items.length }); }

function bytesOf(items) { return items.reduce((sum, { file }) => sum + file.size, 0); }

function grouped(items) {
  const found = new Map();
  for (const item of items) found.set(item.problem, [...found.get(item.problem) ?? [], item]);
  return found;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function fillNames(list, names) {
  const rows = names.slice(0, NAMES_SHOWN).map((name) => element("li", name));
  if (names.length > NAMES_SHOWN) rows.push(element("li", say("more", { n: names.length - NAMES_SHOWN })));
  list.replaceChildren(...rows);
}

const root = document.querySelector("[data-images]");
if (root) new Page(root).start();
