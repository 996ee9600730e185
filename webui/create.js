// The Create tab: what will be read, what was recorded, whose voice it is. All of it lives on the server as it is made.
const $ = (id) => element.querySelector(`#create-${id}`);
const FIELDS = ['name', 'text', 'who', 'authority', 'purpose'];
let state = null, passages = [], free = false, clips = [], chosen = [], changes = {}, form_timer = null, arriving = new Map();

// ----------------------------------------------------------------------------------------------------------- the form
let meanwhile = {}; // changed since the server was last asked what it has
function set(change) {
  for (const all of [state ?? {}, changes, meanwhile]) Object.assign(all, change);
  clearTimeout(form_timer);
  form_timer = setTimeout(write_form, 400);
}

async function write_form(leaving = false) {
  clearTimeout(form_timer);
  if (!Object.keys(changes).length) return;
  const sent = changes;
  changes = {};
  const answer = await ask('intake/form', 'PUT', sent, { keepalive: leaving && JSON.stringify(sent).length < 60000 }).catch(() => null);
  if (answer?.problem) note('problem', answer.problem);
  if (answer) return;
  changes = { ...sent, ...changes }; // the studio is starting again
  form_timer = setTimeout(write_form, 2000);
}

function note(place, text) {
  const box = $(place);
  if (box.classList.contains('problem-line')) box.textContent = text;
  else box.replaceChildren(...(text ? [make('p', 'problem', text)] : []));
}

// Asks before something goes; says what goes.
function certain(title, text, yes) {
  const box = $('sure');
  const before = document.activeElement;
  $('sure-title').textContent = title;
  box.querySelector('p').textContent = text;
  box.querySelector('[data-answer="yes"]').textContent = yes;
  box.showModal();
  box.querySelector('[data-answer="no"]').focus();
  return new Promise((done) => {
    const end = (answer) => { box.oncancel = box.onclick = null; box.close(); before?.focus?.(); done(answer); };
    box.oncancel = (event) => { event.preventDefault(); end(false); };
    box.onclick = (event) => { const pressed = event.target.closest('[data-answer]'); if (pressed) end(pressed.dataset.answer === 'yes'); };
  });
}

function offer_undo(text, deed) {
  const line = make('p', 'undo');
  const button = make('button', '', SAY['create.undo']);
  button.type = 'button';
  button.addEventListener('click', async () => { line.remove(); await deed(); });
  line.append(make('span', '', text), button);
  $('undo').replaceChildren(line);
  button.focus();
}

// ----------------------------------------------------------------------------------------------------------- the passages
const hashed = (text) => { let sum = 5381; for (const each of text) sum = (sum * 33 + each.codePointAt(0)) >>> 0; return `own-${sum.toString(36)}`; };

function what_is_read() { // the passage with its sentences
  if (state.passage === 'free') {
    const before = clips.filter((clip) => clip.passage === 'free').length;
    return { passage: 'free', language: document.documentElement.lang, lines: [{ number: before, text: '', hint: SAY['prompter.free'] }] };
  }
  const found = passages.find((each) => each.id === state.passage);
  const text = found ? found.text : state.text;
  const lines = sentences_of(text).map((each, number) => ({ number, text: each }));
  return { passage: found ? found.id : hashed(lines.map((each) => each.text).join('\n')), language: found?.language ?? '', lines };
}

function read_before({ passage, lines }) { // places of the sentences that were read to their end
  const whole = new Set(clips.filter((clip) => clip.done && clip.passage === passage && clip.kind === 'spoken').map((clip) => clip.sentence));
  return new Set(lines.map((line, n) => [line, n]).filter(([line]) => whole.has(line.number)).map(([, n]) => n));
}

function draw_passages() {
  const list = $('passages');
  list.replaceChildren();
  const choice = (id, name, text) => {
    const label = make('label', 'person');
    const input = make('input');
    Object.assign(input, { type: 'radio', name: 'create-passage', value: id, checked: state.passage === id });
    input.addEventListener('change', () => { set({ passage: id }); draw_form(); });
    label.append(input, make('span', 'person-name', name), make('span', 'person-note', text));
    list.append(label);
  };
  passages.forEach((each) => choice(each.id, each.title, each.tongue));
  choice('own', SAY['create.own_text'], SAY['create.own_text_note']);
  if (free) choice('free', SAY['create.free'], SAY['create.free_note']);
}

// ------------------------------------------------------------------------------------------------------------ the clips
const telling = {
  moved: (clip, at, size) => { arriving.set(clip, at / size); draw_clips(); },
  broken: (problem) => note('record-problem', problem),
  whole: () => open_intake(true),
};

