// A take as a picture: its wave, below it its spectrum over time, and its words where they sound.
const WIDTH_OF_A_SECOND = 50; // pixels that its words need at least
const WIDE = 480, HIGH = 64, SIZE = 256; // columns, rows of the spectrum, samples of a window

function spectrum(samples) { // levels in dB of one window, by a fast Fourier transform (Cooley and Tukey, radix 2)
  const re = new Float32Array(SIZE), im = new Float32Array(SIZE);
  for (let n = 0; n < SIZE; n += 1) {
    let to = 0;
    for (let bit = 1, back = SIZE >> 1; bit < SIZE; bit <<= 1, back >>= 1) if (n & bit) to |= back;
    re[to] = (samples[n] ?? 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * n) / SIZE));
  }
  for (let half = 1; half < SIZE; half *= 2) {
    for (let start = 0; start < SIZE; start += 2 * half) {
      for (let k = 0; k < half; k += 1) {
        const turn = (-Math.PI * k) / half, a = start + k, b = a + half;
        const x = re[b] * Math.cos(turn) - im[b] * Math.sin(turn), y = re[b] * Math.sin(turn) + im[b] * Math.cos(turn);
        [re[b], im[b], re[a], im[a]] = [re[a] - x, im[a] - y, re[a] + x, im[a] + y];
      }
    }
  }
  return (bin) => 10 * Math.log10(re[bin] ** 2 + im[bin] ** 2 + 1e-9);
}

function painted(sound) {
  const canvas = make('canvas', 'wave');
  Object.assign(canvas, { width: WIDE, height: 2 * HIGH });
  const samples = sound.getChannelData(0), step = samples.length / WIDE;
  const draw = canvas.getContext('2d'), style = getComputedStyle(element);
  const loudest = samples.reduce((most, each) => Math.max(most, Math.abs(each)), 0.01);
  const top = Math.max(1, Math.round((8000 * SIZE) / sound.sampleRate)); // the bin of 8 kHz
  draw.fillStyle = style.getPropertyValue('--primary-500');
  for (let x = 0; x < WIDE; x += 1) {
    let peak = 0;
    for (let n = Math.floor(x * step); n < (x + 1) * step; n += 1) peak = Math.max(peak, Math.abs(samples[n]));
    const tall = Math.max(1, (peak / loudest) * (HIGH - 6));
    draw.globalAlpha = 1;
    draw.fillRect(x, (HIGH - tall) / 2, 1, tall);
    const level = spectrum(samples.subarray(Math.floor(x * step)));
    for (let y = 0; y < HIGH; y += 1) {
      draw.globalAlpha = Math.min(1, Math.max(0, (level(Math.round((y / HIGH) * Math.min(top, SIZE / 2 - 1))) + 45) / 70));
      draw.fillRect(x, 2 * HIGH - y - 1, 1, 1);
    }
  }
  return canvas;
}

async function picture(take, place) { // into `place`; a press in it plays from there
  const answer = await fetch(own(`takes/${take.id}/hear.wav`));
  if (!answer.ok || !place.isConnected) return;
  const sound = await new OfflineAudioContext(1, 1, 32000).decodeAudioData(await answer.arrayBuffer());
  const canvas = painted(sound);
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', SAY['take.picture']);
  canvas.addEventListener('click', (event) => play(take, (event.offsetX / canvas.clientWidth) * take.seconds));
  place.replaceChildren(canvas, placed(take, take.lines, 1));
  if (take.seconds * WIDTH_OF_A_SECOND > place.clientWidth) return;
  const { words } = await ask(`takes/${take.id}/words`).catch(() => ({}));
  if (words?.length) place.lastChild.replaceWith(placed(take, words, 3));
}

function placed(take, parts, rows) { // what is heard, where it is heard; words take turns in three rows, so that they can be read
  const box = make('div', 'wave-words');
  box.setAttribute('aria-hidden', 'true'); // the list below says the same
  box.style.height = `${1.7 * rows}em`;
  parts.forEach((each, number) => {
    const made = make('span', 'take-line', each.text);
    Object.assign(made.dataset, { from: each.from, to: each.to });
    const upTo = parts[number + rows]?.from ?? take.seconds;
    Object.assign(made.style, { left: `${(100 * each.from) / take.seconds}%`, maxWidth: `${(100 * (upTo - each.from)) / take.seconds}%`, top: `${1.7 * (number % rows)}em` });
    made.addEventListener('click', () => play(take, each.from, each.to));
    box.append(made);
  });
  return box;
}

async function share(take) {
  const answer = await fetch(own(`takes/${take.id}/take.mp3`));
  if (!answer.ok) { say((await answer.json()).problem); return; }
  const file = new File([await answer.blob()], `${titled(take).replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, 40)}.mp3`, { type: 'audio/mpeg' });
  await navigator.share({ files: [file], title: titled(take) }).catch(() => {}); // who leaves the dialogue says no
}
const shares = () => navigator.canShare?.({ files: [new File([''], 'a.mp3', { type: 'audio/mpeg' })] }) ?? false;
