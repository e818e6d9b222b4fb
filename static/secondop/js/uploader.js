// Sends files in pieces by tus 1.0 and shows each one's way. Started by `records/_uploader.html`.
//
// A file goes on where it stopped: after a cut by itself, after a reload when the person chooses
// the same file again. PRIVACY: what is kept in localStorage for that is the address of the upload
// under a hash of the file's name, size and time; never the name.

const PIECE_BYTES = 8 * 1024 * 1024;
const AT_ONCE = 2;
const PATIENCE_MS = 3000;
const WAITS_MS = [0, 1000, 3000, 5000, 10000, 20000, 30000, 60000, 60000, 60000];
const STORE = "secondop.upload:";
const AGAIN = [0, 408, 409, 423, 425, 429, 460, 500, 502, 503, 504];

/** Where an unfinished upload of a file is known to be; tus-js-client's own would keep the name. */
const places = {
  async findAllUploads() { return []; },
  async findUploadsByFingerprint(fingerprint) {
    const place = localStorage.getItem(STORE + fingerprint);
    return place ? [{ ...JSON.parse(place), metadata: {}, urlStorageKey: STORE + fingerprint }] : [];
  },
  async removeUpload(key) { localStorage.removeItem(key); },
  async addUpload(fingerprint, { size, uploadUrl, creationTime }) {
    localStorage.setItem(STORE + fingerprint, JSON.stringify({ size, uploadUrl, creationTime }));
    return STORE + fingerprint;
  },
};

