// The Studio tab: a long text, who reads it, how far it is, its sentences one by one, and the file in the end.
const $ = (id) => element.querySelector(`#studio-${id}`);
const MOST = 10 * 2 ** 20; // bytes of a document
const desk = new Desk('studio', { text: '', open: '', chapter: 0, kind: 'm4b', cast: '' }, () => { $('text').value = state.text; list(); });
const state = desk.value;
const tape = element.querySelector('audio');
let books = [], people = [], sentences = [], about = null, named = '', playing = null, running = false, timer = null;

function say(place, text, kind = 'problem') {
  $(place).replaceChildren();
  if (text) $(place).append(make('p', kind, text));
}
async function deed(place, work) {
  say(place, '');
  const answer = await work.catch(() => ({ problem: SAY['app.unexpected'] }));
  if (answer.problem) say(place, answer.problem);
  return answer.problem ? null : answer;
}

// ---------------------------------------------------------------------------------------------------- a new document
async function put(document_) {
  $('status').textContent = SAY['book.reading'];
  const found = await deed('problem', ask('books', 'POST', document_));
  $('status').textContent = '';
  if (!found) return;
  if (document_.text) { $('text').value = ''; desk.set({ text: '' }); }
  await list();
  await cast(found.book.id);
}

async function take_file(file) {
  if (!file) return;
  if (file.size > MOST) { say('problem', SAY['book.too_large']); return; }
  const bytes = new Uint8Array(await file.arrayBuffer());
  let packed = '';
  for (let at = 0; at < bytes.length; at += 32768) packed += String.fromCharCode(...bytes.subarray(at, at + 32768));
  const dot = file.name.lastIndexOf('.');
  await put({ kind: dot < 0 ? '' : file.name.slice(dot + 1), title: dot < 0 ? file.name : file.name.slice(0, dot), data: btoa(packed) });
}

function chooser(role, told, chosen, may_skip) {
  const label = make('label', '', role || SAY['book.narrator']);
  if (told) label.append(make('small', '', told));
  const select = make('select');
  select.dataset.role = role;
  if (may_skip) select.append(new Option(SAY['book.as_text'], ''));
  for (const each of people) select.append(new Option(each.called, each.id, false, each.id === chosen));
  label.append(select);
  return label;
}

async function cast(id, quietly = false) {
  const found = await deed('problem', ask(`books/${id}`));
  if (!found?.inside) return;
  const { chapters, characters, speakers, left_out } = found.inside;
  desk.set({ cast: id });
  await voices();
  $('cast-title').textContent = found.book.title;
  $('about').textContent = fill(SAY['book.about'], { chapters: chapters.length, characters: characters.toLocaleString() });
  $('left-out').textContent = left_out.length ? fill(SAY['book.left_out'], { what: left_out.join(' · ') }) : '';
  const names = Object.entries(speakers).slice(0, 20);
  const real = names.filter(([, count]) => count > 1).length ? (count) => count > 1 : () => names.length > 1;
  $('roles').replaceChildren(chooser('', '', people[0]?.id, false), ...names.map(([name, count], number) =>
    chooser(name, fill(SAY['book.lines'], { count }), real(count) ? people[(number + 1) % people.length]?.id : '', true)));
  $('cast').hidden = false;
  if (!quietly) $('cast-title').focus();
}

async function begin(event) {
  event.preventDefault();
  const chosen = Object.fromEntries([...$('roles').querySelectorAll('select')].map((each) => [each.dataset.role, each.value]));
  const id = state.cast;
  const wish = { voices: chosen, language: $('language').value, speed: $('speed').valueAsNumber };
  const done = await busy($('begin'), () => deed('cast-problem', ask(`books/${id}/begin`, 'POST', wish)));
  if (!done) return;
  $('cast').hidden = true;
  desk.set({ cast: '' });
  await deed('problem', ask(`books/${id}/go`, 'POST', {}));
  await open(id);
}

// ------------------------------------------------------------------------------------------------------ the list
const told = (book) => {
  if (!book.whole) return SAY['book.not_begun'];
  if (book.done === book.whole) return fill(SAY['book.done'], { count: book.whole });
  return fill(book.going ? SAY['book.going'] : SAY['book.waits'], book);
};

