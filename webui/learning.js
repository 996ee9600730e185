// What is being learnt: a card for each job, drawn whenever the page (watch.js) has looked at them.
const shelf_of_jobs = element.querySelector('#create-jobs');
const look = () => window.studio_watch.look();
let queue_of_samples = [];

// ----------------------------------------------------------------------------------------------------------- the curve
function curve_of(curves) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 100 30');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  Object.values(curves).forEach((points, n) => {
    if (points.length < 2) return;
    const values = points.map(([, value]) => value), low = Math.min(...values), high = Math.max(...values);
    const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
    line.setAttribute('points', points.map(([at, value]) => `${(at * 100).toFixed(2)},${(28 - ((value - low) / (high - low || 1)) * 26).toFixed(2)}`).join(' '));
    line.setAttribute('class', `curve-${n}`);
    svg.append(line);
  });
  return svg;
}

function draw_curve(box, curves) {
  const whole = Object.entries(curves).filter(([, points]) => points.length > 1);
  box.hidden = !whole.length;
  if (!whole.length) return;
  const told = whole.map(([kind, points]) => fill(SAY['job.curve_told'], { stage: kind, from: points[0][1].toFixed(2), to: points.at(-1)[1].toFixed(2) }));
  const names = make('figcaption');
  names.append(...told.map((each, n) => make('span', `curve-name-${n}`, each)));
  box.replaceChildren(curve_of(Object.fromEntries(whole)), names);
}

// ------------------------------------------------------------------------------------------------------------ a card
function plain_button(text, deed, main = false) {
  const made = make('button', main ? 'main' : '', text);
  made.type = 'button';
  made.addEventListener('click', () => deed(made));
  return made;
}

async function deed_on(job, deed) {
  const answer = await ask(`learning/${job.id}/${deed}`, 'POST').catch(() => ({ problem: SAY['app.unexpected'] }));
  const place = shelf_of_jobs.querySelector(`[data-job="${job.id}"] .notice`);
  place?.replaceChildren(...(answer.problem ? [make('p', 'problem', answer.problem)] : []));
  if (!answer.problem) await look();
  return !answer.problem;
}

async function put_job_away(job, deed) { // with the same recording, or altogether; both can be undone for a day
  const again = deed === 'again';
  const sure = await certain(again ? SAY['job.again_title'] : SAY['job.away_title'],
    fill(again ? SAY['job.again_asks'] : SAY['job.away_asks'], { name: job.name, percent: job.percent }), again ? SAY['job.again'] : SAY['job.away']);
  if (!sure || !(await deed_on(job, deed))) return;
  if (again) await open_intake();
  offer_undo(fill(SAY['job.gone'], { name: job.name }), async () => {
    if (again) await ask('intake/away', 'POST');
    if (await ask(`learning/${job.id}/back`, 'POST').then((answer) => !answer.problem)) await look();
    if (again) await open_intake();
  });
}

function samples_of(job) {
  const row = make('div', 'samples');
  const all = [...job.samples.map((percent) => [`${percent} %`, `learning/${job.id}/${percent}.wav`]),
    ...(job.voice ? [[SAY['job.ready_sample'], `learning/${job.id}/ready.wav`]] : [])];
  if (!all.length) return row;
  row.append(make('p', 'samples-title', SAY['job.samples']));
  const keys = make('div', 'deeds');
  const buttons = all.map(([name, address]) => {
    const made = plain_button(`▶ ${name}`, () => { queue_of_samples = []; play_here(address, made); });
    made.setAttribute('aria-label', fill(SAY['job.hear'], { name }));
    return made;
  });
  keys.append(...buttons);
  if (all.length > 1) keys.append(plain_button(SAY['job.compare'], () => {
    queue_of_samples = all.map(([, address], n) => [address, buttons[n]]);
    play_here(...queue_of_samples.shift());
  }));
  row.append(keys);
  return row;
}
sound.addEventListener('ended', () => { const next = queue_of_samples.shift(); if (next) play_here(...next); });

