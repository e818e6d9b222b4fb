// Check an exported report or seal in this browser: nothing is sent anywhere.
// The same rules and codes as specialists/verifying.py; a test feeds both the same damaged files.

const REPORT = "secondop.report/2";
const SEAL = "secondop.seal/1";
const SEALED = "secondop.independent-opinion/1";
const RULE = "secondop.canonical-json/1";

// Keys in the order of their code points; JavaScript's own order differs beyond U+FFFF.
function byCodePoint(one, other) {
  const a = Array.from(one, (letter) => letter.codePointAt(0));
  const b = Array.from(other, (letter) => letter.codePointAt(0));
  for (let n = 0; n < Math.min(a.length, b.length); n += 1) if (a[n] !== b[n]) return a[n] - b[n];
  return a.length - b.length;
}

// Half of a surrogate pair is no letter: UTF-8 cannot hold it.
function whole(text) {
  if (/\p{Surrogate}/u.test(text)) throw new Error("not_json");
  return text;
}

export function canonical(value) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new Error("not_json");
    return String(value);
  }
  if (typeof value === "string") return JSON.stringify(whole(value).normalize("NFC"));
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const keys = Object.keys(value).sort(byCodePoint);
  return `{${keys.map((key) => `${JSON.stringify(whole(key).normalize("NFC"))}:${canonical(value[key])}`).join(",")}}`;
}

export async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const same = (one, other) => canonical(one) === canonical(other);
const sorted = (numbers) => [...new Set(numbers)].sort((a, b) => a - b);

// What must be there; a missing part is a damaged file, never a part that passes.
function need(value) {
  if (value === undefined || value === null) throw new Error("not_json");
  return value;
}

async function checkSeal(content, found) {
  if ((await sha256(canonical(need(content.sealed)))) !== content.sha256) found.problems.push("seal_hash");
  if (content.sealed.format !== SEALED || !same(Object.keys(content).sort(), ["format", "sealed", "sha256"])) {
    found.problems.push("unknown_format");
  }
  found.proven.push("sealed");
  found.notProven.push("issued", "clock", "outside");
}

function isInOrder(trail, lastBefore) {
  const numbers = trail.map((event) => need(event.number));
  const first = (verb) => need(trail.find((event) => need(event.verb) === verb) || { number: 0 }).number;
  const [sealed, revealed] = [first("opinion.sealed"), first("opinion.revealed")];
  return same(numbers, sorted(numbers)) && lastBefore < sealed && sealed < revealed;
}

function isAsOpened(blinding, trail, lastBefore) {
  const opened = trail.filter((event) => need(event.record) !== 0);
  const before = sorted(opened.filter((event) => event.number <= lastBefore).map((event) => event.record));
  const after = sorted(opened.map((event) => event.record)).filter((record) => !before.includes(record));
  const messages = trail.filter((event) => event.verb === "message.opened" && event.number <= lastBefore).length;
  const images = new Set(trail.filter((event) => event.number <= lastBefore).map((event) => need(event.images)));
  images.delete("");
  return same(need(blinding.opened_before), before) && same(need(blinding.opened_after), after)
    && same(need(blinding.opened), sorted([...before, ...after]))
    && (blinding.messages_before ?? 0) === messages
    && (blinding.images_before ?? 0) === images.size
    && (trail.some((event) => event.verb === "opinions.shown") || !blinding.shown?.length);
}

function isRevised(opinion) {
  const now = { ...need(opinion.sealed) };
  for (const row of need(opinion.revisions)) {
    if (now[need(row.name)] !== need(row.before_code) || !need(row.reason).trim()) return false;
    now[row.name] = need(row.after_code);
  }
  const stands = {};
  for (const name of Object.keys(now)) stands[name] = need(opinion[name]);
  stands.certainty = need(opinion.certainty.code);
  return same(now, stands) && opinion.blinding.changed_after === opinion.revisions.length;
}

// Opened early for safety, or an open review; the log must say the same.
function checkUnsealed(blinding, found) {
  const verbs = need(blinding.trail).map((event) => need(event.verb));
  if (need(blinding.seal_broken_at) && verbs.includes("opinion.seal_broken")) found.notProven.push("broken");
  else if (need(blinding.mode) === "open" && !verbs.includes("opinion.sealed")) found.notProven.push("open");
  else found.problems.push("seal_missing");
}

// What is printed of the seal, beside its fingerprint: time, and place in the access log.
function isAsSealed(blinding, sealed) {
  const at = need(sealed.sealed_at); // with microseconds; printed without
  return need(blinding.sealed_at) === at.slice(0, 19) + at.slice(26)
    && need(blinding.audit_number) === (sealed.audit.number ?? 0)
    && need(blinding.audit_hash) === (sealed.audit.hash ?? "")
    && need(blinding.is_intact) === true && need(blinding.mode) === "sealed";
}

