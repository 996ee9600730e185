// The Voices tab: each voice as a card. What it can do is inside; what was done is said where it was asked for.
const $ = (id) => element.querySelector(`#voices-${id}`);
const tape = element.querySelector('audio');
let own_voices = [], invented = [], playing = '';
const news = new Map(); // voice -> what was done last, and in which fold
const open_parts = new Map(); // voice -> the folds that stay open while the card is drawn anew
const language = document.documentElement.lang;
const day = (text) => new Date(text).toLocaleDateString(language, { dateStyle: 'medium' });
const path_of = (id, rest = '') => `people/${id}${rest}`;

function say(place, kind, text) {
  place.replaceChildren();
  if (text) place.append(make('p', kind, text));
}

// ------------------------------------------------------------------------------------------------- picture and sound
function flower(look) { // the spectrum around a circle, the low tones on top
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '-50 -50 100 100');
  svg.setAttribute('class', 'look');
  svg.setAttribute('aria-hidden', 'true');
  look.forEach((level, number) => {
    const turn = (number / look.length) * 2 * Math.PI - Math.PI / 2;
    const line = document.createElementNS(svg.namespaceURI, 'line');
    const [from, upto] = [14, 16 + 32 * level ** 2];
    const at = { x1: from * Math.cos(turn), y1: from * Math.sin(turn), x2: upto * Math.cos(turn), y2: upto * Math.sin(turn) };
    for (const [key, value] of Object.entries(at)) line.setAttribute(key, value.toFixed(1));
    svg.append(line);
  });
  return svg;
}

async function picture(place, id, version = '') {
  for (let left = 5; left && place.isConnected; left -= 1) {
    const found = await ask(path_of(id, `/look?version=${version}`)).catch(() => null);
    if (found?.look) { place.replaceChildren(flower(found.look)); return; }
    await new Promise((done) => setTimeout(done, 3000)); // the studio was busy
  }
}

async function hear(address, problem) {
  if (playing === address && !tape.paused) { tape.pause(); return; }
  window.dispatchEvent(new CustomEvent('studio-silence', { detail: tape }));
  say(problem, 'problem', '');
  playing = address;
  const answer = await fetch(own(address));
  if (playing !== address) return;
  if (!answer.ok) { say(problem, 'problem', (await answer.json()).problem); playing = ''; return; }
  if (tape.src) URL.revokeObjectURL(tape.src);
  tape.src = URL.createObjectURL(await answer.blob());
  await tape.play().catch(() => {});
}

function player(address, name, problem) { // a button that plays and pauses
  const made = button('▶', () => hear(address, problem()), { kind: 'round', label: fill(SAY['take.play'], { name }) });
  Object.assign(made.dataset, { address, name });
  return made;
}

function mark() {
  for (const each of element.querySelectorAll('[data-address]')) {
    const runs = each.dataset.address === playing && !tape.paused;
    each.textContent = runs ? '❚❚' : '▶';
    each.setAttribute('aria-label', fill(runs ? SAY['take.pause'] : SAY['take.play'], { name: each.dataset.name }));
  }
}
for (const event of ['play', 'pause', 'ended']) tape.addEventListener(event, mark);
window.addEventListener('studio-silence', (event) => { if (event.detail !== tape) tape.pause(); });

// ---------------------------------------------------------------------------------------------------------- the card
function head(voice, notes) {
  const row = make('div', 'voice-head');
  const portrait = make('span', 'portrait');
  portrait.append(make('i', '', [...voice.name][0])); // until its picture is there
  const told = make('div', 'take-about');
  told.append(make('b', '', voice.name), ...notes.filter(Boolean).map((text) => make('small', '', text)));
  const problem = make('div', 'notice');
  problem.setAttribute('role', 'alert');
  row.append(portrait, told);
  if (voice.open !== false) {
    row.append(player(path_of(voice.id, '/sample.wav'), voice.name, () => problem));
    const seen = new IntersectionObserver((found) => { // pictures come when they are looked at
      if (found.some((each) => each.isIntersecting)) { seen.disconnect(); picture(portrait, voice.id); }
    });
    seen.observe(portrait);
  } else { portrait.classList.add('closed'); portrait.replaceChildren(); }
  return [row, problem];
}

