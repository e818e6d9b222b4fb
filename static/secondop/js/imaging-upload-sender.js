// Sends images in batches by STOW-RS, and goes on after whatever happens. For imaging-upload.js.
//
// Before it begins, and after every cut, it asks which images are here: those are never sent again.
// A batch is a Blob made of slices of the files: the browser reads them from the disc as they leave.

const BATCH_FILES = 50;
const BATCH_BYTES = 32 * 1024 * 1024;
const AT_ONCE = 2;
const WAITS_MS = [500, 1000, 2000, 5000, 10000, 20000, 30000];
const MOST_FAILURES = 8; // of one file sent alone, while the connection itself is well
const LATER = [408, 425, 429, 500, 502, 503, 504];
const STORED = "00081199";
const FAILED = "00081198";
const OTHERS = "0008119A";

class Cut extends Error {} // the connection, not what was sent

export class Sender {
  /** `changed` is called at every step; `words` holds the sentences a person may read. */
  constructor({ stow, here, words, changed }) {
    Object.assign(this, { stow, here, words, changed });
    this.state = "idle"; // sending, offline, paused, stopped, cancelled, done
    this.message = "";
    this.waiting = [];
    this.going = new Set();
    this.passes = 0;
    this.batchFiles = BATCH_FILES; // fewer at once after each cut, more again after each success
  }

  /** `items`: {file, sop, group, state}; `state` becomes sent, known or refused (with `problem`). */
  start(items) {
    this.items = items;
    return this.go();
  }