function deeds_of(job) {
  const row = make('div', 'deeds');
  if (job.state === 'done') {
    row.append(plain_button(SAY['create.speak_with'], () => {
      window.dispatchEvent(new CustomEvent('studio-speak-with', { detail: job.voice }));
      go('speak');
    }, true), plain_button(SAY['job.known'], () => deed_on(job, 'away')));
  } else if (job.state === 'stopped' || job.state === 'failed') {
    row.append(plain_button(SAY['job.resume'], () => deed_on(job, 'resume'), true), plain_button(SAY['job.again'], () => put_job_away(job, 'again')),
      plain_button(SAY['job.away'], () => put_job_away(job, 'away')));
  } else {
    const stop = plain_button(SAY['job.stop'], (pressed) => busy(pressed, () => deed_on(job, 'stop')));
    stop.disabled = job.state === 'stopping';
    row.append(stop);
    if ('Notification' in window && Notification.permission === 'default') {
      const tell = plain_button(SAY['job.tell_me'], async () => {
        await Notification.requestPermission();
        shelf_of_jobs.querySelectorAll('.tell').forEach((each) => each.remove());
      });
      tell.className = 'tell';
      row.append(tell);
    }
  }
  return row;
}

function drawn_job(job) {
  const card = make('section', 'card job');
  card.dataset.job = job.id;
  card.setAttribute('aria-label', job.title);
  const bar = make('label', 'bar');
  const progress = make('progress');
  progress.max = 100;
  bar.append(make('span', 'visually-hidden', SAY['job.progress']), progress, make('span', 'percent'));
  const notice = make('div', 'notice');
  notice.setAttribute('role', 'alert');
  card.append(make('h3', 'job-title'), make('div', 'job-lines'), bar, make('p', 'numbers hint'), make('figure', 'curve'),
    make('div', 'samples-place'), make('div', 'deeds-place'), notice);
  return card;
}

function update_job(card, job) {
  const active = ['queued', 'running', 'stopping'].includes(job.state);
  card.dataset.state = job.state;
  card.querySelector('.job-title').textContent = job.title;
  const lines = JSON.stringify(job.lines);
  if (card.dataset.lines !== lines) {
    card.dataset.lines = lines;
    card.querySelector('.job-lines').replaceChildren(...job.lines.map((line) => make('p', '', line)));
  }
  const bar = card.querySelector('.bar');
  bar.hidden = !active && job.state !== 'stopped';
  bar.querySelector('progress').value = job.percent;
  bar.querySelector('.percent').textContent = `${job.percent} %`;
  card.querySelector('.numbers').textContent = [job.left, job.step].filter(Boolean).join(' · ');
  draw_curve(card.querySelector('.curve'), job.curve);
  const made_of = JSON.stringify([job.state, job.samples, job.voice]);
  if (card.dataset.made === made_of) return;
  card.dataset.made = made_of;
  const had = card.contains(document.activeElement);
  card.querySelector('.samples-place').replaceChildren(samples_of(job));
  card.querySelector('.deeds-place').replaceChildren(deeds_of(job));
  if (had) card.querySelector('.deeds-place button')?.focus();
}

function draw_jobs() {
  const { jobs } = window.studio_watch;
  const cards = new Map([...shelf_of_jobs.children].map((card) => [card.dataset.job, card]));
  const wanted = jobs.map((job) => cards.get(job.id) ?? drawn_job(job));
  if (wanted.length !== shelf_of_jobs.childElementCount || wanted.some((card, n) => card !== shelf_of_jobs.children[n])) {
    const focus = document.activeElement;
    shelf_of_jobs.replaceChildren(...wanted);
    if (shelf_of_jobs.contains(focus)) focus.focus();
  }
  jobs.forEach((job, n) => update_job(wanted[n], job));
}
window.addEventListener('studio-jobs', draw_jobs);
draw_jobs();
