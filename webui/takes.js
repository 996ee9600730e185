// The takes under the text: each that was spoken in full, played by one sound element without the browser's controls.
const box = $('takes'), shelf = element.querySelector('.takes'), tape = box.querySelector('audio');
let takes = [], playing = null, stopAt = Infinity, queue = [], address = '';

const titled = (take) => take.name || take.text.replace(/\s+/g, ' ').replace(/^(.{59}).{2,}$/u, '$1…');
const about = (take) => [take.voice_name, new Date(take.created).toLocaleString(document.documentElement.lang,
  { dateStyle: 'medium', timeStyle: 'short' }), clock(take.seconds)].filter(Boolean).join(' · ');

// ------------------------------------------------------------------------------------------------------ the sound
async function play(take, from = 0, upTo = Infinity) {
  window.dispatchEvent(new CustomEvent('studio-silence', { detail: tape }));
  if (playing !== take.id) {
    const answer = await fetch(own(`takes/${take.id}/hear.wav`));
    if (!answer.ok) { say((await answer.json()).problem); return; }
    URL.revokeObjectURL(address);
    address = URL.createObjectURL(await answer.blob());
    tape.src = address;
    playing = take.id;
  }
  stopAt = upTo;
  tape.currentTime = from;
  await tape.play().catch(() => {});
}

function pause() {
  tape.pause();
  shown_state();
}

function shown_state() {
  for (const item of shelf.querySelectorAll('.take')) {
    const mine = item.dataset.id === playing;
    const runs = mine && !tape.paused;
    const toggle = item.querySelector('.take-play');
    if (!toggle) continue;
    toggle.textContent = runs ? '❚❚' : '▶';
    toggle.setAttribute('aria-label', fill(runs ? SAY['take.pause'] : SAY['take.play'], { name: item.dataset.title }));
    const place = item.querySelector('.take-place');
    if (mine && tape.duration && document.activeElement !== place) place.value = tape.currentTime;
    item.querySelectorAll('.take-line').forEach((line) => line.classList.toggle('sounding',
      runs && tape.currentTime >= Number(line.dataset.from) && tape.currentTime < Number(line.dataset.to)));
  }
}

tape.addEventListener('timeupdate', () => {
  if (tape.currentTime >= stopAt) { stopAt = Infinity; tape.pause(); }
  shown_state();
});
for (const event of ['play', 'pause']) tape.addEventListener(event, shown_state);
tape.addEventListener('ended', () => {
  const next = queue.shift();
  if (next) play(next);
});

// ------------------------------------------------------------------------------------------------------ the deeds
async function deed(work) {
  say('');
  const answer = await work.catch(() => ({ problem: SAY['app.unexpected'] }));
  if (answer.problem) say(answer.problem);
  return answer.problem ? null : answer.take;
}

function put(take) {
  const at = takes.findIndex((each) => each.id === take.id);
  if (at >= 0) takes[at] = { ...takes[at], ...take };
}

async function remove(take, item) {
  if (playing === take.id) tape.pause();
  if (!(await deed(ask(`takes/${take.id}`, 'DELETE')))) return;
  take.gone = true;
  const gone = gone_row(take);
  item.replaceWith(gone);
  gone.querySelector('button').focus();
  count();
}

function gone_row(take) {
  const gone = make('li', 'take take-row', fill(SAY['take.deleted'], { name: titled(take) }));
  gone.append(button(SAY['take.undo'], async () => {
    if (!(await deed(ask(`takes/${take.id}/restore`, 'POST')))) return;
    take.gone = false;
    const back = drawn_take(take);
    gone.replaceWith(back);
    count();
    shown_state();
    back.querySelector('.take-play').focus();
  }));
  return gone;
}

async function say_again(take, number, pressed) {
  status.textContent = SAY['take.saying'];
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
  const made = await busy(pressed, () => deed(ask(`takes/${take.id}/again`, 'POST', { line: number, seed })));
  status.textContent = '';
  if (!made) return;
  pressed.closest('details').open = false;
  const fold = arrived(made).querySelector('details');
  fold.addEventListener('toggle', () => fold.querySelectorAll('.take-lines li')[number].querySelector('button:last-child').focus(), { once: true });
  fold.open = true; // one goes on where one is
  play(made, made.lines[number].from, made.lines[number].to);
  status.textContent = SAY['take.said'];
}

