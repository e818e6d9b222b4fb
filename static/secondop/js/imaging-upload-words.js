// Numbers, sizes and times in the person's language. For imaging-upload.js.

const { lang } = document.documentElement;
const KNOWN = JSON.parse(document.getElementById("imaging-words").textContent);

/** A sentence by its name; `{n}` and the like are filled in. A pair is one and many. */
export function say(name, values = {}) {
  const found = KNOWN[name];
  const pattern = Array.isArray(found) ? found[values.n === 1 ? 0 : 1] : found;
  return pattern.replace(/\{(\w+)\}/g, (_, key) => (typeof values[key] === "number" ? number(values[key]) : values[key] ?? ""));
}

export const sentences = KNOWN;

export function number(value, digits = 0) {
  return new Intl.NumberFormat(lang, { maximumFractionDigits: digits }).format(value);
}

export function size(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let step = 0;
  let value = bytes;
  while (value >= 999.5 && step < units.length - 1) { value /= 1000; step += 1; }
  return `${number(value, step && value < 9.95 ? 1 : 0)} ${units[step]}`;
}

export function time(seconds) {
  if (seconds < 60) return say("soon");
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? say("minutes", { n: minutes }) : say("hours", { n: Math.round(minutes / 60) });
}

/** A DICOM date such as 20240115, or nothing. */
export function day(date) {
  const found = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(date);
  if (!found) return "";
  const when = new Date(Date.UTC(found[1], found[2] - 1, found[3]));
  return new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeZone: "UTC" }).format(when);
}

/** How fast it went during the last seconds, in bytes a second. */
export class Speed {
  constructor(seconds = 15) {
    this.window = seconds * 1000;
    this.marks = [];
  }

  mark(bytes, now = performance.now()) {
    this.marks.push({ bytes, now });
    while (this.marks.length > 2 && now - this.marks[0].now > this.window) this.marks.shift();
    const [oldest] = this.marks;
    const seconds = (now - oldest.now) / 1000;
    return seconds < 1 ? 0 : Math.max(0, bytes - oldest.bytes) / seconds;
  }

  clear() { this.marks = []; }
}
