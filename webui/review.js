// The look over the recording: its verdict, its picture, and its pieces to hear and to put right. One sound plays at a time.
const about_it = element.querySelector('#create-verdict'), panel = element.querySelector('#review');
const body = panel.querySelector('tbody'), pager = panel.querySelector('.review-pager'), sum = panel.querySelector('.review-sum');
const sound = element.querySelector('#create-sound');
const SIZE = 12, TYPING = 1200; // rows of a page; ms after the last key until a text is heard again
let first = 0, looked = null, playing = null, looking = 0;

const time = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
const levels = { sure: SAY['review.sure'], unsure: SAY['review.unsure'], doubtful: SAY['review.doubtful'] };
const tongues = { auto: SAY['review.automatic'], zh: SAY['language.zh'], en: SAY['language.en'] };

function play_here(address, button) { // again pressed, it stops
  if (playing === button && !sound.paused) { sound.pause(); return; }
  window.dispatchEvent(new CustomEvent('studio-silence', { detail: sound }));
  mark_playing();
  playing = button;
  sound.src = own(address);
  sound.play().catch(() => {});
}
function mark_playing() {
  element.querySelectorAll('.sounding').forEach((each) => each.classList.remove('sounding'));
  if (playing && !sound.paused) playing.classList.add('sounding');
}
for (const event of ['play', 'pause', 'ended']) sound.addEventListener(event, mark_playing);
window.addEventListener('studio-silence', (event) => { if (event.detail !== sound) sound.pause(); });

// ------------------------------------------------------------------------------------------------------- the verdict
function show_verdict(kind, said, lines = []) {
  const box = make('div', `verdict ${kind}`);
  box.append(make('p', 'verdict-said', said));
  if (lines.length) {
    const list = make('ul');
    list.append(...lines.map((each) => make('li', '', each)));
    box.append(list);
  }
  about_it.replaceChildren(...(said ? [box] : []));
}

// What was recorded is judged at once by its sound, then cut up and matched with its words; only the newest look counts.
async function look_over(review) {
  const mine = (looking += 1);
  show_review(null);
  if (review) { show_review(review); return; }
  show_verdict('working', SAY['review.judging']);
  const patient = async (place) => {
    for (;;) {
      try { return await ask(place, 'POST'); } catch { await later(1500); }
      if (mine !== looking) return { gone: true };
    }
  };
  const judged = await patient('intake/verdict');
  if (mine !== looking || judged.gone) return;
  if (judged.problem) { show_verdict('record_again', judged.problem); return; }
  const said = { good: SAY['review.verdict_good'], usable: SAY['review.verdict_usable'], record_again: SAY['review.verdict_record_again'] };
  show_verdict(judged.verdict, said[judged.verdict], [...judged.advice, SAY['review.matching']]);
  const found = await patient('intake/pieces');
  if (mine !== looking || found.gone) return;
  if (found.problem) show_verdict('record_again', found.problem);
  else show_review(found.review);
}

function show_review(review) {
  looked = review;
  panel.hidden = !review;
  if (!review) { body.replaceChildren(); show_verdict('', ''); return; }
  first = 0;
  show_verdict(review.verdict, review.said, review.lines);
  panel.querySelector('img').src = own(`intake/picture?${review.id}`);
  panel.querySelector('#review-compare').hidden = !review.cleaned;
  show_rows();
}

// ------------------------------------------------------------------------------------------------------ the pieces
function doubts(row) {
  const parts = row.wrong.map(([a, b]) => `“${row.text.slice(a, b)}”`);
  const lines = [];
  if (row.problem) lines.push(row.problem);
  if (!row.kept && row.reason) lines.push(row.reason);
  else if (row.level === 'doubtful' && row.kept) lines.push(SAY['review.reason_unfit']);
  if (parts.length) lines.push(fill(SAY['review.wrong'], { words: parts.join(', ') }));
  if (row.more) lines.push(SAY['review.more']);
  return lines.join(' ');
}