function percents(shares) { // of a mix, as the Mix tab counts them: the first is what is left
  const rest = shares.slice(1).map((share) => Math.round(100 * share));
  return [100 - rest.reduce((sum, each) => sum + each, 0), ...rest];
}

function card(voice) {
  const item = make('li', 'voice-card');
  item.dataset.id = voice.id;
  const made = voice.kind === 'mix' ? fill(SAY['voices.mixed'], { parents: voice.parents.map((name, n) => fill(SAY['mix.part_of'], { part: percents(voice.shares)[n], name })).join(' + ') })
    : fill(SAY['voices.trained'], { seconds: Math.round(voice.seconds) });
  const state = [voice.frozen && SAY['voices.is_frozen'], voice.locked && (voice.open ? SAY['voices.is_open'] : SAY['voices.is_locked'])];
  const [row, problem] = head(voice, [
    [voice.who && fill(SAY['voices.of'], voice), day(voice.created), bytes_in_words(voice.bytes)].filter(Boolean).join(' · '), made,
  ]);
  for (const text of state.filter(Boolean)) row.querySelector('.take-about').append(make('span', 'chip', text));
  const inside = make('details', 'more');
  inside.append(make('summary', '', SAY['voices.inside']));
  inside.querySelector('summary').setAttribute('aria-label', `${SAY['voices.inside']}: ${voice.name}`);
  inside.addEventListener('toggle', () => { if (inside.open && inside.children.length === 1) fill_inside(inside, voice.id); });
  const deeds = make('div', 'deeds');
  if (voice.open) deeds.append(button(SAY['voices.speak'], () => speak_with(voice.id), { label: `${SAY['voices.speak']}: ${voice.name}` }));
  item.append(row, problem, deeds, inside);
  return item;
}

function speak_with(id) {
  go('speak');
  window.dispatchEvent(new CustomEvent('studio-speak-with', { detail: id }));
}

function stranger(voice) { // one that comes with the program
  const item = make('li', 'voice-card');
  item.dataset.id = voice.id;
  const [row, problem] = head(voice, [SAY['speak.invented']]);
  const deeds = make('div', 'deeds');
  deeds.append(button(SAY['voices.speak'], () => speak_with(voice.id), { label: `${SAY['voices.speak']}: ${voice.name}` }),
    button(SAY['voices.hide'], () => away(voice, problem), { label: `${SAY['voices.hide']}: ${voice.name}` }));
  item.append(row, problem, deeds);
  return item;
}

// -------------------------------------------------------------------------------------------------------- the inside
function part(id, name, title, draw, marked = '') { // a fold with its own place for what it has to say
  const fold = make('details', `more part ${marked}`);
  fold.dataset.part = name;
  fold.open = open_parts.get(id)?.has(name) ?? false;
  const box = make('div', 'notice');
  box.setAttribute('role', 'alert');
  if (news.get(id)?.where === name) say(box, 'good', news.get(id).said);
  fold.append(make('summary', '', title), ...draw((kind, text) => say(box, kind, text)), box);
  fold.addEventListener('toggle', () => {
    const mine = open_parts.get(id) ?? open_parts.set(id, new Set()).get(id);
    fold.open ? mine.add(name) : mine.delete(name);
  });
  return fold;
}

const hint = (text) => make('p', 'hint', text);
function field(label, type = 'text', more = {}) {
  const made = make('label', 'tall', label);
  const input = make('input');
  Object.assign(input, { type, autocomplete: type === 'password' ? 'new-password' : 'off', ...more });
  made.append(input);
  return [made, input];
}
function ticked(label, checked = false) {
  const made = make('label', 'tick');
  const input = make('input');
  Object.assign(input, { type: 'checkbox', checked });
  made.append(input, label);
  return [made, input];
}
function row_of(...buttons) {
  const row = make('div', 'deeds');
  row.append(...buttons);
  return row;
}

