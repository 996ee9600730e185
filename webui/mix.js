// The Mix tab: the sound follows the slider while it moves. What was heard once, or lies near, sounds at once.
const $ = (id) => element.querySelector(`#mix-${id}`);
const GRID = [50, 0, 100, 25, 75]; // shares that are prepared while nothing else is wanted
const desk = new Desk('mix', { first: '', second: '', ratio: 50, follow: true, manner: 50, third: '', part: 20, text: SAY['mix.text_value'], loop: true, name: '', seen: [] }, () => show());
const state = desk.value;
let people = [], sounds = new Map(), story = '', playing = null, wanted = null, fetching = null, active = false;
const speaker = new Speaker((sounding) => { if (!sounding && !speaker.busy) stopped(); });

const name = (id) => people.find((each) => each.id === id)?.name ?? '';
const share = (ratio) => {
  const left = state.third ? 100 - state.part : 100;
  const second = Math.round((ratio * left) / 100);
  const two = fill(SAY['mix.blend'], { first: left - second, second, a: name(state.first), b: name(state.second) });
  return state.third ? fill(SAY['mix.blend_third'], { two, part: state.part, c: name(state.third) }) : two;
};

function say(place, kind, text) {
  $(place).replaceChildren();
  if (text) $(place).append(make('p', kind, text));
}

function draw() {
  $('ratio').value = state.ratio;
  if (document.activeElement !== $('percent')) $('percent').value = state.ratio;
  $('ratio').setAttribute('aria-valuetext', share(state.ratio));
  $('blend').textContent = people.length > 1 ? share(state.ratio) : '';
  $('left').textContent = name(state.first);
  $('right').textContent = name(state.second);
  $('manner-row').hidden = state.follow;
  $('manner').nextElementSibling.textContent = share(state.manner);
  $('manner').setAttribute('aria-valuetext', share(state.manner));
  $('third').value = state.third;
  $('part').value = state.part;
  $('part-row').hidden = !state.third;
  $('part').nextElementSibling.textContent = state.third ? fill(SAY['mix.part_of'], { part: state.part, name: name(state.third) }) : '';
  $('part').setAttribute('aria-valuetext', $('part').nextElementSibling.textContent);
  const same = is_same();
  if (people.length > 1) say('problem', 'problem', same ? SAY['mix.same'] : '');
  $('preview').disabled = $('save').disabled = people.length < 2 || same;
}

const is_same = () => state.first === state.second || [state.first, state.second].includes(state.third);

// ------------------------------------------------------------------------------------------------------- the sound
const blend = (ratio) => ({ first: state.first, second: state.second, ratio: ratio / 100, manner: state.follow ? null : state.manner / 100, ...(state.third ? { third: state.third, part: state.part / 100 } : {}) });

function same_story() { // another sentence or other voices: nothing that was prepared holds
  const now = JSON.stringify([state.first, state.second, state.text, state.follow ? null : state.manner, state.third, state.part]);
  if (now !== story) { story = now; sounds = new Map(); playing = null; fetching?.stop.abort(); fetching = null; }
}

async function fetched(ratio) {
  const stop = new AbortController();
  const mine = (fetching = { ratio, stop });
  const tale = story;
  try {
    const answer = await wished({ text: state.text, blend: blend(ratio), seed: 0 }, stop.signal);
    const parts = [];
    let rate = 0, problem = '';
    for await (const said of frames(answer)) {
      if (said.line !== undefined) { parts.push(said.sound, new Int16Array(Math.round(said.pause * said.rate))); rate = said.rate; }
      if (said.problem) problem = said.problem;
      if (said.dropped) return;
    }
    if (tale !== story) return;
    if (problem) { active = false; wanted = null; speaker.silence(); stopped(); say('problem', 'problem', problem); return; }
    const whole = new Int16Array(parts.reduce((sum, each) => sum + each.length, 0));
    parts.reduce((at, each) => { whole.set(each, at); return at + each.length; }, 0);
    sounds.set(ratio, { ratio, rate, samples: whole });
  } catch (error) {
    if (error.name === 'AbortError') return;
    active = false;
    stopped();
    say('problem', 'problem', SAY['app.unexpected']);
  } finally {
    if (fetching === mine) fetching = null;
  }
}

function play(sound) {
  if (playing === sound) return;
  const from = playing ? speaker.share() : 0;
  playing = sound;
  speaker.swap(sound.samples, sound.rate, state.loop, from);
  $('preview').setAttribute('aria-pressed', 'true');
  $('preview').textContent = SAY['mix.stop'];
  $('status').textContent = '';
}

function near(ratio) { // what is there and closer to what is wanted than what sounds
  const off = (sound) => Math.abs(sound.ratio - ratio);
  const best = [...sounds.values()].sort((a, b) => off(a) - off(b))[0];
  return best && (!playing || off(best) < off(playing) || !speaker.busy) ? best : null;
}

async function pump() {
  if (fetching) return;
  while (active) {
    if (wanted !== null) {
      if (!sounds.has(wanted)) await fetched(wanted);
      if (!active) return;
      if (fetching) return;
      const there = sounds.get(wanted) ?? near(wanted);
      if (there) play(there);
      if (wanted !== null && sounds.has(wanted)) wanted = null;
      continue;
    }
    const next = GRID.find((ratio) => !sounds.has(ratio));
    if (next === undefined) return;
    await fetched(next);
    if (fetching) return;
  }
}

