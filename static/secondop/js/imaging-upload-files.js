// The files that a person chose or dropped, folders with everything in them. For imaging-upload.js.

/** Everything in what was dropped. Call it within the event: the list is empty afterwards. */
export function filesOfDrop(transfer) {
  const entries = Array.from(transfer.items ?? [], (item) => item.webkitGetAsEntry?.()).filter(Boolean);
  return entries.length ? filesOfEntries(entries) : Promise.resolve(Array.from(transfer.files));
}

async function filesOfEntries(entries) {
  const files = [];
  const folders = [];
  const sort = (entry) => (entry.isDirectory ? folders : files).push(entry);
  entries.forEach(sort);
  while (folders.length) {
    const reader = folders.pop().createReader();
    for (;;) { // a folder is read a hundred entries at a time
      const some = await new Promise((found, failed) => { reader.readEntries(found, failed); }).catch(() => []);
      if (!some.length) break;
      some.forEach(sort);
    }
  }
  const opened = files.map((entry) => new Promise((found) => { entry.file(found, () => found(null)); }));
  return (await Promise.all(opened)).filter(Boolean);
}

/** Can this browser choose a folder? Phones say so and then show an empty list. */
export function canChooseFolders() {
  const isPhone = navigator.userAgentData?.mobile ?? /Android|iPhone|iPad|iPod/.test(navigator.userAgent);
  return "webkitdirectory" in HTMLInputElement.prototype && !isPhone;
}

/** Ask a worker what each file is. `told` gets [{at, kind, ...}] as answers come. */
export class Looker {
  constructor({ worker, parser }) {
    this.worker = new Worker(worker);
    this.worker.postMessage({ parser });
  }

  /** `picked`: chosen one by one, so that even a small photo is meant. */
  look(files, picked, told) {
    return new Promise((finished, failed) => {
      let left = files.length;
      if (!left) return finished();
      this.worker.onerror = (event) => failed(event);
      this.worker.onmessage = ({ data }) => {
        told(data);
        left -= data.length;
        if (left <= 0) finished();
      };
      for (let first = 0; first < files.length; first += 500) this.worker.postMessage({ first, picked, files: files.slice(first, first + 500) });
    });
  }
}