async function take_files(files, kind = 'file') {
  note('record-problem', '');
  const sounds = window.studio_watch.sounds(files);
  const words = kind === 'file' ? window.studio_watch.words(files) : [];
  if (sounds.length + words.length < files.length) note('record-problem', SAY['create.no_sound']);
  if (words.length) await take_words(words, sounds);
  const told = [];
  for (const file of sounds) { // one after the other: in the order of the list
    const begun = await begin_file(file, kind, telling);
    if (begun) told.push(begun);
  }
  clips.push(...told.map((each) => each.clip));
  draw_clips();
  if (!told.length) return;
  await Promise.all(told.map((each) => each.whole));
  await open_intake(true);
}

// Texts into the field, in the order of the sounds that have their names.
async function take_words(files, sounds) {
  const bare = (file) => file.name.replace(/\.[^.]*$/, '');
  const names = sounds.map(bare);
  const place = (file) => (names.includes(bare(file)) ? names.indexOf(bare(file)) : names.length);
  const texts = [];
  for (const file of [...files].sort((a, b) => place(a) - place(b))) texts.push(decoded_text(await file.arrayBuffer()).trim());
  set({ text: [state.text.trim(), ...texts].filter(Boolean).join('\n'), ...(clips.length || sounds.length ? {} : { passage: 'own' }) });
  draw_form();
  if (!sounds.length) await open_intake(true);
}

async function take_away(clip_ids, name) {
  for (const id of clip_ids) { sending.delete(id); await ask(`intake/clips/${id}`, 'DELETE'); }
  await open_intake(true);
  offer_undo(fill(SAY['create.clip_gone'], { name }), async () => {
    for (const id of clip_ids) await ask(`intake/clips/${id}/restore`, 'POST');
    await open_intake(true);
  });
}

function clip_row(name, note_text, ids, { hear, more, share }) {
  const row = make('li', 'clip');
  const about = make('div', 'clip-about');
  about.append(make('b', '', name), make('small', '', note_text));
  row.append(about);
  if (share !== undefined) {
    const bar = make('progress');
    Object.assign(bar, { max: 1, value: share });
    bar.setAttribute('aria-label', fill(SAY['create.arriving'], { name }));
    row.append(bar);
  }
  const deeds = make('div', 'deeds');
  if (hear) deeds.append(hear);
  if (more) deeds.append(more);
  deeds.append(named(plain_button(SAY['create.remove'], () => take_away(ids, name)), name));
  row.append(deeds);
  return row;
}
const named = (button, name) => { button.setAttribute('aria-label', `${button.textContent}: ${name}`); return button; };

function hear_button(addresses, name) { // one after the other, as they were read
  const button = plain_button(`▶ ${SAY['create.hear']}`, () => {
    queue_of_samples = addresses.slice(1).map((each) => [each, button]);
    play_here(addresses[0], button);
  });
  return named(button, name);
}

function draw_clips() {
  const list = $('clips'), granted = $('permission-clips');
  list.replaceChildren();
  granted.replaceChildren();
  const heard = (clip) => `intake/clips/${clip.id}/hear`;
  for (const passage of new Set(clips.filter((clip) => clip.kind === 'spoken').map((clip) => clip.passage))) {
    const all = clips.filter((clip) => clip.passage === passage && clip.kind === 'spoken');
    const used = all.filter((clip) => chosen.includes(clip.id)).sort((a, b) => a.sentence - b.sentence);
    if (!used.length) continue;
    const known = passages.find((each) => each.id === passage);
    const name = known?.title ?? (passage === 'free' ? SAY['create.free'] : SAY['create.own_text']);
    const lines = passage === what_is_read().passage ? what_is_read().lines : known ? sentences_of(known.text) : [];
    const seconds = time(used.reduce((sum_, clip) => sum_ + clip.seconds, 0));
    const read = passage === 'free' || !lines.length ? seconds : fill(SAY['create.read_so_far'], { done: used.length, all: lines.length, time: seconds });
    list.append(clip_row(name, read, all.map((clip) => clip.id), { hear: hear_button(used.map(heard), name) }));
  }
  for (const clip of clips.filter((each) => each.kind !== 'spoken')) {
    const place = clip.kind === 'file' ? list : granted;
    const whole = !clip.size || clip.done;
    const share = arriving.get(clip.id) ?? clip.received / clip.size;
    const stalled = !whole && !sending.has(clip.id);
    const told = !clip.size ? time(clip.seconds) : whole ? fill(SAY['create.size'], { size: bytes_in_words(clip.size) })
      : stalled ? SAY['create.choose_again'] : fill(SAY['create.arrived'], { percent: Math.floor(share * 100) });
    place.append(clip_row(clip.name || SAY['create.spoken'], told, [clip.id],
      { hear: whole ? hear_button([heard(clip)], clip.name) : null, share: whole ? undefined : share }));
  }
  list.hidden = !list.children.length;
  if (granted.children.length) note('permission-problem', '');
  granted.hidden = !granted.children.length;
  const { lines, ...rest } = what_is_read();
  const read = read_before({ lines, ...rest }).size;
  $('record').textContent = state.passage === 'free' ? SAY['create.talk'] : read >= lines.length && lines.length ? SAY['create.record_again'] : read ? SAY['create.record_on'] : SAY['create.record'];
}