async function deed(id, name, wish, told) { // null when it could not be done; `told` says why
  told('hint', wish.secret ? SAY['own.trying'] : '');
  news.delete(id);
  const answer = await ask(path_of(id, `/${name}`), 'POST', wish).catch(() => ({ problem: SAY['app.unexpected'] }));
  if (answer.problem) { told('problem', answer.problem); return null; }
  return answer;
}

// Does a deed, draws the card anew, and says in the fold where it was asked what was done.
async function done(id, name, wish, told, where) {
  const answer = await deed(id, name, wish, told);
  if (!answer) return false;
  news.set(id, { where, said: answer.said });
  await list();
  const inside = element.querySelector(`[data-id="${id}"] > .more`);
  if (inside) {
    inside.open = true;
    await fill_inside(inside, id);
    (inside.querySelector(`[data-part="${where}"]`) ?? inside).querySelector('summary').focus();
  }
  window.dispatchEvent(new CustomEvent('studio-voices', { detail: {} }));
  return true;
}

function fill_inside(inside, id) { // once at a time
  inside.filling ??= filled(inside, id).finally(() => { inside.filling = null; });
  return inside.filling;
}

async function filled(inside, id) {
  const found = await ask(path_of(id)).catch(() => ({ problem: SAY['app.unexpected'] }));
  const summary = inside.querySelector('summary');
  if (found.problem) { const box = make('div', 'notice'); say(box, 'problem', found.problem); inside.replaceChildren(summary, box); return; }
  const { voice } = found;
  const may = new Set(found.may);
  const parts = [];
  const all = make('div', 'parts');
  if (voice.signer) parts.push(hint(fill(SAY['voices.from'], voice)));
  for (const text of found.terms) parts.push(hint(text));
  parts.push(versions_part(found, may), consent_part(found, may));
  if (may.has('rename')) parts.push(rename_part(voice));
  if (may.has('freeze') || may.has('unfreeze')) parts.push(freeze_part(voice));
  if (may.has('lock') || may.has('unlock')) parts.push(lock_part(voice));
  if (may.has('export')) parts.push(send_part(voice));
  parts.push(journal_part(found));
  if (may.has('remove')) parts.push(delete_part(voice));
  if (may.has('remove') || (found.mixes.length && !voice.frozen)) parts.push(destroy_part(found));
  all.append(...parts.filter(Boolean));
  inside.replaceChildren(summary, all);
  mark();
}

function versions_part(found, may) {
  const { voice, versions } = found;
  return part(voice.id, 'versions', SAY['own.versions'], (told) => {
    const years = make('ol', 'years');
    for (const version of [...versions].reverse()) {
      const item = make('li');
      const portrait = make('span', 'portrait small');
      const about = make('div', 'take-about');
      const name = `${day(version.created)}${version.label ? ` · ${version.label}` : ''}`;
      about.append(make('b', '', name));
      if (version.seconds) about.append(make('small', '', fill(SAY['own.seconds'], { seconds: Math.round(version.seconds) })));
      item.append(portrait, about);
      if (voice.open) { item.append(player(path_of(voice.id, `/sample.wav?version=${version.id}`), name, () => item.closest('.part').querySelector('.notice'))); picture(portrait, voice.id, version.id); }
      if (version.id === found.speaks) about.append(make('span', 'chip', SAY['own.speaks']));
      else if (may.has('pin')) item.append(button(SAY['own.pin'], () => done(voice.id, 'pin', { version: version.id }, told, 'versions'), { label: `${SAY['own.pin']}: ${name}` }));
      if (versions.length > 1 && may.has('prune')) item.append(asks(SAY['own.prune'], SAY['own.prune_ask'], `${SAY['own.prune']}: ${name}`,
        () => done(voice.id, 'prune', { version: version.id }, told, 'versions')));
      years.append(item);
    }
    const row = row_of();
    if (may.has('train')) row.append(button(SAY['own.add'], () => {
      go('create');
      window.dispatchEvent(new CustomEvent('studio-add-recording', { detail: voice.id }));
    }, { kind: 'main' }));
    if (found.speaks !== versions.at(-1).id && may.has('pin')) row.append(button(SAY['own.newest'], () => done(voice.id, 'newest', {}, told, 'versions')));
    return [hint(SAY['own.versions_text']), years, row];
  });
}