  async go() {
    if (["sending", "offline", "cancelled", "done"].includes(this.state)) return;
    const pass = ++this.passes; // a pause and a "go on" in quick succession leave one pass alive
    this.show("sending");
    if (!await this.askUntilAnswered(pass)) return;
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.lane(pass)));
    if (pass === this.passes && this.state === "sending") this.show("done");
  }

  pause() { this.halt("paused"); }
  cancel() { this.halt("cancelled"); }

  halt(state, message = "") {
    this.passes += 1;
    for (const batch of this.going) batch.request.abort();
    this.going.clear();
    this.wake?.();
    this.show(state, message);
  }

  show(state, message = "") {
    this.state = state;
    this.message = message;
    this.changed();
  }

  /** Bytes of a group that are here or on the wire. */
  sentBytes(group) {
    let sum = 0;
    for (const batch of this.going) if (!group || batch.group === group) sum += batch.sent;
    return sum;
  }

  // --- what is here -----------------------------------------------------------------------------
  async askUntilAnswered(pass) {
    for (let tries = 0; ; tries += 1) {
      const answer = await fetch(this.here, { headers: { Accept: "application/json" }, cache: "no-store" }).catch(() => null);
      if (pass !== this.passes) return false;
      if (answer?.ok && !answer.redirected) {
        const told = await answer.json().catch(() => null);
        if (pass !== this.passes) return false;
        if (told) return this.leaveOut(told.instances);
      } else if (answer && !LATER.includes(answer.status)) {
        this.halt("stopped", answer.redirected || [401, 403].includes(answer.status) ? this.words.signIn : this.words.failed);
        return false;
      }
      this.show("offline");
      await this.patience(tries);
      if (pass !== this.passes) return false;
    }
  }

  leaveOut(here) {
    for (const item of this.items) {
      if (item.state === "waiting" && item.sop && here[item.sop] === item.file.size) item.state = "known";
    }
    this.waiting = this.items.filter((item) => item.state === "waiting");
    for (const batch of this.going) this.waiting = this.waiting.filter((item) => !batch.items.includes(item));
    this.show("sending");
    return true;
  }

  /** Wait longer after each failure, and not a moment longer than until the line is back. */
  patience(tries) {
    const time = WAITS_MS[Math.min(tries, WAITS_MS.length - 1)];
    return new Promise((rested) => {
      const end = () => { clearTimeout(timer); window.removeEventListener("online", end); rested(); };
      const timer = setTimeout(end, time);
      window.addEventListener("online", end);
      this.wake = end;
    });
  }

  // --- batches ----------------------------------------------------------------------------------
  async lane(pass) {
    while (pass === this.passes && this.state !== "done") {
      if (this.asking) { await this.asking; continue; }
      const items = this.nextBatch();
      if (!items.length) return;
      try {
        await this.send(items, pass);
      } catch (problem) {
        if (pass !== this.passes) return;
        if (!(problem instanceof Cut)) throw problem;
        await this.afterCut(items, pass);
      }
    }
  }

  nextBatch() {
    const [first] = this.waiting;
    if (!first) return [];
    const items = [];
    let bytes = 0;
    for (const item of this.waiting) {
      if (items.length && (item.group !== first.group || !item.sop || items.length >= this.batchFiles || bytes + item.file.size > BATCH_BYTES)) break;
      items.push(item);
      bytes += item.file.size;
      if (!item.sop) break; // without a number of its own it could not be found in the answer
    }
    this.waiting = this.waiting.slice(items.length);
    return items;
  }

  /** One lane asks what is here; the other one waits for it. */
  async afterCut(items, pass) {
    for (const item of items) item.failures = (item.failures ?? 0) + 1;
    this.asking ??= this.askUntilAnswered(pass).finally(() => { this.asking = null; });
    this.show("offline");
    await this.asking;
    if (pass !== this.passes) return;
    this.batchFiles = Math.max(1, Math.floor(this.batchFiles / 2));
    const tired = items.filter((item) => item.state === "waiting" && item.failures >= 2);
    for (const item of tired) {
      if (!await isReadable(item.file)) refuse(item, this.words.unreadable, true);
      else if (item.failures >= MOST_FAILURES && items.length === 1) refuse(item, this.words.notSent, true);
    }
    if (tired.length) await this.patience(Math.min(...tired.map((item) => item.failures)) - 2);
    this.waiting = this.waiting.filter((item) => item.state === "waiting");
    this.changed();
  }

  async send(items, pass) {
    const batch = { items, group: items[0].group, sent: 0, request: new XMLHttpRequest() };
    this.going.add(batch);
    try {
      const answer = await this.post(batch);
      if (pass !== this.passes) return;
      this.settle(items, answer);
      this.batchFiles = Math.min(BATCH_FILES, this.batchFiles * 2);
    } finally {
      this.going.delete(batch);
      this.changed();
    }
  }

  post(batch) {
    const { request, items } = batch;
    const boundary = `secondop-${Math.random().toString(36).slice(2)}${Date.now().toString(36)}`;
    const parts = items.flatMap(({ file }) => [`\r\n--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`, file]);
    const body = new Blob([...parts, `\r\n--${boundary}--\r\n`]);
    return new Promise((answered, failed) => {
      request.open("POST", this.stow);
      request.setRequestHeader("Content-Type", `multipart/related; type="application/dicom"; boundary=${boundary}`);
      request.setRequestHeader("Accept", "application/dicom+json");
      request.upload.onprogress = ({ loaded }) => { batch.sent = Math.min(loaded, body.size); this.changed(); };
      request.onload = () => answered({ status: request.status, text: request.responseText });
      request.onerror = request.ontimeout = request.onabort = () => failed(new Cut());
      request.send(body);
    });
  }

  /** Write on each item what became of it. */
  settle(items, { status, text }) {
    const told = parsed(text);
    if (LATER.includes(status) || status === 400) throw new Cut();
    if (![200, 202, 409].includes(status) || !(told[STORED] || told[FAILED] || told[OTHERS])) {
      for (const item of items) this.waiting.unshift(item);
      this.halt("stopped", status === 401 ? this.words.signIn : told.message || this.words.failed);
      return;
    }
    // One number may stand there twice, with other bytes: of those the first is the one that was kept.
    const stored = values(told, STORED).map((one) => first(one, "00081155"));
    const failed = values(told, FAILED).map((one) => ({ sop: first(one, "00081155"), problem: first(one, "00000902") }));
    const others = values(told, OTHERS).map((one) => first(one, "00000902")); // in the order they were sent
    for (const item of items) {
      const kept = item.sop ? stored.indexOf(item.sop) : stored.length - 1;
      const named = failed.findIndex(({ sop }) => !item.sop || sop === item.sop);
      if (kept >= 0) {
        stored.splice(kept, 1);
        item.state = "sent";
      } else if (named >= 0) refuse(item, failed.splice(named, 1)[0].problem);
      else refuse(item, others.shift() ?? this.words.notSent);
    }
  }
}

/** `mayTryAgain`: it never reached the server. */
function refuse(item, problem, mayTryAgain = false) {
  Object.assign(item, { state: "refused", problem, mayTryAgain });
}

function parsed(text) {
  try { return JSON.parse(text) ?? {}; } catch { return {}; }
}

function values(told, tag) { return told[tag]?.Value ?? []; }
function first(one, tag) { return one[tag]?.Value?.[0]; }

/** A scratched disc fails in the middle of a file, and the browser calls that a lost connection. */
async function isReadable(file) {
  try {
    await file.stream().pipeTo(new WritableStream());
    return true;
  } catch {
    return false;
  }
}