// ------------------------------------------------------------------------------------------------------------- drawing
function draw_form() {
  element.querySelectorAll('[name="create-passage"]').forEach((input) => { input.checked = input.value === state.passage; });
  for (const field of FIELDS) if (document.activeElement !== $(field)) $(field).value = state[field];
  element.querySelectorAll('[name="create-own"]').forEach((input) => { input.checked = input.value === whose(); });
  $('agreed').checked = state.agreed;
  $('agreed-words').textContent = { own: SAY['create.consent'], other: SAY['create.consent_other'], decides: SAY['create.consent_decides'] }[whose()];
  $('permission-row').hidden = state.own;
  $('permission-text').textContent = whose() === 'decides' ? SAY['create.statement_decides'] : SAY['create.statement_text'];
  $('permission').textContent = whose() === 'decides' ? SAY['create.record_statement'] : SAY['create.record_permission'];
  $('authority-row').hidden = whose() !== 'decides';
  $('text-row').hidden = state.passage !== 'own' && !clips.some((clip) => clip.kind === 'file');
  $('text-label').textContent = state.passage === 'own' ? SAY['create.own_text_label'] : SAY['create.file_text_label'];
  $('name-row').hidden = Boolean(state.voice);
  grow($('text'));
  pr('self').checked = state.by_itself;
  draw_clips();
}

const whose = () => (state.own ? 'own' : state.decides ? 'decides' : 'other');
let drawn_for = '', opening = null;
async function open_intake(anew = false) { // draws what the server has; looks it over where it is another recording now
  await write_form();
  let answer = null;
  meanwhile = {};
  while (!(answer = await ask('intake').catch(() => null))) await later(1500);
  if (answer.problem) { note('problem', answer.problem); return; }
  ({ clips, chosen, passages, free } = answer);
  state = { ...answer.form, ...meanwhile, ...changes };
  if (!passages.some((each) => each.id === state.passage) && !['own', free ? 'free' : 'own'].includes(state.passage)) state.passage = passages[0]?.id ?? 'own';
  if (!state.purpose) state.purpose = SAY['create.purpose_value'];
  draw_passages();
  draw_form();
  for (const clip of clips) if (clip.size && !clip.done) go_on_with(clip, telling).then((goes) => goes && draw_clips());
  if (answer.away && !$('undo').children.length && !chosen.length) {
    offer_undo(SAY['create.is_away'], async () => { await ask('intake/back', 'POST'); await open_intake(); });
    document.activeElement?.blur?.();
  }
  const now = JSON.stringify([chosen, clips.map((clip) => clip.received), clips.some((clip) => clip.kind === 'file') && state.text]);
  if (now === drawn_for && !anew) return;
  const moved = now !== drawn_for;
  drawn_for = now;
  if (!chosen.length) { looking += 1; show_review(null); } else if (moved || answer.review) look_over(answer.review);
}

async function voices_to_add_to() {
  const people = await ask('voices').catch(() => ({ own: [] }));
  $('voice-row').hidden = !people.own.length;
  $('voice').replaceChildren(new Option(SAY['create.new_voice'], ''), ...listed({ own: people.own }).filter((each) => !each.closed).map((each) =>
    new Option(fill(SAY['create.new_version'], { name: each.called }), each.id)));
  $('voice').value = state.voice;
  if ($('voice').selectedIndex < 0) { $('voice').value = ''; set({ voice: '' }); }
  $('name-row').hidden = Boolean(state.voice);
}

