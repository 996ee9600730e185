// The Speak tab: what is written is spoken whenever the writer pauses, only the lines that changed, the newest first.
const AHEAD = 100; // ms after the last key: the studio begins to compute
const PAUSE = 300; // ms after the last key: it may sound
const $ = (id) => element.querySelector(`#speak-${id}`);
const area = $('words'), marks = element.querySelector('.sheet-marks'), problem = $('problem'), status = $('status');
const desk = new Desk('speak', { text: SAY['speak.starter'], voice: '', live: true, language: 'auto', speed: 1, pitch: 0, rest: 0.3, seen: [] }, () => renewed());
const state = desk.value;
let lines = []; // where the lines are in the text now; null for one that was changed
let known = []; // keys of the lines that need not be heard again
let before = '', asked = null, heard = false, last = 0, timer = null, clip = null, clip_pitched = false, people = { own: [], invented: [] };
const speaker = new Speaker(mark);

// ------------------------------------------------------------------------------------------------------ the text
function mark(number) {
  const line = number === null ? null : lines[number] ?? null;
  marks.replaceChildren();
  if (line) {
    marks.append(area.value.slice(0, line.start), make('mark', '', area.value.slice(line.start, line.end)), `${area.value.slice(line.end)}\u200b`);
    marks.scrollTop = area.scrollTop;
  }
  if (number === null && !asked) $('stop').hidden = true;
}

function size() {
  area.style.height = 'auto';
  area.style.height = `${Math.min(area.scrollHeight + 2, Math.max(160, window.innerHeight * 0.6))}px`;
}