function follow(last) { // the slider moved; `last`: it was let go
  window.dispatchEvent(new CustomEvent('studio-silence', { detail: speaker }));
  if (people.length < 2 || is_same() || !state.text.trim()) return;
  speaker.wake();
  same_story();
  active = true;
  const ratio = last ? state.ratio : Math.round(state.ratio / 5) * 5;
  const close = near(ratio);
  if (close) play(close);
  wanted = sounds.has(ratio) ? null : ratio;
  const idle = fetching && GRID.includes(fetching.ratio) && fetching.ratio !== wanted;
  if (wanted !== null && fetching && (idle || (last && fetching.ratio !== wanted))) { fetching.stop.abort(); fetching = null; }
  pump();
}

function stopped() {
  playing = null;
  $('preview').setAttribute('aria-pressed', 'false');
  $('preview').textContent = SAY['mix.preview'];
  if ($('status').textContent === SAY['mix.working']) $('status').textContent = '';
}

function silence() {
  active = false;
  wanted = null;
  fetching?.stop.abort();
  fetching = null;
  speaker.silence();
  stopped();
}

function hear() {
  say('problem', 'problem', '');
  if (playing || active) { silence(); return; }
  if (!state.text.trim()) { say('problem', 'problem', SAY['speak.need_text']); $('text').focus(); return; }
  $('status').textContent = SAY['mix.working'];
  follow(true);
  if (playing) $('status').textContent = '';
}

// ------------------------------------------------------------------------------------------------------- the voices
async function list(event) {
  const found = await ask('voices').catch(() => null);
  if (!found) return;
  people = listed(found);
  const is = (id) => people.some((each) => each.id === id);
  const news = found.own.filter((each) => !state.seen.includes(each.id)).map((each) => each.id);
  for (const end of event?.detail?.fresh && !element.offsetParent ? ['first', 'second'] : []) { // a new voice takes the place of an invented one
    if (!found.own.some((each) => each.id === state[end])) state[end] = news.find((id) => id !== state.first) ?? state[end];
  }
  if (news.length || found.own.length < state.seen.length) desk.set({ seen: found.own.map((each) => each.id), first: state.first, second: state.second });
  if (!is(state.first)) state.first = people[0]?.id ?? '';
  if (!is(state.second)) state.second = people.find((each) => each.id !== state.first)?.id ?? '';
  if (!is(state.third)) state.third = '';
  for (const end of ['first', 'second', 'third']) {
    $(end).replaceChildren(...(end === 'third' ? [new Option(SAY['mix.nobody'], '')] : []), ...people.map((each) => new Option(each.called, each.id)));
    $(end).value = state[end];
  }
  $('empty').hidden = people.length > 1;
  $('form').hidden = $('keep').hidden = people.length < 2;
  draw();
}

async function save(event) {
  event.preventDefault();
  if ($('keep').ariaBusy === 'true') return; // pressed again while it is saved
  say('saved', 'hint', SAY['mix.saving']);
  $('keep').ariaBusy = 'true';
  const name = state.name.trim();
  const answer = await ask('mix', 'POST', { ...blend(state.ratio), name }).catch(() => ({ problem: SAY['app.unexpected'] }));
  $('keep').ariaBusy = 'false';
  if (answer.problem) { say('saved', 'problem', answer.problem); $('name').focus(); return; }
  say('saved', 'good', fill(SAY['mix.saved'], { name }));
  $('name').value = '';
  desk.set({ name: '' });
  window.dispatchEvent(new CustomEvent('studio-voices', { detail: {} }));
}

// ------------------------------------------------------------------------------------------------------- the wiring
function moved(input, last) {
  const value = Math.min(100, Math.max(0, Math.round(input.valueAsNumber)));
  if (Number.isNaN(value)) return;
  desk.set({ [{ 'mix-manner': 'manner', 'mix-part': 'part' }[input.id] ?? 'ratio']: value });
  draw();
  follow(last || input === $('percent'));
}
for (const id of ['ratio', 'percent', 'manner', 'part']) {
  $(id).addEventListener('input', () => moved($(id), false));
  $(id).addEventListener('change', () => moved($(id), true));
}
for (const end of ['first', 'second', 'third']) {
  $(end).addEventListener('change', () => {
    desk.set({ [end]: $(end).value });
    const going = Boolean(playing) || active;
    silence();
    draw();
    if (going) follow(true);
  });
}
$('text').addEventListener('input', () => { silence(); desk.set({ text: $('text').value }); });
$('name').addEventListener('input', () => desk.set({ name: $('name').value }));
$('loop').addEventListener('change', () => {
  desk.set({ loop: $('loop').checked });
  if (playing) { const again = playing; playing = null; play(again); }
});
$('follow').addEventListener('change', () => { desk.set({ follow: $('follow').checked, manner: state.ratio }); $('manner').value = state.manner; draw(); });
$('preview').addEventListener('click', hear);
$('form').addEventListener('submit', (event) => event.preventDefault());
$('form').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); silence(); hear(); }
  if (event.key === 'Escape' && (playing || active)) silence();
});
$('keep').addEventListener('submit', save);
window.addEventListener('studio-silence', (event) => { if (event.detail !== speaker) silence(); });
window.addEventListener('studio-voices', list);

async function show() {
  for (const id of ['text', 'name', 'manner']) $(id).value = state[id];
  for (const id of ['loop', 'follow']) $(id).checked = state[id];
  await list();
}
(async () => {
  await desk.open();
  await show();
  element.dataset.ready = 'true';
})();
