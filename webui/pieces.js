// Bytes on their way to the server: piece by piece, in order, sent again until it has them. A file that is on its way is
// kept in the browser too, so that it goes on by itself after a reload.
const PIECE = 2 ** 20; // bytes of a file that travel at once
const LEAVING = 45000; // bytes that a page may still send while it closes

const encoded = (bytes) => {
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
};
const later = (ms) => new Promise((done) => setTimeout(done, ms));

// One clip from a microphone, which begins on the server with its first samples. `add` takes Int16Array.
class Outbox {
  constructor(about, broken) {
    this.about = about;
    this.broken = broken; // is told of what the server refuses
    this.clip = null;
    this.parts = [];
    this.waiting = 0;
    this.samples = 0;
    this.at = 0; // bytes that the server has
    this.done = this.closed = this.dead = false;
    this.working = null;
  }

  add(samples) {
    this.parts.push(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
    this.waiting += samples.byteLength;
    this.samples += samples.length;
  }

  take() { // everything that waits, as one piece
    const whole = new Uint8Array(this.waiting);
    let at = 0;
    for (const part of this.parts) { whole.set(part, at); at += part.length; }
    this.parts = whole.length ? [whole] : [];
    return whole;
  }

  sent(bytes) {
    const left = this.take().subarray(bytes);
    this.parts = left.length ? [left] : [];
    this.waiting = left.length;
    this.at += bytes;
  }

  flush() {
    this.working ??= this.work().finally(() => { this.working = null; });
    return this.working;
  }

  async work() {
    while (!this.dead && (this.waiting || (this.clip && this.done && !this.closed))) {
      const data = this.take().subarray(0, PIECE);
      const last = this.done && data.length === this.waiting;
      try {
        if (!this.clip) {
          const begun = await ask('intake/clips', 'POST', this.about);
          if (begun.problem) { this.dead = true; this.broken(begun.problem); return; }
          this.clip = begun.clip.id;
          continue;
        }
        const answer = await ask(`intake/clips/${this.clip}`, 'POST', { at: this.at, data: encoded(data), done: last });
        if (answer.problem) { this.dead = true; this.broken(answer.problem); return; }
        if (answer.received < this.at) throw new Error('behind');
        this.sent(Math.min(answer.received - this.at, data.length));
        if (last && !this.waiting) this.closed = true;
      } catch {
        await later(1000); // the studio is starting again
      }
    }
  }

  finish() {
    this.done = true;
    return this.flush();
  }

  async drop() { // it was not good
    this.dead = true;
    await this.working;
    if (this.clip) await ask(`intake/clips/${this.clip}`, 'DELETE').catch(() => {});
  }

  leave() { // the page goes: what fits is sent without waiting
    const data = this.take().subarray(0, LEAVING);
    if (data.length && this.clip) ask(`intake/clips/${this.clip}`, 'POST', { at: this.at, data: encoded(data) }, { keepalive: true }).catch(() => {});
  }
}

// ------------------------------------------------------------------------------------------------ files on their way
const shelf_of_files = () => new Promise((done, failed) => {
  const opening = indexedDB.open('studio-files', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore('files');
  opening.onsuccess = () => done(opening.result);
  opening.onerror = () => failed(opening.error);
});

async function kept_files(how, deed) { // a browser that keeps nothing, as in a private window, loses only the going on
  try {
    const shelf = await shelf_of_files();
    return await new Promise((done, failed) => {
      const asked = deed(shelf.transaction('files', how).objectStore('files'));
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => failed(asked.error);
    });
  } catch {
    return undefined;
  }
}

const sending = new Map(); // of each clip that is being sent here, how much has arrived

async function send_file(clip, file, at, { moved, broken }) {
  if (sending.has(clip)) return;
  sending.set(clip, at);
  try {
    while (at < file.size && sending.has(clip)) {
      const data = new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
      try {
        const answer = await ask(`intake/clips/${clip}`, 'POST', { at, data: encoded(data), done: at + data.length === file.size });
        if (answer.problem) { broken(answer.problem); break; }
        at = answer.received;
        sending.set(clip, at);
        moved(clip, at, file.size);
      } catch {
        await later(1000);
      }
    }
  } catch {
    broken(SAY['create.unreadable']);
  }
  sending.delete(clip);
  await kept_files('readwrite', (store) => store.delete(clip));
}

function decoded_text(data) { // UTF-8, UTF-16 with its mark, or GB 18030
  const head = new Uint8Array(data.slice(0, 2)).join();
  if (head === '255,254') return new TextDecoder('utf-16le').decode(data);
  try { return new TextDecoder('utf-8', { fatal: true }).decode(data); } catch { return new TextDecoder('gb18030').decode(data); }
}

async function begin_file(file, kind, told) {
  const answer = await ask('intake/clips', 'POST', { kind, name: file.name, size: file.size }).catch(() => ({ problem: SAY['app.unexpected'] }));
  if (answer.problem) { told.broken(answer.problem); return null; }
  await kept_files('readwrite', (store) => store.put(file, answer.clip.id));
  return { clip: answer.clip, whole: send_file(answer.clip.id, file, 0, told) };
}

async function go_on_with(clip, told) { // after a reload; false where this browser does not have the file
  const file = await kept_files('readonly', (store) => store.get(clip.id));
  if (!file || file.size !== clip.size) return false;
  send_file(clip.id, file, clip.received, told).then(told.whole);
  return true;
}
