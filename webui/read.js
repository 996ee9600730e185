// "Will be read as": the words that are said, drawn anew while the fold is open; a word that is pressed can be put right.
const read = { fold: $('read'), flow: element.querySelector('.read-flow'), panel: element.querySelector('.read-word'),
  phones: $('phones'), timer: null, asked: 0, word: null };
const part = (name) => read.panel.querySelector(`[data-part="${name}"]`);

function gap(text) { // what stands between two words, without marks such as [pause 0.5]
  return text.replace(/[[【][^\]】]*$|^[^[【]*[\]】]|[[【].*?[\]】]/gsu, '').replace(/[^\p{P}\p{Z}\n]/gu, '').replace(/\s+/g, ' ');
}

function drawn(found) {
  const text = read.text;
  read.flow.replaceChildren();
  let at = 0;
  for (const each of found.words) {
    read.flow.append(gap(text.slice(at, each.start)) || (/\s/.test(text.slice(at, each.start)) ? ' ' : ''));
    const button = make('button', `read-one ${each.why}${each.same ? '' : ' changed'}`, each.said);
    button.type = 'button';
    button.lang = each.language;
    if (!each.same) button.title = text.slice(each.start, each.end);
    if (read.phones.checked) button.append(make('small', '', each.sounds));
    button.addEventListener('click', () => open(each, button));
    read.flow.append(button);
    at = each.end;
  }
  read.flow.append(gap(text.slice(at)));
  if (found.more) read.flow.append(make('p', '', fill(SAY['words.more'], { count: found.more })));
  const said = found.words.find((each) => each.notice)?.notice ?? '';
  element.querySelector('.read-notice').textContent = said;
}

async function reading() {
  clearTimeout(read.timer);
  if (!read.fold.open) return;
  const mine = (read.asked += 1);
  read.text = area.value;
  read.flow.inert = read.panel.hidden = true;
  if (!speakable()) { read.flow.inert = false; read.flow.textContent = SAY['words.nothing']; return; }
  const voice = state.voice === 'clip' ? '' : state.voice;
  const found = await ask('reading', 'POST', { text: read.text, voice, language: state.language }).catch(() => null);
  if (mine !== read.asked || !found) return;
  read.flow.inert = false;
  if (found.problem) read.flow.textContent = found.problem;
  else drawn(found);
}

function open(word, button) {
  read.word = word;
  read.button?.removeAttribute('aria-expanded');
  read.button = button;
  button.setAttribute('aria-expanded', 'true');
  const written = read.text.slice(word.start, word.end);
  part('written').textContent = written;
  part('why').textContent = SAY_WHY[word.why] ?? '';
  part('sounds').textContent = word.sounds;
  part('problem').textContent = '';
  part('new').value = '';
  read.panel.hidden = false;
  part('new').focus();
  others(word, written);
  hear();
}

async function others(word, written) { // ways in which it is read elsewhere; one that is pressed is heard and may be kept
  read.other = '';
  part('other').replaceChildren();
  const found = await ask('other', 'POST', { word: written, sounds: word.sounds, language: word.language }).catch(() => ({}));
  if (read.word !== word) return;
  if (found.other?.length) part('other').append(make('span', '', SAY['words.other']));
  const signs = word.language !== 'en' || read.phones.checked; // pinyin is what people know, ARPAbet for those who ask
  part('other').append(...(found.other ?? []).map((each, number) => {
    const name = signs ? each : fill(SAY['words.other_number'], { number: number + 1 });
    const made = button(`▶ ${name}`, () => {
      read.other = each;
      part('new').value = '';
      pressed_other();
      hear();
    }, { label: fill(SAY['words.hear_other'], { sounds: name }) });
    made.dataset.sounds = each;
    return made;
  }));
  pressed_other();
}

function pressed_other() {
  for (const each of part('other').querySelectorAll('button')) each.setAttribute('aria-pressed', String(each.dataset.sounds === read.other));
}

const wanted_sounds = () => part('new').value.trim() || read.other;
async function corrected(keep) {
  const word = read.text.slice(read.word.start, read.word.end);
  const sounds = wanted_sounds();
  if (!sounds) { part('problem').textContent = SAY['words.need_sounds']; part('new').focus(); return null; }
  const answer = await ask('word', 'POST', { word, sounds, language: read.word.language, keep });
  part('problem').textContent = answer.problem ?? '';
  return answer.problem ? null : answer.mark;
}

async function hear() {
  const { start, end, sounds, language } = read.word;
  const word = read.text.slice(start, end);
  const as_here = async () => (await ask('word', 'POST', { word, sounds, language, keep: false }).catch(() => ({}))).mark ?? word;
  const text = wanted_sounds() ? await corrected(false) : await as_here(); // alone it might be read in another way
  if (!text) return;
  silence();
  speaker.wake();
  attempt({ text }, { quietly: false });
}

async function always() {
  if (!(await corrected(true))) return;
  status.textContent = fill(SAY['words.added'], { word: read.text.slice(read.word.start, read.word.end) });
  area.focus();
  reading();
  replan();
}

async function here_only() {
  const sign = await corrected(false);
  if (!sign || area.value !== read.text) return;
  area.focus();
  insert(read.word.start, read.word.end, sign);
}

const replan = () => { if (whom() && state.voice && speakable()) attempt({ plan: true }, { quietly: true }); };
const SAY_WHY = { dictionary: SAY['words.dictionary'], rule: SAY['words.rule'], number: SAY['words.number'], model: SAY['words.model'],
  lexicon: SAY['words.lexicon'], markup: SAY['words.marked'], guess: SAY['words.guess'] };
read.fold.addEventListener('toggle', reading);
read.phones.addEventListener('change', reading);
area.addEventListener('input', () => { // what is shown no longer holds
  read.flow.inert = true;
  read.panel.hidden = true;
  clearTimeout(read.timer);
  read.timer = setTimeout(reading, 600);
});
$('language').addEventListener('change', reading);
for (const [name, deed] of [['hear', hear], ['here', here_only], ['always', always]]) part(name).addEventListener('click', deed);
part('new').addEventListener('input', () => { read.other = ''; pressed_other(); });
part('new').addEventListener('keydown', (event) => { if (event.key === 'Enter' && !event.ctrlKey) { event.preventDefault(); hear(); } });
part('close').addEventListener('click', () => { read.panel.hidden = true; read.button?.removeAttribute('aria-expanded'); read.button?.focus(); });
