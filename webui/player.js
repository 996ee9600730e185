// Runs once per player. `element` is its root, `props.value` what the server last sent, `watch` tells of changes.
const LEAD = 12; // seconds of sound decoded ahead of what is heard
const root = element.querySelector('.player');
const now = root.querySelector('.player-now');
const toggle = root.querySelector('.player-toggle');
const line = root.querySelector('.player-text');
const whole = root.querySelector('.player-whole');
const audio = root.querySelector('audio');
const link = root.querySelector('.player-download');
let run = null, context = null, pieces = [], next = 0, ends = 0, spans = [], busy = false, finished = false, timer = null;

const address = (file) => `./gradio_api/file=${file.split('/').map(encodeURIComponent).join('/')}`;

function silence() {
  clearInterval(timer);
  timer = null;
  if (context) context.close();
  context = null;
  pieces = []; next = 0; ends = 0; spans = []; busy = false;
  now.hidden = true;
  line.textContent = '';
}

async function pump() {
  if (!context || busy) return;
  busy = true;
  const mine = context;
  try {
    while (mine === context && next < pieces.length && ends - mine.currentTime < LEAD) {
      const piece = pieces[next++];
      const answer = await fetch(address(piece.file));
      const buffer = await mine.decodeAudioData(await answer.arrayBuffer());
      if (mine !== context) return;
      const source = mine.createBufferSource();
      source.buffer = buffer;
      source.connect(mine.destination);
      const start = Math.max(mine.currentTime + 0.05, ends);
      source.start(start);
      ends = start + buffer.duration;
      spans.push({ start, end: ends, text: piece.text });
    }
  } finally {
    if (mine === context) busy = false;
  }
}

function tick() {
  pump();
  if (!context) return;
  const playing = spans.find((span) => context.currentTime < span.end);
  if (playing) {
    now.hidden = false;
    if (line.textContent !== playing.text) line.textContent = playing.text;
  } else if (finished && next >= pieces.length && !busy) {
    silence();
    root.dataset.state = 'heard';
  }
}

function show() {
  const value = props.value;
  if (!value) {
    silence();
    run = null;
    audio.pause();
    whole.hidden = true;
    root.dataset.state = 'empty';
    return;
  }
  if (value.run !== run) {
    silence();
    run = value.run;
    audio.pause();
    whole.hidden = true;
    root.dataset.state = 'making';
    toggle.textContent = toggle.dataset.pause;
  }
  pieces = value.pieces;
  finished = Boolean(value.file);
  if (value.autoplay && pieces.length && !timer && root.dataset.state === 'making') {
    context = new AudioContext();
    timer = setInterval(tick, 150);
    tick();
  }
  if (finished && whole.hidden) {
    audio.src = address(value.file);
    link.href = address(value.file);
    link.download = value.name;
    whole.hidden = false;
    if (!pieces.length) {
      root.dataset.state = 'heard';
      if (value.autoplay) audio.play().catch(() => {});
    }
  }
}

toggle.addEventListener('click', () => {
  if (!context) return;
  const paused = context.state === 'suspended';
  paused ? context.resume() : context.suspend();
  toggle.textContent = paused ? toggle.dataset.pause : toggle.dataset.resume;
});
audio.addEventListener('play', () => {
  silence();
  document.querySelectorAll('audio').forEach((other) => other !== audio && other.pause());
});
window.addEventListener('studio-silence', () => {
  silence();
  audio.pause();
});
watch('value', show);
show();