function asks(text, question, label, work) { // a button that asks before it does something
  const place = make('span', 'deeds asks');
  const first = button(text, () => {
    const keep = button(SAY['own.keep'], () => { place.replaceChildren(first); first.focus(); });
    place.replaceChildren(make('span', '', question), button(text, work, { kind: 'danger', label }), keep);
    keep.focus();
  }, { label });
  place.append(first);
  return place;
}

function consent_part(found) {
  const { voice } = found;
  if (!found.consent.length) return null;
  return part(voice.id, 'consent', SAY['own.consent'], (told) => found.consent.flatMap((each) => {
    const made = [make('p', '', fill(SAY['voices.consent'], each)), hint(fill(SAY['voices.statement'], { day: day(each.when), statement: each.statement }))];
    if (each.authority) made.splice(1, 0, make('p', '', fill(SAY['voices.authority'], each)));
    if (each.spoken && voice.open) {
      const row = row_of();
      row.append(player(path_of(voice.id, '/statement'), SAY['own.spoken'], () => row.closest('.part').querySelector('.notice')), make('span', '', SAY['own.spoken']));
      made.push(row);
    }
    return made;
  }));
}

function rename_part(voice) {
  return part(voice.id, 'rename', SAY['voices.rename_title'], (told) => {
    const [label, input] = field(SAY['voices.new_name'], 'text', { maxLength: 80, value: voice.name });
    return [form([label, row_of(submit(SAY['voices.rename']))], () => done(voice.id, 'rename', { name: input.value }, told, 'rename'))];
  });
}

function submit(text, kind = 'main') {
  const made = make('button', kind, text);
  made.type = 'submit';
  return made;
}
function form(parts, work) { // Enter in a field is a press on its button; while it works, nothing is pressed twice
  const made = make('form', 'plain-form');
  made.append(...parts);
  made.addEventListener('submit', async (event) => {
    event.preventDefault();
    const pressed = event.submitter ?? made.querySelector('[type=submit]');
    if (made.ariaBusy === 'true') return;
    made.ariaBusy = 'true';
    await work(pressed);
    made.ariaBusy = 'false';
  });
  return made;
}

// Whether a new passphrase was not typed twice the same; then it is said.
function differs(first, second, told) {
  if (first.value === second.value) return false;
  told('problem', SAY['own.passphrase_differs']);
  second.focus();
  return true;
}

function freeze_part(voice) {
  return part(voice.id, 'freeze', voice.frozen ? SAY['own.thaw'] : SAY['own.freeze'], (told) => {
    const [label, input] = field(SAY['own.freeze_secret'], 'password');
    const [again, second] = field(SAY['own.passphrase_again'], 'password');
    const way = voice.frozen ? 'unfreeze' : 'freeze';
    return [hint(voice.frozen ? SAY['own.thaw_text'] : SAY['own.freeze_text']),
      form([label, ...(voice.frozen ? [] : [again]), row_of(submit(voice.frozen ? SAY['own.unfreeze'] : SAY['own.freeze_do']))],
        () => !voice.frozen && differs(input, second, told) ? null : done(voice.id, way, { secret: input.value }, told, 'freeze'))];
  });
}