// The text between `from` and `upTo` (of the text before) was replaced: lines behind it move, lines in it are gone.
function edited() {
  const now = area.value;
  let from = 0, tail = 0;
  const shortest = Math.min(now.length, before.length);
  while (from < shortest && now[from] === before[from]) from += 1;
  while (tail < shortest - from && now[now.length - 1 - tail] === before[before.length - 1 - tail]) tail += 1;
  const upTo = before.length - tail, shift = now.length - before.length;
  const ended = (line) => /[.!?。！？…]["'”’」』)）]*$/u.test(before.slice(line.start, line.end));
  lines = lines.map((line) => {
    if (!line || line.end < from || (line.end === from && ended(line))) return line;
    return line.start >= upTo && line.start > from ? { ...line, start: line.start + shift, end: line.end + shift } : null;
  });
  before = now;
  if (heard) known = lines.filter(Boolean).map((line) => line.key); // the writer has gone on: what waited is dropped
  heard = false;
  asked?.abort();
  asked = null;
  const sounding = speaker.sounding;
  speaker.drop((span) => span === sounding && lines[span.data]);
  mark(speaker.shown);
}

// ------------------------------------------------------------------------------------------------------ the speech
function whom() {
  if (state.voice !== 'clip') return { voice: state.voice };
  return clip ? { voice: clip } : null;
}

const pitched = () => (state.voice === 'clip' ? clip_pitched
  : [...people.own, ...people.invented].find((each) => each.id === state.voice)?.pitched ?? false);

function say(text) {
  problem.replaceChildren();
  if (text) problem.append(make('p', 'problem', text));
}

const waits = (ms) => new Promise((done) => setTimeout(done, ms));

async function wish(extra, { quietly, from = 0 }, mine) {
  const current = () => mine === asked;
  const body = { text: area.value, ...whom(), language: state.language, speed: state.speed, pitch: pitched() ? state.pitch : 0, pause: state.rest, skip: [], ...extra };
  const answer = await wished(body, mine.signal);
  const aside = extra.text !== undefined; // not the text that is written, but a word of it
  let went = false, ended = false;
  for await (const said of frames(answer)) {
    if (!current()) return false;
    if (said.lines && !aside) {
      lines = said.lines;
      const left = [...body.skip];
      known = lines.map((line) => line.key).filter((key) => left.includes(key) && left.splice(left.indexOf(key), 1));
    } else if (said.line !== undefined) {
      await waits(from + PAUSE - performance.now());
      if (!current()) return false;
      if (!quietly && !went) status.textContent = '';
      speaker.add(said.sound, said.rate, said.pause, aside ? -1 : said.line);
      for (const text of said.told ?? []) problem.append(make('p', 'hint', text));
      $('stop').hidden = false;
      heard = !aside;
      went = mine.went = true;
    } else if (said.take) {
      window.dispatchEvent(new CustomEvent('studio-take', { detail: said.take }));
    } else if (said.problem) {
      ended = true;
      quietly ? (status.textContent = said.problem) : say(said.problem);
    } else if (said.done) {
      ended = true;
      if ((heard || body.plan) && !aside) known = lines.map((line) => line.key);
      if (body.plan) heard = false;
      if (went && !people.own.length) invite();
    }
  }
  if (current()) {
    if (!ended) throw new Error('broken off');
    asked = null;
    if (!speaker.busy) $('stop').hidden = true;
  }
  return went;
}

async function attempt(extra, how) { // what breaks off before anything was heard is asked for again
  asked?.abort();
  const mine = (asked = new AbortController());
  for (let left = 3; mine === asked; left -= 1) {
    try {
      return await wish(extra, how, mine);
    } catch {
      if (mine !== asked) return false;
      if (left && !mine.went) { await waits(700); continue; }
      asked = null;
      if (!how.quietly) { status.textContent = ''; say(SAY['app.unexpected']); }
    }
  }
  return false;
}

const speakable = () => /[\p{L}\p{N}]/u.test(area.value);

function paused() { // the writer stopped for a moment
  if (state.live && whom() && state.voice && speakable()) attempt({ skip: known }, { quietly: true, from: last });
}

function typed() {
  last = performance.now();
  edited();
  size();
  say('');
  status.textContent = '';
  desk.set({ text: area.value });
  flat();
  clearTimeout(timer);
  if (!state.live) return;
  speaker.wake();
  timer = setTimeout(paused, AHEAD);
}

function silence() {
  clearTimeout(timer);
  asked?.abort();
  asked = null;
  speaker.silence();
  status.textContent = '';
  $('stop').hidden = true;
}

async function everything(seed = 0) {
  silence();
  say('');
  speaker.wake();
  window.dispatchEvent(new CustomEvent('studio-silence', { detail: speaker }));
  if (!area.value.trim()) { say(SAY['speak.need_text']); area.focus(); return; }
  if (!state.voice) { say(SAY['speak.need_voice']); return; }
  if (state.voice === 'clip' && !clip) await new Promise((done) => setTimeout(done, 1500)); // it may just be arriving
  if (!whom()) { say(SAY['speak.need_clip']); return; }
  status.textContent = SAY['speak.starting'];
  $('stop').hidden = false;
  await attempt({ keep: true, seed }, { quietly: false });
  if (status.textContent === SAY['speak.starting']) status.textContent = '';
}

function here() { // the number of the line at the cursor, or of the first
  const at = area.selectionStart;
  const found = lines.findIndex((line) => line && at <= line.end);
  return Math.max(0, found);
}

// ------------------------------------------------------------------------------------------------------ the voices
function person(id, name, note, group) {
  const label = make('label', 'person');
  const input = make('input');
  input.type = 'radio';
  input.name = 'speak-voice';
  input.value = id;
  input.checked = id === state.voice;
  label.append(input, make('span', 'person-name', name));
  if (note) label.append(make('span', 'person-note', note));
  group.append(label);
}

async function list(wanted) {
  people = await ask('voices').catch(() => people);
  const all = [...people.own, ...people.invented];
  if (wanted?.voice) state.voice = wanted.voice;
  const is = (id) => id === 'clip' || all.some((each) => each.id === id);
  const news = people.own.filter((each) => !state.seen.includes(each.id));
  if (wanted?.fresh && !element.offsetParent && news.length && !people.own.some((each) => each.id === state.voice)) state.voice = news[0].id;
  if (news.length || people.own.length < state.seen.length) desk.set({ seen: people.own.map((each) => each.id), voice: state.voice });
  if (!is(state.voice)) state.voice = all[0]?.id ?? '';
  if (people.own.length) $('invite').hidden = true;
  const group = $('voice');
  const focused = group.contains(document.activeElement);
  group.replaceChildren();
  for (const each of listed(people)) {
    const notes = [each.invented && SAY['speak.invented'], each.closed && SAY['speak.closed'], each.note];
    person(each.id, each.name, notes.filter(Boolean).join(' · '), group);
  }
  person('clip', SAY['speak.source_clip'], '', group);
  $('empty').hidden = all.length > 0;
  if (focused) group.querySelector(':checked')?.focus();
  where();
}

const TAG = /\[([^[\]|]*)\|([^[\]|]*)\]/g; // [words|what is to be done with them]
const flat = () => { $('flat').hidden = pitched() || !whom() || ![...area.value.matchAll(TAG)].some(([, , how]) => how === SAY['speak.sign_emphasis']); };

function where() {
  const box = document.querySelector('#speak-clip-box');
  box?.classList.toggle('wanted', state.voice === 'clip');
  $('pitch-row').hidden = $('emphasis').hidden = !pitched();
  flat();
}

function chosen(event) {
  silence();
  say('');
  desk.set({ voice: event.target.value });
  where();
  if (state.voice === 'clip') document.querySelector('#speak-clip-box')?.scrollIntoView({ block: 'nearest' });
  known = lines.filter(Boolean).map((line) => line.key);
  if (state.live && whom() && speakable()) {
    speaker.wake();
    attempt({ only: here(), skip: known }, { quietly: true });
  }
}

function invite() {
  $('invite').hidden = false;
}

// ------------------------------------------------------------------------------------------------------- the marks
// Around what is selected, or the word at the cursor; a second press takes the mark away, another one replaces it.
function put_around(how) {
  const { value, selectionStart: from, selectionEnd: to } = area;
  const before = [...value.matchAll(TAG)].find(({ index, 0: all }) => from >= index && to <= index + all.length);
  if (before) {
    const [all, words, was] = before;
    insert(before.index, before.index + all.length, was === how ? words : `[${words}|${how}]`);
    return;
  }
  const [start, end] = from < to ? [from, to] : word_at(value, from);
  const words = value.slice(start, end).replace(TAG, '$1') || SAY['speak.mark_words'];
  insert(start, end, `[${words}|${how}]`);
}

function insert(start, end, text) { // as if it was typed, so that Ctrl+Z takes it back
  area.setSelectionRange(start, end);
  if (document.execCommand('insertText', false, text)) return;
  area.setRangeText(text, start, end, 'end');
  area.dispatchEvent(new Event('input', { bubbles: true }));
}

function word_at(text, at) {
  const words = [...new Intl.Segmenter(document.documentElement.lang, { granularity: 'word' }).segment(text)].filter((each) => each.isWordLike);
  const found = words.find(({ index, segment }) => at >= index && at <= index + segment.length);
  return found ? [found.index, found.index + found.segment.length] : [at, at];
}

// ------------------------------------------------------------------------------------------------------ the wiring
const shown = { speed: (value) => `${value.toFixed(2)} ×`, pitch: (value) => fill(SAY['speak.semitones'], { count: (value > 0 ? '+' : '') + value }), rest: (value) => fill(SAY['speak.seconds'], { count: value.toFixed(1) }) };
for (const name of ['speed', 'pitch', 'rest']) {
  const input = $(name);
  const tell = () => {
    input.nextElementSibling.textContent = shown[name](input.valueAsNumber);
    input.setAttribute('aria-valuetext', input.nextElementSibling.textContent);
  };
  input.addEventListener('input', () => { desk.set({ [name]: input.valueAsNumber }); tell(); });
  input.addEventListener('change', () => state.live && name !== 'rest' && speakable() && whom()
    && attempt({ only: here(), skip: known }, { quietly: true }));
  input.tell = tell;
}
$('language').addEventListener('change', (event) => desk.set({ language: event.target.value }));
$('live').addEventListener('change', (event) => {
  desk.set({ live: event.target.checked });
  if (!state.live) silence();
  status.textContent = state.live ? SAY['speak.live_on'] : SAY['speak.live_off'];
});
$('voice').addEventListener('change', chosen);
$('start').addEventListener('click', () => everything());
$('another').addEventListener('click', () => everything(crypto.getRandomValues(new Uint32Array(1))[0] >>> 1));
for (const button of element.querySelectorAll('[data-mark], [data-around]')) {
  button.addEventListener('click', () => {
    const { mark: sign, around } = button.dataset;
    area.focus();
    if (sign) insert(area.selectionEnd, area.selectionEnd, ` [${sign}] `);
    else put_around(around);
  });
}
$('stop').addEventListener('click', () => { silence(); status.textContent = SAY['speak.stopped']; area.focus(); });
$('offer').addEventListener('click', async () => { await ask('invented', 'POST', {}); list(); });
$('form').addEventListener('submit', (event) => event.preventDefault());
$('form').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); everything(); }
  if (event.key === 'Escape' && (speaker.busy || asked)) { event.preventDefault(); silence(); status.textContent = SAY['speak.stopped']; }
});
area.addEventListener('input', typed);
area.addEventListener('scroll', () => { marks.scrollTop = area.scrollTop; });
window.addEventListener('resize', size);
window.addEventListener('studio-silence', (event) => { if (event.detail !== speaker) silence(); });
window.addEventListener('studio-voices', (event) => list(event.detail));
window.addEventListener('studio-speak-with', (event) => list({ voice: event.detail }).then(() => { desk.set({ voice: state.voice }); area.focus(); }));
window.addEventListener('studio-clip', (event) => {
  clip = event.detail?.clip ?? null;
  clip_pitched = event.detail?.pitched ?? false;
  where();
  say(event.detail?.problem ?? '');
  if (clip && state.voice === 'clip' && speakable()) attempt({ plan: true }, { quietly: true });
});

function show() {
  area.value = before = state.text;
  $('live').checked = state.live;
  $('language').value = state.language;
  for (const name of ['speed', 'pitch', 'rest']) { $(name).value = state[name]; $(name).tell(); }
  size();
}

async function renewed() { // by another tab
  const news = area.value !== state.text;
  if (news) { silence(); lines = []; known = []; }
  show();
  await list();
  if (news) { status.textContent = SAY['speak.elsewhere']; replan(); }
}

(async () => {
  await desk.open();
  show();
  await list();
  element.dataset.ready = 'true';
  replan(); // what is there is known
})();