// ------------------------------------------------------------------------------------------------------------ the deeds
$('record').addEventListener('click', () => {
  note('record-problem', '');
  const what = what_is_read();
  if (!what.lines.length) { note('record-problem', SAY['create.need_text']); $('text').focus(); return; }
  let finished = read_before(what);
  if (finished.size === what.lines.length) finished = new Set(); // all of it once more; what is better read counts
  const seconds = clips.filter((clip) => clip.passage === what.passage && chosen.includes(clip.id)).reduce((all, clip) => all + clip.seconds, 0);
  read_aloud({ kind: 'spoken', ...what, finished, seconds, over: async () => { await open_intake(true); $('record').focus(); } });
});
$('permission').addEventListener('click', () => {
  const decides = whose() === 'decides';
  const lacks = decides && ['who', 'authority', 'purpose'].find((field) => !state[field].trim());
  const needs = { who: SAY['create.need_who'], authority: SAY['create.need_authority'], purpose: SAY['create.need_purpose'] };
  if (lacks) { note(`${lacks}-problem`, needs[lacks]); $(lacks).focus(); return; }
  const text = fill(decides ? SAY['create.decides_words'] : SAY['create.permission_words'], state);
  read_aloud({ kind: 'permission', passage: '', language: document.documentElement.lang, lines: [{ number: 0, text, hint: '' }], finished: new Set(),
    over: async () => { await open_intake(); $('permission').focus(); } });
});
let kind_of_files = 'file';
const choose_files = (kind) => { kind_of_files = kind; $('files').click(); };
$('choose').addEventListener('click', () => choose_files('file'));
$('permission-file').addEventListener('click', () => choose_files('permission'));
$('files').addEventListener('change', () => { take_files([...$('files').files], kind_of_files); $('files').value = ''; });
for (const field of FIELDS) $(field).addEventListener('input', () => {
  set({ [field]: $(field).value });
  field === 'text' ? (grow($('text')), draw_clips()) : note(`${field}-problem`, '');
});
for (const field of FIELDS) if ($(field).value) set({ [field]: $(field).value }); // typed before this script was here
$('text').addEventListener('paste', () => setTimeout(() => $('text').dispatchEvent(new Event('change')))); // all of it is there
$('text').addEventListener('change', () => { if (clips.some((clip) => clip.kind === 'file')) open_intake(true); });
element.querySelectorAll('[name="create-own"]').forEach((input) => input.addEventListener('change', () => {
  set({ own: input.value === 'own', decides: input.value === 'decides', agreed: false });
  draw_form();
}));
$('agreed').addEventListener('change', () => { set({ agreed: $('agreed').checked }); note('agreed-problem', ''); });
$('voice').addEventListener('change', () => { set({ voice: $('voice').value }); note('name-problem', ''); draw_form(); });
pr('self').addEventListener('change', () => set({ by_itself: pr('self').checked }));

$('start').addEventListener('click', async () => {
  for (const place of ['problem', 'record-problem', 'name-problem', 'who-problem', 'authority-problem', 'purpose-problem', 'permission-problem', 'agreed-problem']) note(place, '');
  set({ purpose: state.purpose });
  await write_form();
  const answer = await busy($('start'), async () => {
    $('told').textContent = SAY['create.still_arriving'];
    while (sending.size) await later(200); // all of it has arrived, or was taken away
    $('told').textContent = SAY['create.handing_in'];
    return ask('intake/learn', 'POST').catch(() => ({ problem: SAY['app.unexpected'] }));
  });
  $('told').textContent = '';
  if (answer.problem) note('problem', answer.problem);
  Object.entries(answer.problems ?? {}).forEach(([field, said]) => note(`${field}-problem`, said));
  const [wrong] = Object.keys(answer.problems ?? {});
  if (wrong) ($(wrong) ?? $('start')).focus();
  if (!answer.job) return;
  await Promise.all([look(), open_intake(true)]);
  const card = shelf_of_jobs.querySelector(`[data-job="${answer.job}"]`);
  card?.setAttribute('tabindex', '-1');
  card?.focus();
});

$('over').addEventListener('click', async () => {
  const seconds = clips.filter((clip) => chosen.includes(clip.id)).reduce((all, clip) => all + clip.seconds, 0);
  const count = clips.filter((clip) => clip.kind === 'file').length;
  const listed = new Intl.ListFormat(document.documentElement.lang);
  const parts = [seconds && fill(SAY['create.over_read'], { time: time(seconds) }), count && fill(SAY['create.over_files'], { count }),
    SAY['create.over_rest']].filter(Boolean);
  if (!await certain(SAY['create.over_title'], fill(SAY['create.over_asks'], { what: listed.format(parts) }), SAY['create.over'])) return;
  await write_form();
  sending.clear();
  await ask('intake/away', 'POST');
  drawn_for = '';
  await open_intake(true);
  offer_undo(SAY['create.is_away'], async () => { await ask('intake/back', 'POST'); await open_intake(true); });
});

// ------------------------------------------------------------------------------------------- what came from elsewhere
const take_dropped = () => { const files = window.studio_watch.files.splice(0); if (files.length) take_files(files); };
async function add_to_voice() { // under Voices: a further recording of somebody
  const voice = window.studio_watch.add_to;
  delete window.studio_watch.add_to;
  if (!voice) return;
  set({ voice });
  await voices_to_add_to();
  draw_form();
}
window.addEventListener('studio-files', () => state && take_dropped());
window.addEventListener('studio-add-recording', () => state && add_to_voice());
window.addEventListener('pagehide', () => write_form(true));
document.addEventListener('visibilitychange', () => {
  if (document.hidden) write_form(true);
  else if (state && !reading && !sending.size && !element.contains(document.activeElement)) open_intake();
});
window.addEventListener('studio-voices', () => state && voices_to_add_to());
open_intake().then(voices_to_add_to).then(add_to_voice).then(take_dropped);