function lock_part(voice) {
  const title = !voice.locked ? SAY['own.lock'] : voice.open ? SAY['own.is_open'] : SAY['own.is_locked'];
  return part(voice.id, 'lock', title, (told) => {
    const [label, input] = field(voice.locked ? SAY['own.its_passphrase'] : SAY['own.passphrase'], 'password');
    const ways = voice.locked ? [...(voice.open ? [] : [['unlock', SAY['own.unlock'], 'main']]), ['remove-lock', SAY['own.lock_remove'], '']]
      : [['lock', SAY['own.lock_do'], 'main']];
    const buttons = ways.map(([way, text, kind]) => { const made = submit(text, kind); made.dataset.way = way; return made; });
    const [again, second] = field(SAY['own.passphrase_again'], 'password');
    if (voice.locked && voice.open) buttons.unshift(button(SAY['own.close'], () => done(voice.id, 'close', {}, told, 'lock'), { kind: 'main' }));
    return [hint(SAY['own.lock_text']), form([label, ...(voice.locked ? [] : [again]), row_of(...buttons)], (pressed) => {
      if (!voice.locked && differs(input, second, told)) return null;
      return done(voice.id, pressed.dataset.way, { secret: input.value }, told, 'lock');
    })];
  });
}

function send_part(voice) {
  return part(voice.id, 'send', SAY['own.send'], (told) => {
    const [friend, key] = field(SAY['own.friend']);
    const [secret, phrase] = field(SAY['own.send_secret'], 'password');
    const [mix, may_mix] = ticked(SAY['own.may_mix'], true);
    const [train, may_train] = ticked(SAY['own.may_retrain'], true);
    const [pass, may_pass] = ticked(SAY['own.may_export'], true);
    const [until, last] = field(SAY['own.until'], 'date');
    const ready = row_of(submit(SAY['own.send_do']));
    return [hint(SAY['own.send_text']), form([friend, secret, mix, train, pass, until, ready], async () => {
      const wish = { friend: key.value, secret: phrase.value, mix: may_mix.checked, retrain: may_train.checked, export: may_pass.checked, until: last.value };
      const answer = await deed(voice.id, 'send', wish, told);
      ready.querySelector('a')?.remove();
      if (!answer) return;
      phrase.value = '';
      const link = make('a', 'file', SAY['own.send_ready']);
      link.href = own(path_of(voice.id, '/sent.gsvoice'));
      link.download = '';
      ready.append(link);
      told('good', answer.said);
      link.focus();
    })];
  });
}

