// The table of pieces. `props.value` is {id, rows, words}; `server` hears, corrects and drops. One sound plays at a time.
const body = element.querySelector('tbody');
const audio = element.querySelector('audio');
const pager = element.querySelector('.review-pager');
const count = element.querySelector('.review-count');
const sum = element.querySelector('.review-sum');
const SIZE = 12;
let first = 0, shown = null, playing = null;

const address = (file) => `./gradio_api/file=${file.split('/').map(encodeURIComponent).join('/')}`;
const make = (tag, name, text) => {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const time = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

function doubts(row) {
  const words = props.value.words;
  const parts = row.wrong.map(([a, b]) => `“${row.text.slice(a, b)}”`);
  const lines = [];
  if (row.problem) lines.push(row.problem);
  if (!row.kept && row.reason) lines.push(row.reason);
  else if (row.level === 'doubtful' && row.kept) lines.push(words.unfit);
  if (parts.length) lines.push(words.wrong.replace('{words}', parts.join(', ')));
  if (row.more) lines.push(words.more);
  return lines.join(' ');
}

function draw(line, row) {
  const words = props.value.words;
  line.className = `review-row ${row.kept ? row.level : 'out'}`;
  line.querySelector('.review-mark').textContent = row.kept ? words[row.level] : words.out;
  line.querySelector('.review-note').textContent = doubts(row);
  line.querySelector('input').checked = row.kept;
}

async function correct(row, line, change) {
  line.setAttribute('aria-busy', 'true');
  const answer = await server.correct({ draft: props.value.id, number: row.number, ...change });
  Object.assign(row, { problem: '' }, answer);
  line.removeAttribute('aria-busy');
  draw(line, row);
  total();
}

async function play(row, button) {
  if (playing === button && !audio.paused) { audio.pause(); return; }
  document.querySelectorAll('audio').forEach((other) => other.pause());
  const answer = await server.sound({ draft: props.value.id, number: row.number });
  if (!answer.file) return;
  playing = button;
  audio.src = address(answer.file);
  audio.play().catch(() => {});
}
const quiet = () => element.querySelectorAll('.review-play').forEach((b) => b.classList.remove('sounding'));
audio.addEventListener('play', () => { quiet(); if (playing) playing.classList.add('sounding'); });
audio.addEventListener('pause', quiet);

function line(row, number) {
  const words = props.value.words;
  const made = make('tr');
  const sound = make('td');
  const button = make('button', 'review-play');
  button.type = 'button';
  button.setAttribute('aria-label', `${words.play} ${number}`);
  button.append(make('span', 'review-time', time(row.start)));
  button.addEventListener('click', () => play(row, button));
  sound.append(button);
  const text = make('td', 'review-text');
  const field = make('textarea');
  field.value = row.text;
  field.rows = 2;
  field.placeholder = words.no_text;
  field.setAttribute('aria-label', `${words.text} ${number}`);
  field.addEventListener('change', () => { row.text = field.value; correct(row, made, { text: field.value }); });
  text.append(field, make('p', 'review-note'));
  const language = make('td');
  const choice = make('select');
  choice.setAttribute('aria-label', `${words.language} ${number}`);
  Object.entries(words.languages).forEach(([code, name]) => {
    const option = make('option', '', name);
    option.value = code;
    option.selected = code === row.language;
    choice.append(option);
  });
  choice.addEventListener('change', () => correct(row, made, { language: choice.value }));
  language.append(choice);
  const keep = make('td');
  const label = make('label', 'review-keep');
  const box = make('input');
  box.type = 'checkbox';
  box.setAttribute('aria-label', `${words.keep} ${number}`);
  box.addEventListener('change', () => correct(row, made, { kept: box.checked }));
  label.append(box, make('span', 'review-mark'));
  keep.append(label);
  made.append(sound, text, language, keep);
  draw(made, row);
  return made;
}

function total() {
  const rows = props.value.rows.filter((row) => row.kept);
  const seconds = rows.reduce((all, row) => all + row.end - row.start, 0);
  sum.textContent = props.value.words.sum.replace('{count}', rows.length).replace('{seconds}', Math.round(seconds));
}

function show() {
  const value = props.value;
  element.querySelector('.review').hidden = !value;
  if (!value) { audio.pause(); body.replaceChildren(); shown = null; return; }
  if (value.id !== shown) first = 0;
  shown = value.id;
  body.replaceChildren(...value.rows.slice(first, first + SIZE).map((row, k) => line(row, first + k + 1)));
  pager.hidden = value.rows.length <= SIZE;
  count.textContent = `${first + 1}–${Math.min(first + SIZE, value.rows.length)} / ${value.rows.length}`;
  total();
}
element.querySelector('.review-back').addEventListener('click', () => { first = Math.max(0, first - SIZE); show(); });
element.querySelector('.review-on').addEventListener('click', () => {
  if (first + SIZE < props.value.rows.length) first += SIZE;
  show();
});
window.addEventListener('studio-silence', () => audio.pause());
watch('value', show);
show();