// ------------------------------------------------------------------------------------------------------ the list
function inside(take) {
  const more = make('details', 'more');
  more.append(make('summary', '', SAY['take.open']));
  more.addEventListener('toggle', () => {
    if (!more.open || more.children.length > 1) return;
    const name = make('label', 'tall', SAY['take.name']);
    const input = make('input');
    input.type = 'text';
    input.maxLength = 80;
    input.value = take.name;
    input.addEventListener('change', async () => {
      const changed = await deed(ask(`takes/${take.id}`, 'POST', { name: input.value }));
      if (!changed) return;
      put(changed);
      Object.assign(take, changed);
      const item = more.closest('.take');
      item.dataset.title = item.querySelector('b').textContent = titled(take);
      shown_state();
    });
    name.append(input);
    const lines = make('ol', 'take-lines');
    take.lines.forEach((line, number) => {
      const row = make('li');
      const hear = button(line.text.replace(/\s+/g, ' '), () => play(take, line.from, line.to), { kind: 'take-line' });
      Object.assign(hear.dataset, { from: line.from, to: line.to });
      row.append(hear);
      if (take.voice) row.append(button(SAY['take.again'], (pressed) => say_again(take, number, pressed),
        { label: fill(SAY['take.again_line'], { number: number + 1 }) }));
      lines.append(row);
    });
    const file_row = make('div', 'take-files');
    for (const kind of ['wav', 'flac', 'mp3', 'opus', 'srt', 'vtt']) {
      const link = make('a', '', kind.toUpperCase());
      link.href = own(`takes/${take.id}/take.${kind}`);
      link.download = '';
      link.setAttribute('aria-label', fill(SAY['take.download'], { kind: kind.toUpperCase() }));
      file_row.append(link);
    }
    const drawing = make('div', 'wave-box');
    const deeds = make('div', 'deeds');
    if (shares()) deeds.append(button(SAY['take.share'], () => share(take)));
    deeds.append(button(SAY['take.copy'], async (pressed) => {
      await navigator.clipboard.writeText(take.text).then(() => { pressed.textContent = SAY['take.copied']; }, () => say(SAY['app.unexpected']));
    }), button(SAY['take.text'], () => {
      area.focus();
      insert(0, area.value.length, take.text);
    }), button(SAY['take.delete'], () => remove(take, more.closest('.take'))));
    more.append(drawing, name, lines, file_row, deeds);
    picture(take, drawing);
    shown_state();
  });
  return more;
}

function drawn_take(take) {
  const item = make('li', 'take');
  item.dataset.id = take.id;
  item.dataset.title = titled(take);
  const row = make('div', 'take-row');
  const told = make('div', 'take-about');
  told.append(make('b', '', titled(take)), make('small', '', about(take)));
  const star = button(take.starred ? '★' : '☆', async () => {
    const changed = await deed(ask(`takes/${take.id}`, 'POST', { starred: !take.starred }));
    if (!changed) return;
    Object.assign(take, changed);
    star.textContent = take.starred ? '★' : '☆';
    star.setAttribute('aria-pressed', String(take.starred));
  }, { kind: 'round', label: SAY['take.star'] });
  star.setAttribute('aria-pressed', String(take.starred));
  const tick = make('label', 'tick');
  const box_of = make('input');
  box_of.type = 'checkbox';
  box_of.checked = Boolean(take.ticked);
  box_of.setAttribute('aria-label', fill(SAY['take.tick'], { name: titled(take) }));
  box_of.addEventListener('change', () => { take.ticked = box_of.checked; count(); });
  tick.append(box_of);
  const toggle = button('▶', () => {
    queue = [];
    playing === take.id && !tape.paused ? pause() : play(take, playing === take.id && !tape.ended ? tape.currentTime : 0);
  }, { kind: 'round take-play' });
  row.append(toggle, told, star, tick);
  const place = make('input', 'take-place');
  place.type = 'range';
  Object.assign(place, { min: 0, max: take.seconds, step: 0.1, value: 0 });
  place.setAttribute('aria-label', SAY['take.place']);
  place.addEventListener('change', () => play(take, place.valueAsNumber));
  item.append(row, place, inside(take));
  return item;
}

function count() {
  const left = takes.filter((take) => !take.gone);
  box.hidden = !takes.length;
  $('another').hidden = !left.length;
  $('compare').disabled = left.filter((take) => take.ticked).length < 2;
  $('more-takes').hidden = takes.length <= shelf.childElementCount;
}

function arrived(take) {
  takes.unshift(take);
  const item = drawn_take(take);
  shelf.prepend(item);
  count();
  shown_state();
  return item;
}

function more_takes(further) { // below those that are shown, which stay as they are
  const from = shelf.childElementCount;
  shelf.append(...takes.slice(from, from + further).map((take) => (take.gone ? gone_row(take) : drawn_take(take))));
  count();
  shown_state();
  return shelf.children[from];
}

$('compare').addEventListener('click', () => {
  queue = takes.filter((take) => take.ticked && !take.gone);
  play(queue.shift());
});
$('more-takes').addEventListener('click', () => more_takes(20)?.querySelector('button').focus());
window.addEventListener('studio-take', (event) => arrived(event.detail));
window.addEventListener('studio-silence', (event) => { if (event.detail !== tape) { queue = []; tape.pause(); } });
ask('takes').then((answer) => { takes = answer.takes ?? []; more_takes(8); }).catch(() => {});