// The printed reveal lies between the seal and its own entry in the log; none came before.
function isInTime(blinding) {
  const noted = blinding.trail.filter((event) => event.verb === "opinion.revealed").map((event) => need(event.at));
  const times = [need(blinding.sealed_at), need(blinding.revealed_at), ...noted];
  if (times.some((time) => typeof time !== "string")) throw new Error("not_json");
  const latest = [blinding.sealed_at, ...noted].sort().at(-1);
  const isBroken = blinding.trail.some((event) => event.verb === "opinion.seal_broken");
  return blinding.sealed_at <= blinding.revealed_at && blinding.revealed_at <= latest
    && !isBroken && !need(blinding.seal_broken_at);
}

async function checkOpinion(opinion, report, found) {
  const blinding = need(opinion.blinding);
  const envelope = need(blinding.seal);
  if (Object.keys(envelope).length === 0) {
    checkUnsealed(blinding, found);
    return;
  }
  const sealed = need(envelope.sealed);
  const trail = need(blinding.trail);
  const lastBefore = need(sealed.audit).number || 0;
  const hashes = new Set([await sha256(canonical(sealed)), envelope.sha256, blinding.sha256]);
  if (hashes.size !== 1) found.problems.push("seal_hash");
  if (sealed.format !== SEALED || need(sealed.case_file) !== report.patient.alias) found.problems.push("seal_other_case");
  if (!same(need(sealed.opinion), need(opinion.sealed)) || !isAsSealed(blinding, sealed)) found.problems.push("seal_differs");
  if (!isInOrder(trail, lastBefore) || !isInTime(blinding)) found.problems.push("order");
  if (!isAsOpened(blinding, trail, lastBefore)) found.problems.push("opened");
  if (!isRevised(opinion)) found.problems.push("revisions");
}

async function checkReport(report, found) {
  const { integrity, ...rest } = report;
  if (!same(need(integrity), { rule: RULE, sha256: await sha256(canonical(rest)) })) found.problems.push("integrity");
  found.proven.push("whole");
  found.notProven.push("issued", "clock");
  // By its own mode: a report that is called open hides no seal.
  for (const opinion of need(report.opinions)) await checkOpinion(opinion, report, found);
  if (report.opinions.some((opinion) => Object.keys(opinion.blinding.seal).length)) {
    found.proven.push("sealed", "order", "opened", "revisions");
  } else if (need(report.review.code) !== "sealed") {
    found.notProven.push("open");
    return;
  }
  found.notProven.push("log", "outside");
}

export async function verify(text, fingerprint = "") {
  const found = { sha256: "", problems: [], proven: [], notProven: [] };
  let content;
  try {
    content = JSON.parse(text);
    const isCanonical = canonical(content) === text;
    found.sha256 = await sha256(text);
    const form = content && typeof content === "object" ? content.format : undefined;
    if (form !== REPORT && form !== SEAL) {
      return { ...found, problems: [form ? "unknown_format" : "not_json"] };
    }
    if (!isCanonical) found.problems.push("not_canonical");
    if (fingerprint && fingerprint.trim().toLowerCase() !== found.sha256) found.problems.push("fingerprint");
    await (form === REPORT ? checkReport(content, found) : checkSeal(content, found));
  } catch {
    found.problems.push("not_json");
  }
  found.problems = [...new Set(found.problems)];
  found.notProven = [...new Set(found.notProven)];
  if (found.problems.length) found.proven = [];
  else if (fingerprint) found.notProven = found.notProven.filter((code) => code !== "issued");
  return found;
}

// --- the page ----------------------------------------------------------------------------------

function sentences(kind, codes) {
  return codes.map((code) => {
    const item = document.createElement("li");
    item.textContent = document.querySelector(`[data-verify-${kind}="${code}"]`).textContent;
    return item;
  });
}

function show(part, items) {
  const section = document.querySelector(`[data-verify-part="${part}"]`);
  section.hidden = items.length === 0;
  section.querySelector("ul").replaceChildren(...items);
}

async function check(page) {
  const file = page.querySelector("#verify-file").files[0];
  const typed = page.querySelector("#verify-text").value.trim();
  let text = typed;
  if (file) {
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
    } catch {
      text = "";
    }
  }
  const found = await verify(text, page.querySelector("#verify-fingerprint").value);
  const isFine = found.problems.length === 0;
  document.querySelector("[data-verify-result]").hidden = false;
  document.querySelector("[data-verify-fine]").hidden = !isFine;
  document.querySelector("[data-verify-bad]").hidden = isFine;
  document.querySelector("[data-verify-sha256]").textContent = found.sha256;
  show("problems", sentences("problem", found.problems));
  show("proven", sentences("proven", found.proven));
  show("not-proven", sentences("not-proven", isFine ? found.notProven : []));
  document.querySelector("#verify-result-title").focus();
}

const page = globalThis.document?.querySelector("[data-verify]");
if (page) {
  const works = Boolean(globalThis.crypto?.subtle);
  page.hidden = !works;
  document.querySelector("[data-verify-needs]").hidden = works;
  page.addEventListener("submit", (event) => {
    event.preventDefault();
    check(page);
  });
}