function draw_row(line, row) {
  line.className = `review-row ${row.kept ? row.level : 'out'}`;
  line.querySelector('.review-mark').textContent = row.kept ? levels[row.level] : SAY['review.out'];
  line.querySelector('.review-note').textContent = doubts(row);
  line.querySelector('input').checked = row.kept;
}

async function correct(row, line, change, leaving = false) {
  line.setAttribute('aria-busy', 'true');
  const answer = await ask(`intake/pieces/${row.number}`, 'POST', change, { keepalive: leaving })
    .catch(() => ({ problem: SAY['app.unexpected'] }));
  Object.assign(row, { problem: answer.problem ?? '' }, answer.row ?? {});
  line.removeAttribute('aria-busy');
  draw_row(line, row);
  total();
}

function drawn_row(row, number) {
  const made = make('tr');
  const cell = (...inside) => { const td = make('td'); td.append(...inside); return td; };
  const button = make('button', 'review-play');
  button.type = 'button';
  button.setAttribute('aria-label', `${SAY['review.play']} ${number}, ${time(row.start)}`);
  button.append(make('span', 'review-time', time(row.start)));
  button.addEventListener('click', () => play_here(`intake/pieces/${row.number}/hear`, button));
  const field = make('textarea');
  field.value = row.text;
  field.rows = 2;
  field.placeholder = SAY['review.no_text'];
  field.setAttribute('aria-label', `${SAY['review.text_of']} ${number}`);
  let timer = null;
  const send = (leaving) => {
    clearTimeout(timer);
    timer = null;
    if (field.value === row.text) return;
    row.text = field.value;
    correct(row, made, { text: field.value }, leaving);
  };
  field.addEventListener('input', () => { grow(field); clearTimeout(timer); timer = setTimeout(send, TYPING, false); });
  field.addEventListener('change', () => send(false));
  field.send = () => timer && send(true);
  const choice = make('select');
  choice.setAttribute('aria-label', `${SAY['review.language_of']} ${number}`);
  choice.append(...Object.entries(tongues).map(([code, name]) => new Option(name, code, false, code === row.language)));
  choice.addEventListener('change', () => correct(row, made, { language: choice.value }));
  const label = make('label', 'review-keep');
  const box = make('input');
  box.type = 'checkbox';
  box.setAttribute('aria-label', `${SAY['review.keep']} ${number}`);
  box.addEventListener('change', () => correct(row, made, { kept: box.checked }));
  label.append(box, make('span', 'review-mark'));
  const text = cell(field, make('p', 'review-note'));
  text.className = 'review-text';
  made.append(cell(button), text, cell(choice), cell(label));
  draw_row(made, row);
  return made;
}

function total() {
  const rows = looked.rows.filter((row) => row.kept);
  const seconds = rows.reduce((all, row) => all + row.end - row.start, 0);
  sum.textContent = fill(SAY['review.sum'], { count: rows.length, seconds: Math.round(seconds) });
}

function show_rows() {
  const { rows } = looked;
  body.replaceChildren(...rows.slice(first, first + SIZE).map((row, k) => drawn_row(row, first + k + 1)));
  pager.hidden = rows.length <= SIZE;
  panel.querySelector('.review-count').textContent = `${first + 1}–${Math.min(first + SIZE, rows.length)} / ${rows.length}`;
  all_grow();
  total();
}
const all_grow = () => body.querySelectorAll('textarea').forEach(grow);
panel.querySelector('details').addEventListener('toggle', all_grow);
window.addEventListener('resize', all_grow);
pager.querySelector('.review-back').addEventListener('click', () => { first = Math.max(0, first - SIZE); show_rows(); });
pager.querySelector('.review-on').addEventListener('click', () => { if (first + SIZE < looked.rows.length) first += SIZE; show_rows(); });
panel.querySelectorAll('[data-heard]').forEach((button) => button.addEventListener('click',
  () => play_here(`intake/heard/${button.dataset.heard}`, button)));
window.addEventListener('pagehide', () => body.querySelectorAll('textarea').forEach((field) => field.send()));
