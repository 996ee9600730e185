// Beside every tab: what is being learnt is looked at once a second while it moves and not at all when nothing does; what
// becomes ready is told by the title, aloud and as a notice; sounds may be dropped anywhere.
const LOOK = 1000; // ms
const SOUNDS = /\.(wav|flac|mp3|m4a|mp4|m4v|mov|mkv|avi|webm|ogg|oga|opus|aac|amr|aiff?|caf|wma|3gp)$/i;
const WORDS = /\.(txt|srt|vtt)$/i; // what is said in sounds
const TITLE = document.title, news = element.querySelector('#watch-news'), dropping = element.querySelector('#watch-dropping');
const states = new Map();
let timer = null;
const watch_here = window.studio_watch = { jobs: [], files: [], look, sounds: (files) => files.filter(
  (file) => /^(audio|video)\//.test(file.type) || SOUNDS.test(file.name)), words: (files) => files.filter((file) => WORDS.test(file.name)) };

function announce(job) { // each that becomes ready or fails, whichever tab of the page is open
  const before = states.get(job.id);
  states.set(job.id, job.state);
  if (!before || before === job.state || !['done', 'failed'].includes(job.state)) return;
  const said = make('p', '', job.title);
  news.append(said);
  setTimeout(() => said.remove(), 20000);
  if (job.state === 'done') window.dispatchEvent(new CustomEvent('studio-voices', { detail: { fresh: true } }));
  if (document.hidden && 'Notification' in window && Notification.permission === 'granted') {
    try { new Notification(job.title, { body: job.lines[0], tag: job.id }); } catch { /* a phone lets only workers do it */ }
  }
}

function show_title() {
  const ready = watch_here.jobs.filter((job) => job.state === 'done').map((job) => job.title);
  const running = watch_here.jobs.find((job) => job.state === 'running' || job.state === 'stopping');
  const told = [ready.length && `✓ ${new Intl.ListFormat(document.documentElement.lang).format(ready)}`, running && `${running.percent} % ${running.name}`].filter(Boolean).join(' · ');
  document.title = told ? `${told} – ${TITLE}` : TITLE;
}

async function look() {
  clearTimeout(timer);
  const answer = await ask('learning').catch(() => null);
  if (answer?.jobs) {
    watch_here.jobs = answer.jobs;
    answer.jobs.forEach(announce);
    show_title();
    window.dispatchEvent(new Event('studio-jobs'));
  }
  clearTimeout(timer);
  const moves = watch_here.jobs.some((job) => ['queued', 'running', 'stopping'].includes(job.state));
  if (!answer || moves) timer = setTimeout(look, answer ? LOOK : 3 * LOOK);
}
document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
look();

// ---------------------------------------------------------------------------------------------------- files by drop
let inside = 0;
const brings = (event) => [...(event.dataTransfer?.items ?? [])].some((item) => item.kind === 'file' && (!item.type || /^(audio|video)\//.test(item.type)));
document.addEventListener('dragenter', (event) => { if (brings(event)) { inside += 1; dropping.hidden = false; } });
document.addEventListener('dragleave', (event) => { if (brings(event) && (inside -= 1) <= 0) { inside = 0; dropping.hidden = true; } });
document.addEventListener('dragover', (event) => { if (brings(event)) event.preventDefault(); });
document.addEventListener('drop', (event) => {
  inside = 0;
  dropping.hidden = true;
  const files = [...(event.dataTransfer?.files ?? [])];
  if (event.defaultPrevented || !watch_here.sounds(files).length) return;
  event.preventDefault();
  watch_here.files.push(...files);
  go('create');
  window.dispatchEvent(new Event('studio-files'));
});
window.addEventListener('studio-add-recording', (event) => { watch_here.add_to = event.detail; go('create'); });