function drawn(book) {
  const item = make('li', 'take');
  item.dataset.id = book.id;
  const head = make('div', 'take-row');
  const words = make('div', 'take-about');
  words.append(make('b', '', book.title), make('small', 'book-told', told(book)));
  head.append(words);
  const bar = make('progress');
  Object.assign(bar, { max: Math.max(1, book.whole), value: book.done });
  bar.setAttribute('aria-label', fill(SAY['book.progress'], book));
  const row = make('div', 'deeds');
  const named = (text) => ({ label: `${text}: ${book.title}` });
  if (!book.whole) row.append(button(SAY['book.who'], () => cast(book.id), { kind: 'main', ...named(SAY['book.who']) }));
  else row.append(button(SAY['book.open'], () => open(book.id), named(SAY['book.open'])));
  if (book.going) row.append(button(SAY['book.stop'], () => turn(book, 'stop'), named(SAY['book.stop'])));
  else if (book.done < book.whole) row.append(button(SAY['book.go'], () => turn(book, 'go'), { kind: 'main', ...named(SAY['book.go']) }));
  row.append(button(SAY['take.delete'], () => remove(book, item), named(SAY['take.delete'])));
  item.append(head, ...(book.whole ? [bar] : []), row);
  if (book.problem) {
    const box = make('div', 'notice');
    box.setAttribute('role', 'alert');
    box.append(make('p', 'problem', book.problem));
    item.append(box);
  }
  return item;
}

async function turn(book, way) {
  if (await deed('problem', ask(`books/${book.id}/${way}`, 'POST', {}))) await list();
  $('list').querySelector(`[data-id="${book.id}"] button:nth-child(2)`)?.focus();
}

async function remove(book, item) {
  if (!(await deed('problem', ask(`books/${book.id}`, 'DELETE')))) return;
  if (state.open === book.id) close();
  const gone = make('li', 'take take-row', fill(SAY['take.deleted'], { name: book.title }));
  const undo = button(SAY['take.undo'], async () => {
    if (!(await deed('problem', ask(`books/${book.id}/restore`, 'POST')))) return;
    await list();
    $('list').querySelector(`[data-id="${book.id}"] button`)?.focus();
  });
  gone.append(undo);
  item.replaceWith(gone);
  undo.focus();
}

let signature = '';
async function list() {
  const found = await ask('books').catch(() => null);
  clearTimeout(timer);
  if (!found && books.some((book) => book.going)) timer = setTimeout(watch, 3000); // the studio is starting again
  if (!found) return;
  books = found.books;
  const now = JSON.stringify(books.map(({ done, ...rest }) => rest));
  if (now !== signature) $('list').replaceChildren(...books.map(drawn));
  signature = now;
  for (const book of books) {
    const item = $('list').querySelector(`[data-id="${book.id}"]`);
    if (!item) continue;
    item.querySelector('.book-told').textContent = told(book);
    item.querySelector('progress')?.setAttribute('value', book.done);
  }
  $('books').hidden = !books.length;
  if (books.some((book) => book.going)) timer = setTimeout(watch, 1500); // nothing moves: nobody asks
}

async function watch() {
  const before = books.find((book) => book.id === state.open)?.done;
  if (document.visibilityState === 'visible' && element.offsetParent) await list();
  else timer = setTimeout(watch, 3000);
  const now = books.find((book) => book.id === state.open);
  if (now && now.done !== before) chapter(true);
}

// --------------------------------------------------------------------------------------------------- its sentences
async function open(id) {
  desk.set({ open: id, chapter: id === state.open ? state.chapter : 0 });
  await list();
  if (await chapter()) $('open-title').focus();
}

function close() {
  silence();
  desk.set({ open: '' });
  $('open').hidden = true;
}

async function chapter(quietly = false) {
  const found = await deed('open-problem', ask(`books/${state.open}?chapter=${state.chapter}`));
  if (!found?.sentences) return false;
  about = found;
  if ($('open-title').textContent !== found.title) $('open-title').textContent = found.title;
  $('chapter').replaceChildren(...found.chapters.map((title, number) =>
    new Option(title || fill(SAY['book.number'], { number: number + 1 }), number, false, number === state.chapter)));
  if (!quietly || !element.querySelector('.sentence.edited')) draw_sentences(found.sentences);
  if (named !== state.open) [$('name').value, $('author').value] = [found.title, found.author];
  named = state.open;
  draw_doubted();
  if ($('open').hidden) shown_files(found.book.made);
  $('open').hidden = false;
  return true;
}

function draw_sentences(fresh) {
  const old = new Map(sentences.map((each) => [each.number, JSON.stringify(each)]));
  const same = fresh.length === sentences.length && fresh.every((each) => old.has(each.number));
  if (!same) $('sentences').replaceChildren(...fresh.map(sentence));
  else for (const each of fresh) if (old.get(each.number) !== JSON.stringify(each)) row_of(each.number).replaceWith(sentence(each));
  sentences = fresh;
  mark();
}

