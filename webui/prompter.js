// The reading screen: one sentence after the other in large letters, a level in words, each try sent as it is spoken.
const WORKLET = `registerProcessor('blocks', class extends AudioWorkletProcessor {
  constructor() { super(); this.block = new Float32Array(2048); this.at = 0; }
  process([input]) {
    const channel = input[0];
    if (!channel) return true;
    for (let n = 0; n < channel.length; n += 1) {
      this.block[this.at++] = channel[n];
      if (this.at === this.block.length) { this.port.postMessage(this.block.slice()); this.at = 0; }
    }
    return true;
  }
});`;
const QUIET = -42, LOUD = -9, SPEAKS = -48; // dB of full scale; the loudest tenth of a second counts
const REST = [0.9, 0.35]; // seconds of silence whereupon the next sentence is lit: after 60 % of what it should take, and after all
const LAST = 1.5; // the same after the last sentence: nobody is interrupted
const pr = (id) => element.querySelector(`#prompter-${id}`);
const prompter = element.querySelector('#prompter');
let reading = null; // what is being read: { kind, passage, lines, at, finished, box, state }
let mic = null, wake = null, hearing = null;

function sentences_of(text) {
  const found = [];
  for (const part of text.match(/[^.!?。！？…\n]+[.!?。！？…]*["'”’」』)）]*/g) ?? []) {
    const each = part.trim();
    if (/^[\p{Ll}\p{N}]/u.test(each) && found.length) found[found.length - 1] += ` ${each}`; // "Why? he asks.", "3.5"
    else if (/[\p{L}\p{N}]/u.test(each)) found.push(each);
  }
  return found;
}
const seconds_of = (text) => (text.match(/[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/g)?.length ?? 0) / 5
  + text.replace(/[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/g, '').length / 16;

// ------------------------------------------------------------------------------------------------------ the microphone
async function open_mic(device) {
  close_mic();
  if (!navigator.mediaDevices?.getUserMedia) throw new Error(SAY['prompter.insecure']);
  const stream = await navigator.mediaDevices.getUserMedia({ audio: {
    deviceId: device ? { exact: device } : undefined, channelCount: 1,
    echoCancellation: false, noiseSuppression: false, autoGainControl: false,
  } });
  const context = new AudioContext();
  const module = URL.createObjectURL(new Blob([WORKLET], { type: 'text/javascript' }));
  await context.audioWorklet.addModule(module);
  URL.revokeObjectURL(module);
  const blocks = new AudioWorkletNode(context, 'blocks', { numberOfOutputs: 0 });
  blocks.port.onmessage = ({ data }) => heard_block(data);
  context.createMediaStreamSource(stream).connect(blocks);
  context.resume(); // where a page may not listen before a press, it is asked again with the next one
  mic = { stream, context, rate: context.sampleRate };
  setTimeout(() => { if (mic?.context === context && context.state !== 'running') trouble(SAY['prompter.no_sound']); }, 4000);
  const [track] = stream.getAudioTracks();
  track.addEventListener('ended', () => { pause_reading(); trouble(SAY['prompter.unplugged']); });
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === 'audioinput' && each.deviceId);
  pr('mic-row').hidden = devices.length < 2;
  pr('mic').replaceChildren(...devices.map((each, n) => new Option(each.label || `${SAY['prompter.mic']} ${n + 1}`, each.deviceId,
    false, each.deviceId === track.getSettings().deviceId)));
}

function close_mic() {
  mic?.stream.getTracks().forEach((track) => track.stop());
  mic?.context.close();
  mic = null;
}

function trouble(text) {
  pr('problem').replaceChildren(...(text ? [make('p', 'problem', text)] : []));
}

const why_no_mic = (error) => ({
  NotAllowedError: SAY['prompter.refused'], NotFoundError: SAY['prompter.no_mic'], NotReadableError: SAY['prompter.taken'],
  OverconstrainedError: SAY['prompter.no_mic'],
}[error.name] ?? (error.name === 'Error' ? error.message : SAY['app.unexpected']));

// ----------------------------------------------------------------------------------------------------------- the level
function heard_block(block) {
  if (!reading || !mic) return;
  let sum = 0, peak = 0;
  for (const value of block) { sum += value * value; peak = Math.max(peak, Math.abs(value)); }
  const level = 10 * Math.log10(sum / block.length + 1e-10), took = block.length / mic.rate;
  const speaks = level > Math.max(SPEAKS, hearing.floor + 10);
  hearing.floor = level < hearing.floor ? level : Math.min(hearing.floor + 0.6 * took, -50);
  hearing.recent.push([level, peak]);
  if (hearing.recent.length > 1.5 / took) hearing.recent.shift();
  if (reading.state === 'on') {
    const samples = new Int16Array(block.length);
    for (let n = 0; n < block.length; n += 1) samples[n] = Math.round(Math.max(-1, Math.min(1, block[n])) * 32767);
    reading.box.add(samples);
    reading.seconds += took;
    hearing.spoke += speaks ? took : 0;
    hearing.still = speaks ? 0 : hearing.still + took;
    if (pr('self').checked && reading.lines[reading.at].text && seems_read()) next_sentence();
  }
  const now = performance.now();
  if (now - hearing.shown < 90) return;
  hearing.shown = now;
  show_level(level);
}

function show_level(level) {
  const best = Math.max(...hearing.recent.map(([each]) => each)), peak = Math.max(...hearing.recent.map(([, each]) => each));
  const kind = peak > 0.985 || best > LOUD ? 'loud' : best < SPEAKS ? 'none' : best < QUIET ? 'quiet' : 'good';
  pr('level').closest('.level').dataset.level = kind;
  pr('level').textContent = { loud: SAY['prompter.loud'], none: SAY['prompter.silent'], quiet: SAY['prompter.quiet'], good: SAY['prompter.good'] }[kind];
  element.querySelector('.level-now').style.transform = `scaleX(${Math.max(0.01, Math.min(1, (level + 66) / 66))})`;
  show_place();
}

// --------------------------------------------------------------------------------------------------------- the sentences
function show_place() {
  if (!reading) return;
  const time = `${Math.floor(reading.seconds / 60)}:${String(Math.floor(reading.seconds % 60)).padStart(2, '0')}`;
  const place = fill(SAY['prompter.place'], { number: reading.at + 1, all: reading.lines.length });
  pr('place').textContent = reading.lines.length > 1 ? `${place} · ${time}` : time;
}

function draw_reading() {
  const text = pr('text');
  if (text.childElementCount !== reading.lines.length) {
    text.lang = reading.language;
    text.replaceChildren(...reading.lines.map((line, n) => {
      const button = make('button', 'prompter-line', line.text || line.hint);
      button.type = 'button';
      button.addEventListener('click', () => (n === reading.at && reading.state === 'on' ? next_sentence() : go_to(n)));
      return button;
    }));
  }
  [...text.children].forEach((line, n) => {
    line.classList.toggle('now', n === reading.at);
    line.classList.toggle('read', reading.finished.has(n));
    n === reading.at ? line.setAttribute('aria-current', 'true') : line.removeAttribute('aria-current');
  });
  const now = text.children[reading.at];
  text.scrollTo({ top: now.offsetTop - text.offsetTop - (text.clientHeight - now.clientHeight) / 2, behavior: reduced() ? 'auto' : 'smooth' });
  const { state } = reading;
  const last = reading.at === reading.lines.length - 1;
  pr('go').textContent = { ready: SAY['prompter.start'], count: SAY['prompter.start'], paused: SAY['prompter.resume'] }[state]
    ?? (last ? SAY['prompter.finish'] : SAY['prompter.next']);
  pr('again').disabled = pr('pause').disabled = state === 'ready' || state === 'count';
  pr('pause').hidden = state === 'paused';
  pr('finish').hidden = (last && state === 'on') || (state === 'ready' && !reading.finished.size);
  pr('self-row').hidden = reading.lines.length < 2;
  prompter.dataset.state = state;
  show_place();
}

function new_try() {
  const line = reading.lines[reading.at];
  Object.assign(hearing, { spoke: 0, still: 0 });
  reading.box = new Outbox({ kind: reading.kind, passage: reading.passage, sentence: line.number, text: line.text, rate: mic.rate },
    (problem) => { pause_reading(); trouble(problem); });
  reading.boxes.push(reading.box);
}

function end_try(whole) { // a try in which nothing was said is none, unless its reader says that it was read
  const { box } = reading;
  if (!box || box.dead) return;
  if (whole ? box.samples < 10000 : hearing.spoke < 0.3) { reading.seconds -= box.samples / (mic?.rate ?? 48000); box.drop(); return; }
  if (!whole) { box.flush(); return; }
  reading.finished.add(reading.at);
  box.finish();
}

function seems_read() { // a fluent reader rests for half a second between two sentences, and for as long at a comma
  const share = hearing.spoke / seconds_of(reading.lines[reading.at].text);
  const sure = Math.max(0, Math.min(1, (share - 0.6) / 0.4));
  const rest = reading.at === reading.lines.length - 1 ? LAST : REST[0] + sure * (REST[1] - REST[0]);
  return share > 0.45 && hearing.still > rest;
}

const read_through = () => hearing.spoke > 0.6 * seconds_of(reading.lines[reading.at].text);

function next_sentence() {
  if (reading.at === reading.lines.length - 1) { end_reading(true); return; }
  end_try(true);
  reading.at += 1;
  new_try();
  draw_reading();
}

function again() { // this sentence, or, where it was not begun, the one before
  if (reading.state !== 'on' && reading.state !== 'paused') return;
  const begun = hearing.spoke > 0.3;
  reading.seconds -= reading.box.samples / mic.rate;
  reading.box.drop();
  if (!begun && reading.at > 0) reading.at -= 1;
  reading.state = 'on';
  new_try();
  pr('told').textContent = SAY['prompter.again_told'];
  draw_reading();
}

function go_to(number) {
  if (reading.state === 'on' || reading.state === 'paused') end_try(read_through());
  reading.at = number;
  if (reading.state === 'on' || reading.state === 'paused') { reading.state = 'on'; new_try(); }
  draw_reading();
}

async function start_reading() {
  trouble('');
  try {
    if (!mic) await open_mic();
    mic.context.resume();
  } catch (error) {
    trouble(why_no_mic(error));
    return;
  }
  reading.state = 'count';
  draw_reading();
  const mine = reading;
  for (const count of [3, 2, 1]) {
    pr('count').hidden = false;
    pr('count').textContent = pr('told').textContent = String(count);
    await later(700);
    if (reading !== mine || reading.state !== 'count') { pr('count').hidden = true; return; }
  }
  pr('count').hidden = true;
  pr('told').textContent = SAY['prompter.recording'];
  reading.state = 'on';
  new_try();
  draw_reading();
}

function pause_reading() {
  if (reading?.state === 'count') reading.state = 'ready';
  if (reading?.state === 'on') { reading.state = 'paused'; reading.box.flush(); }
  if (!reading) return;
  pr('told').textContent = SAY['prompter.paused'];
  draw_reading();
}

async function end_reading(whole) {
  const ended = reading;
  if (!ended) return;
  if (ended.state === 'on' || ended.state === 'paused') end_try(whole || read_through());
  reading = null;
  clearInterval(ended.timer);
  close_mic();
  wake?.release().catch(() => {});
  wake = null;
  prompter.close();
  await Promise.all(ended.boxes.map((box) => (box.dead ? box.working : box.flush())));
  ended.over();
}

// `lines`: [{ number, text, hint }]; `finished`: places that were read before; `over` is called when all has arrived.
async function read_aloud({ kind, passage, language, lines, finished, seconds = 0, over }) {
  window.dispatchEvent(new CustomEvent('studio-silence', { detail: prompter }));
  const first = lines.findIndex((_, n) => !finished.has(n));
  hearing = { floor: -70, recent: [], spoke: 0, still: 0, shown: 0 };
  reading = { kind, passage, language, lines, at: Math.max(0, first), finished, seconds, box: null, boxes: [], state: 'ready', over };
  pr('text').replaceChildren();
  pr('count').hidden = true;
  trouble('');
  prompter.showModal();
  draw_reading();
  pr('go').focus();
  reading.timer = setInterval(() => reading?.state === 'on' && reading.box.flush(), 1000);
  wake = await navigator.wakeLock?.request('screen').catch(() => null) ?? null;
  await open_mic().catch((error) => trouble(why_no_mic(error)));
  if (!reading) close_mic();
}

pr('go').addEventListener('click', () => {
  if (reading.state === 'on') next_sentence();
  else if (reading.state === 'paused') { reading.state = 'on'; draw_reading(); } else if (reading.state === 'ready') start_reading();
});
pr('again').addEventListener('click', again);
pr('pause').addEventListener('click', () => { pause_reading(); pr('go').focus(); });
pr('finish').addEventListener('click', () => end_reading(false));
pr('close').addEventListener('click', () => end_reading(false));
pr('mic').addEventListener('change', () => open_mic(pr('mic').value).catch((error) => trouble(why_no_mic(error))));
prompter.addEventListener('cancel', (event) => { event.preventDefault(); reading?.state === 'on' ? pause_reading() : end_reading(false); });
prompter.addEventListener('keydown', (event) => {
  const other = event.target.closest('select, input, button:not(#prompter-go, .prompter-line)');
  const deed = {
    ' ': !other && (() => pr('go').click()), ArrowRight: () => pr('go').click(), ArrowLeft: again, r: again, R: again,
    p: pause_reading, P: pause_reading,
  }[event.key];
  if (!deed || event.target.closest('select') || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  event.preventDefault();
  deed();
});
const leave_reading = () => reading?.boxes.forEach((box) => box.leave());
window.addEventListener('pagehide', leave_reading);
document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'hidden') { reading?.box?.flush(); } });
