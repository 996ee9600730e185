// Speech while it is being made. What the tabs share: frames of the server, a player without gaps, the desk.
const own = (place) => `./own/${place}`;
const reduced = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches;
const make = (tag, name, text) => {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const bytes_in_words = (bytes) => (bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GB` : bytes >= 2 ** 20 ? `${(bytes / 2 ** 20).toFixed(1)} MB`
  : `${Math.ceil(bytes / 1024)} KB`);
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);

function button(text, deed, more = {}) {
  const made = make('button', more.kind ?? '', text);
  made.type = 'button';
  if (more.label) made.setAttribute('aria-label', more.label);
  made.addEventListener('click', () => deed(made));
  return made;
}

async function busy(pressed, work) { // what fails may be pressed again; whoever came to it by key is still there
  const had = pressed === document.activeElement;
  pressed.disabled = true;
  try { return await work(); } finally {
    pressed.disabled = false;
    if (had && pressed.isConnected && document.activeElement === document.body) pressed.focus();
  }
}

function grow(area) { // as tall as its text
  area.style.height = 'auto';
  if (area.scrollHeight) area.style.height = `${area.scrollHeight + 2}px`;
}

async function ask(place, method = 'GET', body, more = {}) {
  const answer = await fetch(own(place), {
    method, cache: 'no-store', headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body), ...more,
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

// Voices as a menu calls them; `note` says which of two that have one name.
function listed({ own, invented = [] }) {
  const all = [...own, ...invented.map((each) => ({ ...each, invented: true }))];
  return all.map((each) => {
    const twin = all.some((other) => other !== each && other.name === each.name);
    const note = twin ? `${each.day} · ${each.id.slice(0, 5)}` : '';
    const plain = each.invented ? fill(SAY['voices.invented'], each) : each.name;
    return { ...each, note, called: note ? `${plain} · ${note}` : plain };
  });
}

// Asks for speech. Two wishes may overtake each other on their way: the server goes by their numbers.
let wishes = 0;
async function wished(wish, signal) {
  const body = JSON.stringify({ page, number: (wishes += 1), ...wish });
  const answer = await fetch(own('live'), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body, signal });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer;
}

// Yields {…, sound}: 4 + 4 bytes of lengths, JSON, 16-bit samples (webui/live.py).
async function* frames(answer) {
  const reader = answer.body.getReader();
  let held = new Uint8Array(0);
  for (;;) {
    const view = new DataView(held.buffer, held.byteOffset, held.byteLength);
    const whole = held.length < 8 ? Infinity : 8 + view.getUint32(0, true) + view.getUint32(4, true);
    if (held.length >= whole) {
      const head = view.getUint32(0, true);
      const said = JSON.parse(new TextDecoder().decode(held.subarray(8, 8 + head)));
      said.sound = new Int16Array(held.slice(8 + head, whole).buffer);
      held = held.slice(whole);
      yield said;
      continue;
    }
    const { done, value } = await reader.read();
    if (done) return;
    const joined = new Uint8Array(held.length + value.length);
    joined.set(held);
    joined.set(value, held.length);
    held = joined;
  }
}

// Plays lines one after the other. `changed(data)` tells which one sounds now, null when none does.
class Speaker {
  constructor(changed = () => {}) {
    this.changed = changed;
    this.spans = [];
    this.context = this.timer = this.shown = null;
    this.loops = null;
  }

  wake() { // only a press or a key lets a page sound
    this.context ??= new AudioContext({ latencyHint: 'interactive' });
    if (this.context.state === 'suspended' && !this.held) this.context.resume();
    return this.context;
  }

  get time() { return this.context ? this.context.currentTime : 0; }
  get sounding() { return this.spans.find((span) => this.time < span.end && this.time >= span.start) ?? null; }
  get busy() { return this.spans.some((span) => this.time < span.rest); }

  buffer(samples, rate) {
    const made = this.wake().createBuffer(1, Math.max(1, samples.length), rate);
    const channel = made.getChannelData(0);
    for (let n = 0; n < samples.length; n += 1) channel[n] = samples[n] / 32768;
    return made;
  }

  add(samples, rate, pause, data) {
    const context = this.wake();
    const source = context.createBufferSource();
    const gain = context.createGain();
    source.buffer = this.buffer(samples, rate);
    source.connect(gain).connect(context.destination);
    const start = Math.max(context.currentTime + 0.02, ...this.spans.map((span) => span.rest));
    const end = start + source.buffer.duration;
    source.start(start);
    this.spans.push({ source, gain, start, end, rest: end + pause, data });
    this.timer ??= setInterval(() => this.tick(), 60);
    this.tick();
    return start;
  }

  // One sound for ever or once, in the place of the one before it, which fades out while this one fades in.
  swap(samples, rate, loop, from, fade = 0.08) {
    const context = this.wake();
    const source = context.createBufferSource();
    const gain = context.createGain();
    source.buffer = this.buffer(samples, rate);
    source.loop = loop;
    source.connect(gain).connect(context.destination);
    const start = context.currentTime + 0.01;
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(1, start + fade);
    this.silence(fade);
    source.start(start, Math.min(from, 0.95) * source.buffer.duration);
    const end = loop ? Infinity : start + (1 - Math.min(from, 0.95)) * source.buffer.duration;
    this.spans.push({ source, gain, start, end, rest: end, from, data: true });
    this.timer ??= setInterval(() => this.tick(), 60);
    this.tick();
  }

  share() { // how much of the sound of `swap` was heard, 0 to 1
    const span = this.sounding;
    return span ? (span.from + (this.time - span.start) / span.source.buffer.duration) % 1 : 0;
  }

  drop(keep = () => false, fade = 0.05) { // stops what sounds or waits, unless it is kept
    const now = this.time;
    for (const span of this.spans.filter((each) => !keep(each))) {
      if (span.rest <= now) continue;
      span.gain.gain.cancelScheduledValues(now);
      span.gain.gain.setValueAtTime(span.start > now ? 0 : 1, now);
      span.gain.gain.linearRampToValueAtTime(0, now + fade);
      span.source.stop(now + fade);
    }
    this.spans = this.spans.filter((each) => keep(each));
    this.tick();
  }

  silence(fade) { this.drop(undefined, fade); }

  hold(held) {
    this.held = held;
    if (this.context) held ? this.context.suspend() : this.context.resume();
  }

  tick() {
    const data = this.sounding?.data ?? null;
    if (data !== this.shown) {
      this.shown = data;
      this.changed(data);
    }
    if (!this.busy) {
      clearInterval(this.timer);
      this.timer = null;
      this.spans = [];
    }
  }
}

// What a part of the page keeps on the server: written half a second after the last change, and when the page goes.
// Whichever tab comes to the front has what another wrote last: `renewed` draws it.
class Desk {
  constructor(part, value, renewed) {
    this.part = part;
    this.value = value;
    this.timer = null;
    const look = async () => {
      const before = this.kept;
      if (this.timer || before === undefined) return;
      await this.open();
      if (this.kept !== before) renewed();
    };
    document.addEventListener('visibilitychange', () => (document.hidden ? this.write(true) : look()));
    window.addEventListener('focus', look);
    window.addEventListener('pagehide', () => this.write(true));
  }

  async open() {
    const kept = await ask(`desk/${this.part}`).catch(() => null);
    const now = JSON.stringify(kept);
    if (kept && !kept.problem && !this.timer && now !== this.kept) {
      Object.assign(this.value, kept);
      this.kept = now;
    }
  }

  set(change) {
    Object.assign(this.value, change);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write(), 500);
  }

  async write(leaving = false) {
    if (!this.timer) return;
    clearTimeout(this.timer);
    this.timer = null;
    const now = JSON.stringify(this.value);
    try {
      await ask(`desk/${this.part}`, 'PUT', this.value, { keepalive: leaving && now.length < 60000 });
      this.kept = now;
    } catch {
      if (!leaving) this.timer = setTimeout(() => this.write(), 3000); // the studio is starting again
    }
  }
}

function go(tab) { // what was pressed is hidden then: the focus goes to the tab
  const button = document.querySelector(`#tabs button[role=tab][data-tab-id="${tab}"]`);
  button?.click();
  button?.focus();
}
const page = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');
element.querySelectorAll('[data-go]').forEach((button) => button.addEventListener('click', () => go(button.dataset.go)));