async function fingerprintOf(file, endpoint) {
  const text = [endpoint, document.body.dataset.person, file.name, file.size, file.lastModified].join("\n");
  const bytes = new TextEncoder().encode(text);
  if (globalThis.crypto?.subtle) {
    const hash = await crypto.subtle.digest("SHA-256", bytes);
    return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  let hash = 0x811c9dc5; // FNV-1a, for a page that is not served securely
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return `${hash.toString(16)}${file.size.toString(16)}`;
}

function sizeInWords(bytes) {
  const units = ["B", "KB", "MB", "GB"];
  let step = 0;
  let size = bytes;
  while (size >= 999.5 && step < units.length - 1) { size /= 1000; step += 1; }
  const digits = step && size < 9.95 ? 1 : 0;
  return `${new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: digits }).format(size)} ${units[step]}`;
}

class Row {
  constructor(uploader, file) {
    this.uploader = uploader;
    this.file = file;
    this.state = "waiting";
    this.sent = 0;
    this.item = uploader.template.content.firstElementChild.cloneNode(true);
    this.bar = this.item.querySelector("[role=progressbar]");
    this.line = this.item.querySelector(".so-file__status");
    this.item.querySelector(".so-file__name").textContent = file.name;
    this.item.querySelector(".so-file__size").textContent = sizeInWords(file.size);
    this.bar.setAttribute("aria-label", file.name);
    for (const place of this.item.querySelectorAll("[data-name]")) place.textContent = ` ${file.name}`;
    this.item.addEventListener("click", (event) => this.act(event.target.closest("[data-act]")?.dataset.act));
    this.show("waiting");
  }

  act(what) {
    if (what === "pause") this.pause();
    else if (what === "go" || what === "again") this.wait();
    else if (what === "cancel") this.cancel();
  }

  /** Show the state; `text` replaces its usual words. */
  show(state, text) {
    this.state = state;
    this.item.classList.toggle("has-problem", ["failed", "refused"].includes(state));
    const buttons = { waiting: ["cancel"], sending: ["pause", "cancel"], offline: ["pause", "cancel"], paused: ["go", "cancel"], failed: ["again", "cancel"], refused: ["cancel"], done: [] }[state];
    for (const button of this.item.querySelectorAll("[data-act]")) button.hidden = !buttons.includes(button.dataset.act);
    this.line.textContent = text ?? this.uploader.words(state);
  }

  progress(sent, total) {
    const percent = total ? Math.floor((100 * sent) / total) : 0;
    this.bar.querySelector("progress").value = percent;
    this.bar.setAttribute("aria-valuenow", percent);
    this.bar.setAttribute("aria-valuetext", `${percent}%`);
    if (this.state === "offline" && sent > this.sent) this.show("sending"); // a new try is not yet a success
    this.sent = sent;
    if (this.state === "sending") this.line.textContent = `${this.uploader.words("sending")} ${percent}% · ${sizeInWords(sent)} / ${sizeInWords(total)}`;
  }

  wait() {
    this.show("waiting");
    this.uploader.next();
  }

  /** `state` "refused": trying again cannot help. */
  fail(text, state = "failed") {
    this.show(state, text);
    this.uploader.say(`${this.file.name}: ${text}`);
    this.uploader.next();
  }

  async start() {
    this.show("sending");
    this.upload ??= this.makeUpload();
    const [earlier] = await this.upload.findPreviousUploads();
    if (this.state !== "sending") return;
    if (earlier && !this.upload.url) this.upload.resumeFromPreviousUpload(earlier);
    this.started = true;
    this.upload.start();
  }

  /** A place being made must be known before we stop, or the server keeps one that nobody knows. */
  async placeIsKnown() {
    if (!this.started || this.upload.url) return;
    await Promise.race([
      new Promise((known) => { this.known = known; }),
      new Promise((tired) => { setTimeout(tired, PATIENCE_MS); }),
    ]);
  }

  makeUpload() {
    return new tus.Upload(this.file, {
      endpoint: this.uploader.endpoint,
      chunkSize: PIECE_BYTES,
      retryDelays: WAITS_MS,
      metadata: { filename: this.file.name, kind: this.uploader.root.dataset.kind ?? "" },
      headers: { "X-CSRFToken": this.uploader.token },
      fingerprint: (file) => fingerprintOf(file, this.uploader.endpoint),
      urlStorage: places,
      removeFingerprintOnSuccess: true,
      onUploadUrlAvailable: () => this.known?.(),
      onProgress: (sent, total) => this.progress(sent, total),
      onSuccess: () => this.done(),
      onError: (error) => this.stopped(error),
      onShouldRetry: (error) => this.shouldRetry(error),
    });
  }

  shouldRetry(error) {
    const status = error.originalResponse?.getStatus() ?? 0;
    if (status === 0) this.show("offline");
    return AGAIN.includes(status);
  }

  stopped(error) {
    const response = error.originalResponse;
    const status = response?.getStatus() ?? 0;
    if (status === 0) return this.show("offline"); // `online` wakes it
    if (status === 401 || status === 403 && !this.sentence(response)) return this.fail(this.uploader.words("signIn"));
    return this.fail(this.sentence(response) || this.uploader.words("failed"));
  }

  /** The server's own sentence, which it sends as plain text. */
  sentence(response) {
    return response.getHeader("Content-Type")?.startsWith("text/plain") ? response.getBody() : "";
  }

  async pause() {
    this.show("paused");
    await this.placeIsKnown();
    await this.upload?.abort();
    this.uploader.next();
  }

  async cancel() {
    this.show("paused");
    await this.placeIsKnown();
    try {
      await this.upload?.abort(true);
    } catch { /* it expires by itself */ }
    this.uploader.drop(this);
  }

  done() {
    this.show("done");
    this.progress(1, 1);
    this.uploader.say(`${this.file.name}: ${this.uploader.words("done")}`);
    this.uploader.drop(this);
    document.body.dispatchEvent(new CustomEvent("records-changed", { detail: { kind: this.uploader.root.dataset.kind } }));
  }
}

class Uploader {
  constructor(root) {
    this.root = root;
    this.endpoint = root.dataset.endpoint;
    this.form = root.querySelector("[data-uploader-form]");
    this.token = this.form.querySelector("[name=csrfmiddlewaretoken]").value;
    this.list = root.querySelector("[data-uploader-list]");
    this.template = root.querySelector("[data-uploader-row]");
    this.leave = root.querySelector("[data-uploader-leave]");
    this.rows = [];
  }

  start() {
    const input = this.form.querySelector("input[type=file]");
    const drop = this.form.querySelector("[data-uploader-drop]");
    this.form.querySelector("[data-uploader-plain]").hidden = true;
    for (const place of this.root.querySelectorAll("[data-uploader-only]")) place.hidden = false;
    this.form.addEventListener("submit", (event) => event.preventDefault());
    input.addEventListener("change", () => { this.take(input.files); input.value = ""; });
    drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("is-over"); });
    drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
    drop.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("is-over"); this.take(event.dataTransfer.files); });
    this.list.addEventListener("click", (event) => this.forget(event.target.closest("[data-act=forget]")?.closest("[data-unfinished]")));
    this.root.addEventListener("take-files", (event) => this.take(event.detail));
    window.addEventListener("online", () => this.rows.filter((row) => row.state === "offline").forEach((row) => row.wait()));
    window.addEventListener("beforeunload", (event) => { if (this.isBusy()) event.preventDefault(); });
    document.addEventListener("click", (event) => this.warn(event), true);
    this.root.dataset.ready = "yes";
  }

  words(name) { return this.root.dataset[`words${name[0].toUpperCase()}${name.slice(1)}`] ?? ""; }
  say(text) { this.root.querySelector("[data-uploader-said]").textContent = text; }
  isBusy() { return this.rows.some((row) => !["done", "failed", "refused"].includes(row.state)); }

  take(files) {
    for (const file of files) {
      const row = new Row(this, file);
      for (const shown of this.list.querySelectorAll("[data-unfinished]")) {
        if (shown.dataset.name === file.name && Number(shown.dataset.size) === file.size) shown.remove();
      }
      this.rows.push(row);
      this.list.append(row.item);
      if (file.size === 0) row.fail(this.words("empty"), "refused");
      else if (file.size > this.most(file)) row.fail(this.words("large"), "refused");
    }
    this.next();
  }

  /** A ZIP is unpacked there, so it may be larger than one document. */
  most(file) {
    const { maxBytes, maxZipBytes } = this.root.dataset;
    return Number(/\.zip$/i.test(file.name) && maxZipBytes ? maxZipBytes : maxBytes);
  }

  next() {
    const going = this.rows.filter((row) => ["sending", "offline"].includes(row.state)).length;
    this.rows.filter((row) => row.state === "waiting").slice(0, Math.max(0, AT_ONCE - going)).forEach((row) => row.start());
  }

  drop(row) {
    const had = row.item.contains(document.activeElement);
    this.rows = this.rows.filter((other) => other !== row);
    row.item.remove();
    if (had) this.form.querySelector("input[type=file]").focus();
    if (!this.isBusy()) this.leave.hidden = true;
    this.next();
  }

  async forget(item) {
    if (!item) return;
    await fetch(item.dataset.url, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0", "X-CSRFToken": this.token } });
    item.remove();
  }

  /** The first click on a way out of the page, while files are on their way, only warns. */
  warn(event) {
    const way = event.target.closest?.("main a[href], main button[type=submit]");
    if (!way || this.root.contains(way) || way.closest("#documents") || way === this.warned || !this.isBusy()) return;
    event.preventDefault();
    event.stopPropagation();
    this.warned = way;
    this.leave.querySelector(".usa-alert__text").textContent = this.words("leave");
    this.leave.hidden = false;
    this.leave.scrollIntoView({ block: "nearest" });
  }
}

for (const root of document.querySelectorAll("[data-uploader]")) {
  if (root.querySelector("[data-uploader-form]")) new Uploader(root).start();
}