// What the studio's own ears doubt: counted over the whole book, found one after another, said again in one go.
let mending = false;
const again_helps = () => about.doubted.filter(([, , doubt]) => doubt !== 'left-out'); // nobody can read what was left out
function draw_doubted() {
  const { doubted } = about;
  if ($('doubted').contains(document.activeElement) && !doubted.length) $('open-title').focus();
  $('doubted').hidden = !doubted.length;
  $('doubted-told').textContent = fill(SAY['book.doubted'], { count: doubted.length });
  $('doubted-again').hidden = !mending && !again_helps().length;
  $('doubted-again').textContent = mending ? SAY['book.stop'] : SAY['book.doubted_again'];
}
$('doubted-next').addEventListener('click', async () => {
  const here = sentences.some((each) => each.number === playing) ? playing : (sentences[0]?.number ?? 0) - 1;
  const [number, chapter_] = about.doubted.find(([each]) => each > here) ?? about.doubted[0];
  if (chapter_ !== state.chapter) { desk.set({ chapter: chapter_ }); if (!(await chapter())) return; }
  row_of(number)?.scrollIntoView({ block: 'center' });
  await play(number, false);
  row_of(number)?.querySelector('.take-line').focus();
});
$('doubted-again').addEventListener('click', async () => {
  mending = !mending;
  for (const [number] of mending ? again_helps() : []) {
    draw_doubted();
    if (!mending || !(await change(number, {}))) break;
  }
  mending = false;
  draw_doubted();
});

const row_of = (number) => $('sentences').querySelector(`[data-number="${number}"]`);

function sentence(each) {
  const item = make('li', 'sentence');
  item.dataset.number = each.number;
  const line = make('button', 'take-line');
  line.type = 'button';
  if (each.role) line.append(make('b', '', `${each.role} `));
  line.append(each.text.replace(/(\*{1,3})(\S(?:.*?\S)?)\1/g, '$2')); // *so* a text stresses words
  line.disabled = !each.heard;
  line.addEventListener('click', () => play(each.number, false));
  const row = make('span', 'deeds');
  if (each.takes.length > 1) {
    const takes = make('select');
    takes.setAttribute('aria-label', fill(SAY['book.take_of'], each));
    for (const take of each.takes) takes.append(new Option(fill(SAY['book.take'], { take }), take, false, take === each.heard));
    takes.addEventListener('change', async () => { if (await change(each.number, { take: Number(takes.value) })) play(each.number, false); });
    row.append(takes);
  }
  if (each.heard) row.append(button(SAY['take.again'], async (pressed) => {
    if (await busy(pressed, () => change(each.number, {}))) { play(each.number, false); row_of(each.number).querySelector('.deeds button').focus(); }
  }, { label: fill(SAY['take.again_line'], { number: each.number }) }));
  row.append(button(SAY['book.edit'], () => edit(each, item), { label: fill(SAY['book.edit_line'], each) }));
  item.append(line, row);
  if (each.doubt) item.append(make('p', 'review-note', each.doubt === 'left-out' ? SAY['book.doubt_left_out'] : SAY['book.doubt']));
  return item;
}

async function change(number, wish) {
  const done = await deed('open-problem', ask(`books/${state.open}/sentences/${number}`, 'POST', wish));
  if (!done) return false;
  sentences = sentences.map((each) => (each.number === number ? done.sentence : each));
  about.doubted = about.doubted.filter(([each]) => each !== number);
  if (done.sentence.doubt) about.doubted = [...about.doubted, [number, done.sentence.chapter, done.sentence.doubt]].sort(([a], [b]) => a - b);
  draw_doubted();
  const row = row_of(number);
  if (!row?.classList.contains('edited')) row?.replaceWith(sentence(done.sentence)); // who writes there goes on
  shown_files([]);
  mark();
  return true;
}

function edit(each, item) {
  item.classList.add('edited');
  const label = make('label', 'tall', fill(SAY['book.edit_line'], each));
  const area = make('textarea');
  area.value = each.text;
  area.rows = 3;
  label.append(area);
  const row = make('span', 'deeds');
  const back = () => { const fresh = sentence(each); item.replaceWith(fresh); fresh.querySelector('.deeds button:last-child').focus(); };
  row.append(button(SAY['book.save'], async (pressed) => {
    item.classList.remove('edited');
    if (await busy(pressed, () => change(each.number, { text: area.value }))) { play(each.number, false); row_of(each.number).querySelector('.deeds button:last-child').focus(); }
    else item.classList.add('edited');
  }, { kind: 'main' }), button(SAY['book.leave'], back));
  item.replaceChildren(label, row);
  item.addEventListener('keydown', (event) => { if (event.key === 'Escape') back(); });
  area.focus();
}

// ------------------------------------------------------------------------------------------------------- the sound
function mark() {
  element.querySelectorAll('.sentence').forEach((each) =>
    each.querySelector('.take-line')?.classList.toggle('sounding', Number(each.dataset.number) === playing && !tape.paused));
  $('play').textContent = running ? SAY['book.pause'] : SAY['book.play'];
}

