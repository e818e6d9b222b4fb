// Looks at the beginning of each chosen file and says what it is: an image and whose study it
// belongs to, a letter, a ZIP, or something else. A classic worker, so that it can load the
// library (dicom-parser) and a folder of thousands never holds the page up. Nothing is sent here.

const STEPS = [16 * 1024, 256 * 1024, 4 * 1024 * 1024]; // how much of a file is read, if need be
const AT_ONCE = 8;
const TOLD_AT_ONCE = 50;
const DEFLATED = "1.2.840.10008.1.2.1.99";
const IMPLICIT = "1.2.840.10008.1.2";
const EXPLICIT = "1.2.840.10008.1.2.1";
const MEDIA_DIRECTORY = "1.2.840.10008.1.3.10";
const AFTER_THE_LAST = "x00200010"; // everything we ask for stands before it
const UID = /^[0-9.]{1,64}$/;
const SMALLEST_PHOTO = 40 * 1024; // in a folder, less is an icon of the disc's own viewer
const ENCODINGS = {
  "ISO_IR 192": "utf-8", "ISO_IR 100": "windows-1252", "ISO_IR 101": "iso-8859-2", "ISO_IR 109": "iso-8859-3",
  "ISO_IR 110": "iso-8859-4", "ISO_IR 144": "iso-8859-5", "ISO_IR 127": "iso-8859-6", "ISO_IR 126": "iso-8859-7",
  "ISO_IR 138": "iso-8859-8", "ISO_IR 148": "windows-1254", "ISO_IR 13": "shift_jis", "ISO 2022 IR 13": "shift_jis",
  "ISO 2022 IR 87": "iso-2022-jp", "ISO 2022 IR 149": "euc-kr", GB18030: "gb18030", GBK: "gbk",
};

self.onmessage = async ({ data }) => {
  if (data.parser) return importScripts(data.parser);
  let told = [];
  const files = data.files.map((file, at) => ({ file, at }));
  const lane = async () => {
    for (let next = files.shift(); next; next = files.shift()) {
      const found = await look(next.file, data.picked ? 0 : SMALLEST_PHOTO);
      told.push({ at: data.first + next.at, ...found });
      if (told.length >= TOLD_AT_ONCE) { self.postMessage(told); told = []; }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  self.postMessage(told);
};

/** What a file is. Never throws: an unreadable sector of a disc is an answer as well. */
async function look(file, smallestPhoto) {
  if (!file.size) return { kind: "other" };
  try {
    for (const size of STEPS) {
      const bytes = new Uint8Array(await file.slice(0, size).arrayBuffer());
      const kind = kindOf(bytes, file, smallestPhoto);
      if (kind !== "dicom") return { kind };
      const found = await header(file, bytes);
      if (found.sop || found.kind === "directory") return found;
      if (file.size <= size) break;
    }
    return { kind: "unread" }; // it says that it is DICOM: the server tells what is wrong with it
  } catch {
    return { kind: "broken" };
  }
}

function kindOf(bytes, file, smallestPhoto) {
  const starts = (...values) => values.every((value, at) => bytes[at] === value);
  if (text(bytes, 128, 4) === "DICM" || isBareDataSet(bytes)) return "dicom";
  if (starts(0x25, 0x50, 0x44, 0x46)) return "document";
  if (starts(0x50, 0x4b, 3, 4) && /\.zip$/i.test(file.name)) return "zip";
  const isPhoto = starts(0xff, 0xd8, 0xff) || starts(0x89, 0x50, 0x4e, 0x47) || starts(0x49, 0x49, 0x2a, 0) || starts(0x4d, 0x4d, 0, 0x2a) || text(bytes, 4, 8) === "ftypheic";
  return isPhoto && file.size >= smallestPhoto ? "document" : "other";
}

/** Some discs hold objects without their first 132 bytes: they begin with group 0002 or 0008. */
function isBareDataSet(bytes) {
  if (bytes.length < 16 || bytes[1] !== 0 || bytes[3] !== 0) return false;
  return bytes[0] === 2 && bytes[2] <= 2 || bytes[0] === 8 && bytes[2] <= 0x18;
}

function text(bytes, at, length) {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

async function header(file, bytes) {
  const options = { untilTag: AFTER_THE_LAST };
  if (text(bytes, 128, 4) !== "DICM") {
    if (bytes[0] === 2) bytes = withPreamble(bytes);
    else options.TransferSyntaxUID = /^[A-Z]{2}$/.test(text(bytes, 4, 2)) ? EXPLICIT : IMPLICIT;
  }
  try {
    const inflated = await inflate(file, bytes, options);
    return summary(dicomParser.parseDicom(inflated ?? bytes, inflated ? { ...options, inflater: () => inflated } : options));
  } catch (problem) { // most often only the end of what was read: what stands before it is known
    return problem?.dataSet ? summary(problem.dataSet) : {};
  }
}

function withPreamble(bytes) {
  const whole = new Uint8Array(132 + bytes.length);
  whole.set([0x44, 0x49, 0x43, 0x4d], 128);
  whole.set(bytes, 132);
  return whole;
}

/** The beginning of a deflated data set behind its own header, or nothing when it is not deflated. */
async function inflate(file, bytes, options) {
  if (options.TransferSyntaxUID || !self.DecompressionStream) return null;
  const meta = dicomParser.readPart10Header(bytes, options);
  if (meta.string("x00020010") !== DEFLATED) return null;
  const reader = file.slice(meta.position).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [bytes.slice(0, meta.position)];
  let length = meta.position;
  try {
    while (length < STEPS[1]) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      length += value.length;
    }
  } catch { /* padding after the end: what came before it is whole */ }
  reader.cancel().catch(() => {});
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function summary(data) {
  const plain = (tag) => { try { return (data.string(tag) ?? "").trim(); } catch { return ""; } };
  const uid = (tag) => { const value = plain(tag); return UID.test(value) ? value : ""; };
  if (plain("x00020002") === MEDIA_DIRECTORY || plain("x00080016") === MEDIA_DIRECTORY) return { kind: "directory" };
  const [sop, study, series] = [uid("x00080018"), uid("x0020000d"), uid("x0020000e")];
  if (!sop || !study || !series) return {};
  const words = decoder(data, plain("x00080005"));
  return {
    kind: "image", sop, study, series,
    modality: plain("x00080060"), date: plain("x00080020"), description: words("x00081030"),
    person: words("x00100010"), born: plain("x00100030"),
  };
}

function decoder(data, charset) {
  const names = charset.split("\\").map((name) => ENCODINGS[name.trim()]).filter(Boolean);
  const decode = new TextDecoder(names.at(-1) ?? "windows-1252");
  return (tag) => {
    const element = data.elements[tag];
    if (!element?.length) return "";
    const end = Math.min(element.dataOffset + element.length, data.byteArray.length);
    return decode.decode(data.byteArray.subarray(element.dataOffset, end)).replace(/[\u0000-\u001f]/g, "").trim();
  };
}