function journal_part(found) {
  return part(found.voice.id, 'journal', SAY['own.journal'], () => {
    const lines = make('ul', 'journal-lines');
    lines.tabIndex = 0;
    lines.setAttribute('aria-label', SAY['own.journal']);
    for (const each of found.journal) {
      const item = make('li');
      const when = make('time', '', new Date(each.at).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' }));
      when.dateTime = each.at;
      item.append(when, make('span', '', each.said));
      lines.append(item);
    }
    return [lines];
  });
}

function delete_part(voice) {
  return part(voice.id, 'delete', SAY['own.delete'], () => [hint(SAY['own.delete_text']),
    row_of(asks(SAY['own.delete_do'], fill(SAY['own.delete_ask'], voice), `${SAY['own.delete_do']}: ${voice.name}`,
      () => away(voice, element.querySelector(`[data-id="${voice.id}"] [data-part="delete"] > .notice`))))]);
}

async function away(voice, place) {
  if (!(await deed(voice.id, 'delete', {}, (kind, text) => say(place, kind, text)))) return;
  await list();
  ($('away').querySelector(`[data-id="${voice.id}"] button`) ?? $('offer')).focus();
  window.dispatchEvent(new CustomEvent('studio-voices', { detail: {} }));
}

function away_row(voice) {
  const gone = make('li', 'voice-card take-row', fill(SAY['take.deleted'], voice));
  gone.dataset.id = voice.id;
  gone.append(button(SAY['take.undo'], async () => {
    if (!(await deed(voice.id, 'restore', {}, (kind, text) => say($('problem'), kind, text)))) return;
    await list();
    element.querySelector(`[data-id="${voice.id}"] button`)?.focus();
    window.dispatchEvent(new CustomEvent('studio-voices', { detail: {} }));
  }, { label: `${SAY['take.undo']}: ${voice.name}` }));
  return gone;
}

function destroy_part(found) {
  const { voice } = found;
  return part(voice.id, 'destroy', SAY['own.destroy'], (told) => {
    const [label, name] = field(SAY['voices.confirm']);
    const [sure, agreed] = ticked(SAY['own.destroy_sure']);
    const [also, mixes] = ticked(fill(SAY['own.destroy_mixes'], { mixes: found.mixes.join(', ') }));
    const first = submit(SAY['own.destroy_do'], 'danger');
    const row = row_of(first);
    const whole = form([label, sure, ...(found.mixes.length ? [also] : []), row], async () => {
      if (name.value.trim().replace(/\s+/g, ' ') !== voice.name) { told('problem', fill(SAY['voices.confirm_wrong'], voice)); name.focus(); return; }
      if (!agreed.checked) { told('problem', SAY['own.need_sure']); agreed.focus(); return; }
      told('problem', '');
      const keep = button(SAY['own.keep'], () => { whole.reset(); row.replaceChildren(first); name.focus(); });
      row.replaceChildren(make('b', '', fill(SAY['own.destroy_last'], voice)), button(SAY['own.destroy_now'], async (pressed) => {
        pressed.disabled = true;
        const answer = await deed(voice.id, 'destroy', { name: name.value, sure: agreed.checked, mixes: mixes.checked }, told);
        whole.reset(); // both safeties are asked for again
        row.replaceChildren(first);
        if (answer) receipt(voice, answer);
      }, { kind: 'danger' }), keep);
      keep.focus();
    });
    return [hint(SAY['own.destroy_text']), whole];
  }, 'grave');
}

function receipt(voice, answer) { // in the place of the card
  const item = make('li', 'voice-card receipt');
  const told = make('div', 'notice');
  told.setAttribute('role', 'alert');
  say(told, 'good', answer.said);
  const link = make('a', 'file', SAY['own.receipt']);
  link.href = URL.createObjectURL(new Blob([answer.receipt], { type: 'application/json' }));
  link.download = `${voice.name.replace(/[^\p{L}\p{N}]+/gu, '-')}.json`;
  item.append(told, row_of(link));
  element.querySelector(`[data-id="${voice.id}"]`).replaceWith(item);
  link.focus();
  window.dispatchEvent(new CustomEvent('studio-voices', { detail: {} }));
}

// ---------------------------------------------------------------------------------------------------------- the list
let drawn = '';
async function list() {
  const found = await ask('people').catch(() => null);
  if (!found || found.problem) { say($('problem'), 'problem', found?.problem ?? SAY['app.unexpected']); return; }
  say($('problem'), 'problem', '');
  ({ own: own_voices, invented } = found);
  $('empty').hidden = own_voices.length > 0;
  $('others').hidden = !invented.length && !found.hidden;
  $('offer').hidden = !found.hidden;
  const now = JSON.stringify(found);
  if (now === drawn) return;
  drawn = now;
  const was = new Set([...element.querySelectorAll('.voice-card > .more[open]')].map((each) => each.parentElement.dataset.id));
  $('own').replaceChildren(...own_voices.map(card));
  $('away').replaceChildren(...found.away.map(away_row));
  $('invented').replaceChildren(...invented.map(stranger));
  for (const id of was) { const inside = element.querySelector(`[data-id="${id}"] > .more`); if (inside) inside.open = true; }
  mark();
}
$('offer').addEventListener('click', async () => { await ask('invented', 'POST', {}); await list(); $('invented').querySelector('button')?.focus(); });
window.addEventListener('studio-people', list);
list().then(() => { element.dataset.ready = 'true'; });