function silence() {
  running = false;
  tape.pause();
  mark();
}

async function play(number, on) {
  const each = sentences.find((other) => other.number === number);
  if (!each?.heard) { silence(); return; }
  window.dispatchEvent(new CustomEvent('studio-silence', { detail: tape }));
  playing = number;
  running = on;
  tape.src = own(`books/${state.open}/sentences/${number}/${each.heard}.flac`);
  await tape.play().catch((error) => { if (error.name !== 'AbortError') silence(); });
  mark();
}

tape.addEventListener('ended', async () => {
  const was = sentences.find((each) => each.number === playing);
  mark();
  if (!running || !was) return;
  await new Promise((done) => setTimeout(done, was.pause * 1000));
  if (!running) return;
  const next = sentences.find((each) => each.number === playing + 1);
  if (next) { row_of(next.number)?.scrollIntoView({ block: 'nearest' }); play(next.number, true); return; }
  if (state.chapter + 1 < about.chapters.length) {
    desk.set({ chapter: state.chapter + 1 });
    if (await chapter()) { play(sentences[0]?.number, true); return; }
  }
  silence();
});
$('play').addEventListener('click', () => {
  if (running) { silence(); return; }
  const last = sentences.find((each) => each.number === playing);
  play((last ?? sentences[0])?.number, true);
});
window.addEventListener('studio-silence', (event) => { if (event.detail !== tape) silence(); });

// ------------------------------------------------------------------------------------------------------- the file
function shown_files(made) {
  $('files').replaceChildren(...made.map((kind) => {
    const link = make('a', '', kind.toUpperCase());
    link.href = own(`books/${state.open}/made.${kind}`);
    link.download = '';
    link.setAttribute('aria-label', fill(SAY['take.download'], { kind: kind.toUpperCase() }));
    return link;
  }));
  if (!made.length) $('made').textContent = '';
}

$('make').addEventListener('click', async () => {
  $('made').textContent = SAY['book.making'];
  const wish = { kind: $('kind').value, title: $('name').value, author: $('author').value };
  const made = await busy($('make'), () => deed('make-problem', ask(`books/${state.open}/make`, 'POST', wish)));
  $('made').textContent = made ? fill(SAY['book.made'], { time: clock(made.seconds), loudness: made.loudness.toFixed(1), chapters: made.chapters }) : '';
  if (made) { shown_files(made.made); $('files').querySelector('a').focus(); }
});

// ------------------------------------------------------------------------------------------------------ the wiring
async function voices() {
  const found = await ask('voices').catch(() => null);
  if (!found) return;
  people = listed(found).filter((each) => !each.closed);
}
$('text').addEventListener('input', () => desk.set({ text: $('text').value }));
$('put').addEventListener('click', async () => {
  await ready;
  if (!$('text').value.trim()) { say('problem', SAY['book.need_text']); $('text').focus(); return; }
  put({ text: $('text').value });
});
$('choose').addEventListener('click', () => $('file').click());
$('file').addEventListener('change', async () => { await take_file($('file').files[0]); $('file').value = ''; });
for (const kind of ['dragover', 'drop']) {
  element.addEventListener(kind, (event) => {
    const file = event.dataTransfer.files[0];
    if (![...event.dataTransfer.types].includes('Files') || (file && !$('file').accept.includes(`.${file.name.split('.').pop().toLowerCase()}`))) return;
    event.preventDefault();
    if (kind === 'drop') take_file(file);
  });
}
$('new').addEventListener('submit', (event) => event.preventDefault());
$('cast').addEventListener('submit', begin);
$('cancel').addEventListener('click', () => { $('cast').hidden = true; desk.set({ cast: '' }); $('text').focus(); });
$('close').addEventListener('click', () => { const id = state.open; close(); $('list').querySelector(`[data-id="${id}"] button`)?.focus(); });
$('chapter').addEventListener('change', () => { silence(); playing = null; desk.set({ chapter: Number($('chapter').value) }); chapter(); });
$('kind').addEventListener('change', () => desk.set({ kind: $('kind').value }));
$('speed').addEventListener('input', () => { $('speed').nextElementSibling.textContent = `${$('speed').valueAsNumber.toFixed(2)} ×`; });
window.addEventListener('studio-books', list);

const ready = (async () => {
  await desk.open();
  $('text').value ||= state.text;
  $('kind').value = state.kind;
  await list();
  if (state.open && books.some((book) => book.id === state.open)) await chapter();
  if (state.cast && books.some((book) => book.id === state.cast && !book.whole)) await cast(state.cast, true);
  element.dataset.ready = 'true';
})();
