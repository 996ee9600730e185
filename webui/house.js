// What lies where, how large it is, and what the computer gives.
const $ = (id) => element.querySelector(`#house-${id}`);
const NAMES = {
  takes: SAY['house.takes'], narrations: SAY['house.narrations'], desk: SAY['house.desk'], receipts: SAY['house.receipts'],
  intake: SAY['house.intake'], jobs: SAY['house.jobs'], models: SAY['house.models'], cache: SAY['house.cache'],
};
const KINDS = { narrations: SAY['house.half'], takes: SAY['house.open'], desk: SAY['house.open'], intake: SAY['house.open'], jobs: SAY['house.open'] };

function row(name, kind, bytes) {
  const made = make('tr');
  const head = make('th', '', name);
  head.scope = 'row';
  made.append(head, make('td', '', kind), make('td', '', bytes_in_words(bytes)));
  return made;
}

async function look() {
  const found = await ask('house').catch(() => null);
  if (!found || found.problem) return;
  $('folder').hidden = !found.folder;
  if (found.folder) $('folder').textContent = fill(SAY['house.folder'], { folder: found.folder, free: bytes_in_words(found.free) });
  $('places').querySelector('tbody').replaceChildren(
    ...listed({ own: found.voices }).map((each) => row(fill(SAY['house.voice'], { name: each.called }), SAY['house.sealed'], each.bytes)),
    ...Object.entries(found.places).filter(([, bytes]) => bytes).map(([name, bytes]) => row(NAMES[name], KINDS[name] ?? '', bytes)));
  const facts = [
    [SAY['house.device'], found.device === 'cpu' ? SAY['house.processor'] : found.device.toUpperCase()],
    [SAY['house.threads'], found.threads],
    ...(found.memory ? [[SAY['settings.memory'], bytes_in_words(found.memory)]] : []),
    [SAY['house.waiting'], found.waiting],
    [SAY['house.words'], found.words],
    [SAY['house.languages'], SAY['house.spoken']],
    [SAY['house.accounts'], found.accounts || SAY['house.alone']],
  ];
  $('facts').replaceChildren(...facts.flatMap(([name, value]) => [make('dt', '', name), make('dd', '', String(value))]));
  $('own').hidden = !found.folder;
  if (!found.folder) return;
  $('threads').replaceChildren(new Option(fill(SAY['house.all'], { count: found.cores }), 0), ...Array.from({ length: found.cores - 1 }, (_, n) => new Option(n + 1)));
  $('base').replaceChildren(...found.usable.map((name) => new Option(name)));
  $('device').value = found.chosen.device;
  $('threads').value = found.chosen.threads;
  $('device').parentElement.hidden = found.device === 'cpu' && !found.chosen.device; // there is nothing to choose
}

async function done(place, wish, said) {
  $('problem').replaceChildren();
  const answer = await ask(place, 'POST', wish).catch(() => ({ problem: SAY['app.unexpected'] }));
  if (answer.problem) $('problem').append(make('p', 'problem', answer.problem));
  $('told').textContent = answer.problem ? '' : said(answer);
}
for (const each of ['device', 'threads']) {
  $(each).addEventListener('change', () => done('house', { device: $('device').value, threads: Number($('threads').value) }, () => SAY['house.next_start']));
}
$('measure').addEventListener('click', async () => {
  $('told').textContent = SAY['house.measuring'];
  const base = $('base').value;
  await busy($('measure'), () => done('house/pace', { base }, ({ pace }) => fill(SAY['house.paced'], { name: base, pace: pace.toFixed(1) })));
});
window.addEventListener('studio-house', look);
look();
